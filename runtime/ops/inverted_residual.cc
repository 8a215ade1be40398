// InvertedResidual: its parts one after another. Each stores its result; byte for byte what the separate
// operators give.
#include "runtime/ops/parts.h"

namespace qrun {

Status PrepareInvertedResidual(const OpContext& op) {
  const fb::InvertedResidual& block = *op.op.options_as_InvertedResidual();
  int src = op.input(0);
  if (block.expand() != nullptr) {
    QRUN_RETURN_IF_ERROR(
        AddConv2D(op, *block.expand(), {src, op.input(1), op.input(2), block.expanded(), "expand"}));
    src = block.expanded();
  }
  QRUN_RETURN_IF_ERROR(
      AddDepthwise(op, *block.depthwise(), {src, op.input(3), op.input(4), block.filtered(), "depthwise"}));
  const int projected = block.residual() ? block.projected() : op.output();
  QRUN_RETURN_IF_ERROR(
      AddConv2D(op, *block.project(), {block.filtered(), op.input(5), op.input(6), projected, "project"}));
  if (!block.residual()) return Status::Ok();
  return AddBinary(op, fb::BinaryKind::Add, block.residual_clamp(), projected, op.input(0), op.output(),
                   "residual");
}

}  // namespace qrun
