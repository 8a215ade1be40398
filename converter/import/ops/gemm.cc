// Gemm and MatMul with constant weights.
#include <fmt/format.h>

#include "converter/evaluate_constant.h"
#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

Value Scaled(const Value& value, float factor) {
  std::vector<float> elements(Floats(value).begin(), Floats(value).end());
  for (float& x : elements) x *= factor;
  return FloatConstant(value.name, value.shape, elements);
}

}  // namespace

Status ImportGemm(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  const ValueId src = node.input(0), rhs = node.input(1), bia = node.input(2);
  if (builder.IsConstant(src) || !builder.IsConstant(rhs)) {
    return Status::Unsupported("multiplies by a matrix that is computed at run time");
  }
  Value weight = builder.value(rhs);
  if (builder.shape(src).size() != 2 || weight.shape.size() != 2 || weight.type != ElementType::kFloat32) {
    return Status::InvalidModel(
        fmt::format("multiplies {} by {}", ShapeString(builder.shape(src)), ShapeString(weight.shape)));
  }
  if (node.Int("transA", 0) != 0)
    return Status::Unsupported("transposes its first input (transA), the batch with it");
  if (node.Int("transB", 0) == 0) weight = TransposedConstant(weight, {1, 0});
  if (const float alpha = node.Float("alpha", 1); alpha != 1) weight = Scaled(weight, alpha);
  const int64_t oc = weight.shape[0];

  std::vector<ValueId> inputs = {src, builder.AddConstant(std::move(weight))};
  const float beta = node.Float("beta", 1);
  if (bia != kNoValue && beta != 0) {
    if (!builder.IsConstant(bia) || builder.value(bia).type != ElementType::kFloat32) {
      return Status::Unsupported("adds a bias that is computed at run time");
    }
    Value bias = Scaled(builder.value(bia), beta);
    const Shape& shape = bias.shape;
    const int64_t count = ElementCount(shape);
    const bool per_channel = shape.size() <= 2 && (count == 1 || (count == oc && shape.back() == oc));
    if (!per_channel) {
      return Status::Unsupported(
          fmt::format("adds a bias of shape {} to {} channels", ShapeString(shape), oc));
    }
    bias.shape = {count};
    inputs.push_back(builder.AddConstant(BroadcastConstant(bias, {oc})));
  }
  return EmitOutput(node, builder, fb::FullyConnectedT{}, std::move(inputs));
}

Status ImportMatMul(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  const ValueId src = node.input(0), rhs = node.input(1);
  if (builder.IsConstant(src) || !builder.IsConstant(rhs)) {
    return Status::Unsupported("multiplies two activations, or a constant from the left");
  }
  const Value& weight = builder.value(rhs);
  if (weight.shape.size() != 2 || weight.type != ElementType::kFloat32) {
    return Status::Unsupported(
        fmt::format("multiplies by a constant of shape {}", ShapeString(weight.shape)));
  }
  const ValueId wei = builder.AddConstant(TransposedConstant(weight, {1, 0}));
  return EmitOutput(node, builder, fb::FullyConnectedT{}, {src, wei});
}

}  // namespace qrun::converter
