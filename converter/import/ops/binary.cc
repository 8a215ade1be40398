// Arithmetic of two and more inputs.
#include <fmt/format.h>

#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

Status EmitPair(const OnnxNode& node, GraphBuilder& builder, fb::BinaryKind kind) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  return FinishOutput(node, builder, builder.EmitBinary(node, kind, node.input(0), node.input(1)));
}

Status EmitFold(const OnnxNode& node, GraphBuilder& builder, fb::BinaryKind kind) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, node.inputs().size()));
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  ValueId out = node.input(0);
  for (size_t i = 1; i < node.inputs().size(); ++i) {
    QRUN_ASSIGN_OR_RETURN(out, builder.EmitBinary(node, kind, out, node.input(i)));
  }
  builder.SetOutput(node, 0, out);
  return Status::Ok();
}

}  // namespace

Status ImportAdd(const OnnxNode& node, GraphBuilder& builder) {
  return EmitPair(node, builder, fb::BinaryKind::Add);
}
Status ImportSub(const OnnxNode& node, GraphBuilder& builder) {
  return EmitPair(node, builder, fb::BinaryKind::Sub);
}
Status ImportMul(const OnnxNode& node, GraphBuilder& builder) {
  return EmitPair(node, builder, fb::BinaryKind::Mul);
}
Status ImportDiv(const OnnxNode& node, GraphBuilder& builder) {
  return EmitPair(node, builder, fb::BinaryKind::Div);
}
Status ImportSum(const OnnxNode& node, GraphBuilder& builder) {
  return EmitFold(node, builder, fb::BinaryKind::Add);
}
Status ImportMin(const OnnxNode& node, GraphBuilder& builder) {
  return EmitFold(node, builder, fb::BinaryKind::Min);
}
Status ImportMax(const OnnxNode& node, GraphBuilder& builder) {
  return EmitFold(node, builder, fb::BinaryKind::Max);
}

Status ImportPow(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  const ValueId src = node.input(0);
  QRUN_ASSIGN_OR_RETURN(const std::vector<float> exponent, builder.ConstantFloats(node, 1, "exponent"));
  const float power = exponent.size() == 1 ? exponent[0] : 0;
  fb::UnaryT unary;
  if (power == 1) {
    builder.SetOutput(node, 0, src);
    return Status::Ok();
  }
  if (power == 0.5f || power == -1) {
    unary.kind = power == -1 ? fb::UnaryKind::Reciprocal : fb::UnaryKind::Sqrt;
    return EmitOutput(node, builder, std::move(unary), {src});
  }
  if (power == 2 || power == 3) {
    QRUN_ASSIGN_OR_RETURN(ValueId out, builder.EmitBinary(node, fb::BinaryKind::Mul, src, src));
    if (power == 3) {
      QRUN_ASSIGN_OR_RETURN(out, builder.EmitBinary(node, fb::BinaryKind::Mul, out, src));
    }
    builder.SetOutput(node, 0, out);
    return Status::Ok();
  }
  return Status::Unsupported("only the exponents -1, 0.5, 1, 2 and 3 are supported");
}

}  // namespace qrun::converter
