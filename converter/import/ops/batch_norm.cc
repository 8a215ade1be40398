// BatchNormalization.
#include <fmt/format.h>

#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {

Status ImportBatchNorm(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 5));
  if (node.opset() >= 14 && node.Int("training_mode", 0) != 0) {
    return Status::Unsupported("is in training mode; export the model for inference");
  }
  if (node.opset() < 9 && node.Int("spatial", 1) == 0) {
    return Status::Unsupported("normalises every pixel by itself (spatial = 0)");
  }
  for (size_t i = 1; i < 5; ++i) {
    if (!builder.IsConstant(node.input(i)) || builder.value(node.input(i)).type != ElementType::kFloat32) {
      return Status::Unsupported(fmt::format("its parameter {} is computed at run time", i));
    }
  }
  const BatchNorm op{.epsilon = node.Float("epsilon", 1e-5f)};
  return EmitOutput(node, builder, op, {node.inputs().begin(), node.inputs().begin() + 5});
}

}  // namespace qrun::converter
