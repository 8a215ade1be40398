// ReduceMean, ReduceMax and ReduceSum as pools over the reduced axes.
#include <fmt/format.h>

#include <algorithm>

#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

Result<std::vector<int>> ReducedAxes(const OnnxNode& node, const GraphBuilder& builder,
                                     int64_t axes_input_since) {
  const size_t rank = builder.shape(node.input(0)).size();
  QRUN_ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> given,
                        IntsAttributeOrInput(node, builder, "axes", 1, axes_input_since));
  std::vector<int> axes;
  if (given && !given->empty()) {
    QRUN_ASSIGN_OR_RETURN(axes, NormalizeAxes(*given, rank));
  } else if (node.Int("noop_with_empty_axes", 0) == 0) {
    for (size_t i = 0; i < rank; ++i) axes.push_back(static_cast<int>(i));
  }
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  return axes;
}

// The kept axes become channels and the reduced ones an image, whose first axis is its height.
Result<ValueId> EmitReduce(const OnnxNode& node, GraphBuilder& builder, fb::PoolKind kind,
                           int64_t axes_input_since, int64_t& reduced_count) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const ValueId src = node.input(0);
  const Shape shape = builder.shape(src);
  if (builder.IsConstant(src)) return Status::Unsupported("reduces a constant");
  QRUN_ASSIGN_OR_RETURN(const std::vector<int> axes, ReducedAxes(node, builder, axes_input_since));
  reduced_count = 1;
  if (axes.empty()) return src;
  if (axes[0] == 0) return Status::Unsupported("reduces over the batch");

  std::vector<int> perm;
  Shape image = {1, 1, 1, 1}, out;
  const bool keep = node.Int("keepdims", 1) != 0;
  for (int i = 0; i < static_cast<int>(shape.size()); ++i) {
    const bool reduced = std::binary_search(axes.begin(), axes.end(), i);
    if (!reduced) perm.push_back(i);
    if (!reduced && i > 0) image[1] *= shape[i];
    if (!reduced || keep) out.push_back(reduced ? 1 : shape[i]);
  }
  for (int axis : axes) {
    perm.push_back(axis);
    image[axis == axes[0] ? 2 : 3] *= shape[axis];
    reduced_count *= shape[axis];
  }
  fb::Pool2DT op;
  op.kind = kind;
  QRUN_ASSIGN_OR_RETURN(op.kernel_h, SmallInt(image[2], "height"));
  QRUN_ASSIGN_OR_RETURN(op.kernel_w, SmallInt(image[3], "width"));
  QRUN_ASSIGN_OR_RETURN(ValueId value, builder.EmitTranspose(node, src, perm));
  QRUN_ASSIGN_OR_RETURN(value, builder.EmitReshape(node, value, image));
  QRUN_ASSIGN_OR_RETURN(value, builder.Emit(node, std::move(op), {value}));
  return builder.EmitReshape(node, value, out);
}

}  // namespace

Status ImportReduceMean(const OnnxNode& node, GraphBuilder& builder) {
  int64_t count;
  return FinishOutput(node, builder, EmitReduce(node, builder, fb::PoolKind::Average, 18, count));
}

Status ImportReduceMax(const OnnxNode& node, GraphBuilder& builder) {
  int64_t count;
  return FinishOutput(node, builder, EmitReduce(node, builder, fb::PoolKind::Max, 18, count));
}

Status ImportReduceSum(const OnnxNode& node, GraphBuilder& builder) {
  int64_t count;
  QRUN_ASSIGN_OR_RETURN(const ValueId mean, EmitReduce(node, builder, fb::PoolKind::Average, 13, count));
  const ValueId factor =
      builder.AddConstant(FloatConstant(node.name() + ".count", {}, {static_cast<float>(count)}));
  return FinishOutput(node, builder, builder.EmitBinary(node, fb::BinaryKind::Mul, mean, factor));
}

}  // namespace qrun::converter
