// Conv.
#include <fmt/format.h>

#include "converter/evaluate_constant.h"
#include "converter/import/importers.h"
#include "converter/import/ops/common.h"
#include "converter/import/ops/window.h"

namespace qrun::converter {

Status ImportConv(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  const size_t rank = builder.shape(node.input(0)).size();
  if (!builder.IsConstant(node.input(1))) return Status::Unsupported("its weights are computed at run time");
  if (node.HasInput(2) && !builder.IsConstant(node.input(2))) {
    return Status::Unsupported("its bias is computed at run time");
  }
  Value weight = builder.value(node.input(1));
  if (rank < 3 || rank > 4)
    return Status::Unsupported(fmt::format("convolves over {} axes", int64_t(rank) - 2));
  if (weight.shape.size() != rank || weight.type != ElementType::kFloat32) {
    return Status::InvalidModel(fmt::format("its weights have shape {}", ShapeString(weight.shape)));
  }
  if (rank == 3) weight.shape.insert(weight.shape.begin() + 2, 1);
  QRUN_ASSIGN_OR_RETURN(Window window, ReadWindow(node, rank, {weight.shape[2], weight.shape[3]}));
  QRUN_ASSIGN_OR_RETURN(const ValueId src, AsImage(node, builder, node.input(0)));
  ResolveAutoPad(window.auto_pad, builder.shape(src)[2], window.h);
  ResolveAutoPad(window.auto_pad, builder.shape(src)[3], window.w);

  fb::Conv2DT op;
  SetWindow(window, op);
  op.dilation_h = window.h.dilation;
  op.dilation_w = window.w.dilation;
  QRUN_ASSIGN_OR_RETURN(op.groups, SmallInt(node.Int("group", 1), "group"));
  std::vector<ValueId> inputs = {src, rank == 3 ? builder.AddConstant(std::move(weight)) : node.input(1)};
  if (node.HasInput(2)) inputs.push_back(node.input(2));
  QRUN_ASSIGN_OR_RETURN(const ValueId out, builder.Emit(node, std::move(op), std::move(inputs)));
  return FinishOutput(node, builder, FromImage(node, builder, out, rank));
}

}  // namespace qrun::converter
