// MaxPool, AveragePool and their global forms.
#include <fmt/format.h>

#include <algorithm>

#include "converter/import/importers.h"
#include "converter/import/ops/common.h"
#include "converter/import/ops/window.h"

namespace qrun::converter {
namespace {

// With ceil_mode a last window may hang over the end: pads so that the schema's rounding down gives as many
// outputs. A window that would start in the padding behind the image is left out. Returns the pixels added.
int ExtendForCeilMode(int64_t in, WindowAxis& axis) {
  const int64_t span = in + axis.before + axis.after - axis.kernel;
  if (span < 0) return 0;
  int64_t out = (span + axis.stride - 1) / axis.stride + 1;
  if ((out - 1) * axis.stride >= in + axis.before) --out;
  const int64_t missing = (out - 1) * axis.stride - span;
  if (missing <= 0) return 0;
  axis.after += static_cast<int>(missing);
  return static_cast<int>(missing);
}

Status EmitPool(const OnnxNode& node, GraphBuilder& builder, fb::PoolKind kind) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const size_t rank = builder.shape(node.input(0)).size();
  QRUN_ASSIGN_OR_RETURN(Window window, ReadWindow(node, rank, {}));
  if (window.h.dilation != 1 || window.w.dilation != 1) return Status::Unsupported("pools with dilation");
  QRUN_ASSIGN_OR_RETURN(const ValueId src, AsImage(node, builder, node.input(0)));
  const int64_t height = builder.shape(src)[2], width = builder.shape(src)[3];
  ResolveAutoPad(window.auto_pad, height, window.h);
  ResolveAutoPad(window.auto_pad, width, window.w);

  fb::Pool2DT op;
  op.kind = kind;
  op.kernel_h = window.h.kernel;
  op.kernel_w = window.w.kernel;
  const bool padded = window.h.before || window.h.after || window.w.before || window.w.after;
  op.count_include_pad = kind == fb::PoolKind::Average && node.Int("count_include_pad", 0) != 0 && padded;
  if (node.Int("ceil_mode", 0) != 0) {
    const int added = ExtendForCeilMode(height, window.h) + ExtendForCeilMode(width, window.w);
    if (added > 0 && op.count_include_pad) {
      return Status::Unsupported(
          "averages over its padding (count_include_pad) in windows that ceil_mode hangs over "
          "the end");
    }
  }
  for (const WindowAxis& axis : {window.h, window.w}) {
    if (axis.before < 0 || axis.after < 0 || axis.before >= axis.kernel || axis.after >= axis.kernel) {
      return Status::Unsupported(
          fmt::format("padding {} and {} of a window of {}", axis.before, axis.after, axis.kernel));
    }
  }
  SetWindow(window, op);
  QRUN_ASSIGN_OR_RETURN(const ValueId out, builder.Emit(node, std::move(op), {src}));
  return FinishOutput(node, builder, FromImage(node, builder, out, rank));
}

Status EmitGlobalPool(const OnnxNode& node, GraphBuilder& builder, fb::PoolKind kind) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  QRUN_ASSIGN_OR_RETURN(const ValueId src, AsImage(node, builder, node.input(0)));
  fb::Pool2DT op;
  op.kind = kind;
  QRUN_ASSIGN_OR_RETURN(op.kernel_h, SmallInt(builder.shape(src)[2], "height"));
  QRUN_ASSIGN_OR_RETURN(op.kernel_w, SmallInt(builder.shape(src)[3], "width"));
  QRUN_ASSIGN_OR_RETURN(const ValueId out, builder.Emit(node, std::move(op), {src}));
  return FinishOutput(node, builder, FromImage(node, builder, out, builder.shape(node.input(0)).size()));
}

}  // namespace

Status ImportMaxPool(const OnnxNode& node, GraphBuilder& builder) {
  return EmitPool(node, builder, fb::PoolKind::Max);
}

Status ImportAveragePool(const OnnxNode& node, GraphBuilder& builder) {
  return EmitPool(node, builder, fb::PoolKind::Average);
}

Status ImportGlobalMaxPool(const OnnxNode& node, GraphBuilder& builder) {
  return EmitGlobalPool(node, builder, fb::PoolKind::Max);
}

Status ImportGlobalAveragePool(const OnnxNode& node, GraphBuilder& builder) {
  return EmitGlobalPool(node, builder, fb::PoolKind::Average);
}

}  // namespace qrun::converter
