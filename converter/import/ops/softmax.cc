// Softmax and LogSoftmax.
#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

Result<ValueId> EmitSoftmax(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const ValueId src = node.input(0);
  const Shape shape = builder.shape(src);
  QRUN_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(node.Int("axis", node.opset() < 13 ? 1 : -1), shape.size()));
  if (axis == 0) return Status::Unsupported("normalises over the batch");
  const int64_t behind = ElementCount({shape.begin() + axis + 1, shape.end()});
  if (node.opset() < 13 && behind > 1) {  // over the axis and all behind it as one
    Shape flat(shape.begin(), shape.begin() + axis);
    flat.push_back(shape[axis] * behind);
    QRUN_ASSIGN_OR_RETURN(ValueId out, builder.EmitReshape(node, src, flat));
    QRUN_ASSIGN_OR_RETURN(out, builder.Emit(node, fb::SoftmaxT{}, {out}));
    return builder.EmitReshape(node, out, shape);
  }
  const std::vector<int> perm = MoveToEnd(shape.size(), axis);
  QRUN_ASSIGN_OR_RETURN(ValueId out, builder.EmitTranspose(node, src, perm));
  QRUN_ASSIGN_OR_RETURN(out, builder.Emit(node, fb::SoftmaxT{}, {out}));
  return builder.EmitTranspose(node, out, InversePermutation(perm));
}

}  // namespace

Status ImportSoftmax(const OnnxNode& node, GraphBuilder& builder) {
  return FinishOutput(node, builder, EmitSoftmax(node, builder));
}

Status ImportLogSoftmax(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_ASSIGN_OR_RETURN(const ValueId softmax, EmitSoftmax(node, builder));
  fb::UnaryT log;
  log.kind = fb::UnaryKind::Log;
  return EmitOutput(node, builder, std::move(log), {softmax});
}

}  // namespace qrun::converter
