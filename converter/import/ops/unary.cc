// Element-wise functions and activations.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

constexpr struct {
  std::string_view op_type;
  fb::UnaryKind kind;
} kPlain[] = {
    {"Abs", fb::UnaryKind::Abs},
    {"Exp", fb::UnaryKind::Exp},
    {"Floor", fb::UnaryKind::Floor},
    {"HardSwish", fb::UnaryKind::HardSwish},
    {"Log", fb::UnaryKind::Log},
    {"Neg", fb::UnaryKind::Neg},
    {"Reciprocal", fb::UnaryKind::Reciprocal},
    {"Sigmoid", fb::UnaryKind::Sigmoid},
    {"Softplus", fb::UnaryKind::Softplus},
    {"Sqrt", fb::UnaryKind::Sqrt},
    {"Tanh", fb::UnaryKind::Tanh},
};

Status EmitUnary(const OnnxNode& node, GraphBuilder& builder, fb::UnaryKind kind, float alpha = 0,
                 float beta = 0) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  fb::UnaryT op;
  op.kind = kind;
  op.alpha = alpha;
  op.beta = beta;
  return EmitOutput(node, builder, std::move(op), {node.input(0)});
}

// A bound of Clip from an input; the largest float stands for none.
Result<float> Bound(const OnnxNode& node, const GraphBuilder& builder, size_t input, float fallback) {
  if (!node.HasInput(input)) return fallback;
  QRUN_ASSIGN_OR_RETURN(const std::vector<float> bound, builder.ConstantFloats(node, input, "bound"));
  if (bound.size() != 1) return Status::InvalidModel(fmt::format("its bound has {} elements", bound.size()));
  return bound[0];
}

}  // namespace

Status ImportUnary(const OnnxNode& node, GraphBuilder& builder) {
  const auto row = std::find_if(std::begin(kPlain), std::end(kPlain),
                                [&](const auto& r) { return r.op_type == node.op(); });
  if (row == std::end(kPlain)) return Status::Internal("has a row in import_list.inc, but names no function");
  return EmitUnary(node, builder, row->kind);
}

Status ImportRelu(const OnnxNode& node, GraphBuilder& builder) {
  return EmitUnary(node, builder, fb::UnaryKind::Clamp, 0, kInfinity);
}

Status ImportClip(const OnnxNode& node, GraphBuilder& builder) {
  float lo = node.opset() < 11 ? node.Float("min", -kInfinity) : -kInfinity;
  float hi = node.opset() < 11 ? node.Float("max", kInfinity) : kInfinity;
  if (node.opset() >= 11) {
    QRUN_ASSIGN_OR_RETURN(lo, Bound(node, builder, 1, lo));
    QRUN_ASSIGN_OR_RETURN(hi, Bound(node, builder, 2, hi));
  }
  if (std::isnan(lo) || std::isnan(hi)) return Status::InvalidModel("clips at NaN");
  if (lo <= std::numeric_limits<float>::lowest()) lo = -kInfinity;
  if (hi >= std::numeric_limits<float>::max()) hi = kInfinity;
  return EmitUnary(node, builder, fb::UnaryKind::Clamp, std::min(lo, hi), hi);
}

Status ImportLeakyRelu(const OnnxNode& node, GraphBuilder& builder) {
  return EmitUnary(node, builder, fb::UnaryKind::LeakyRelu, node.Float("alpha", 0.01f));
}

Status ImportHardSigmoid(const OnnxNode& node, GraphBuilder& builder) {
  return EmitUnary(node, builder, fb::UnaryKind::HardSigmoid, node.Float("alpha", 0.2f),
                   node.Float("beta", 0.5f));
}

Status ImportElu(const OnnxNode& node, GraphBuilder& builder) {
  return EmitUnary(node, builder, fb::UnaryKind::Elu, node.Float("alpha", 1));
}

Status ImportSelu(const OnnxNode& node, GraphBuilder& builder) {
  return EmitUnary(node, builder, fb::UnaryKind::Selu, node.Float("alpha", 1.67326319217681884765625f),
                   node.Float("gamma", 1.05070102214813232421875f));
}

Status ImportGelu(const OnnxNode& node, GraphBuilder& builder) {
  const std::string approximate = node.String("approximate", "none");
  if (approximate != "none")
    return Status::Unsupported(fmt::format("approximates GELU by '{}'", approximate));
  return EmitUnary(node, builder, fb::UnaryKind::Gelu);
}

Status ImportErf(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  return EmitOutput(node, builder, Erf{}, {node.input(0)});
}

// One slope is LeakyRelu; a slope per channel is max(x, 0) + slope * min(x, 0).
Status ImportPRelu(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  const ValueId src = node.input(0);
  QRUN_ASSIGN_OR_RETURN(const std::vector<float> slope, builder.ConstantFloats(node, 1, "slope"));
  if (slope.empty()) return Status::InvalidModel("has no slope");
  if (std::all_of(slope.begin(), slope.end(), [&](float s) { return s == slope[0]; })) {
    return EmitUnary(node, builder, fb::UnaryKind::LeakyRelu, slope[0]);
  }
  fb::UnaryT op;
  op.kind = fb::UnaryKind::Clamp;
  op.beta = kInfinity;
  QRUN_ASSIGN_OR_RETURN(const ValueId above, builder.Emit(node, op, {src}));
  op.alpha = -kInfinity;
  op.beta = 0;
  QRUN_ASSIGN_OR_RETURN(const ValueId below, builder.Emit(node, op, {src}));
  QRUN_ASSIGN_OR_RETURN(const ValueId leak,
                        builder.EmitBinary(node, fb::BinaryKind::Mul, below, node.input(1)));
  return FinishOutput(node, builder, builder.EmitBinary(node, fb::BinaryKind::Add, above, leak));
}

}  // namespace qrun::converter
