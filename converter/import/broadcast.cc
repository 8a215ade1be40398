#include <fmt/format.h>

#include <algorithm>

#include "converter/evaluate_constant.h"
#include "converter/import/graph_builder.h"

namespace qrun::converter {
namespace {

Shape WithRank(Shape shape, size_t rank) {
  shape.insert(shape.begin(), rank - shape.size(), 1);
  return shape;
}

// numpy's common shape of two shapes of equal rank; empty where there is none.
std::optional<Shape> CommonShape(const Shape& a, const Shape& b) {
  Shape out = a;
  for (size_t i = 0; i < out.size(); ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1) return std::nullopt;
    if (a[i] == 1) out[i] = b[i];
  }
  return out;
}

bool Commutes(fb::BinaryKind kind) { return kind != fb::BinaryKind::Sub && kind != fb::BinaryKind::Div; }

// Div by a constant as Mul is only right where every reciprocal is finite.
bool HasReciprocals(const Value& constant) {
  const auto elements = Floats(constant);
  return std::all_of(elements.begin(), elements.end(), [](float x) { return x != 0 && 1 / x != 0; });
}

}  // namespace

Result<ValueId> GraphBuilder::EmitBinary(const OnnxNode& node, fb::BinaryKind kind, ValueId a, ValueId b) {
  const size_t rank = std::max(shape(a).size(), shape(b).size());
  for (ValueId* side : {&a, &b}) {
    if (shape(*side).size() == rank) continue;
    if (!IsConstant(*side)) {
      return Status::Unsupported(fmt::format("broadcasts {} with {}, which would move the batch axis",
                                             ShapeString(shape(a)), ShapeString(shape(b))));
    }
    QRUN_ASSIGN_OR_RETURN(*side, EmitReshape(node, *side, WithRank(shape(*side), rank)));
  }
  const std::optional<Shape> out = CommonShape(shape(a), shape(b));
  if (!out) {
    return Status::InvalidModel(
        fmt::format("cannot broadcast {} with {}", ShapeString(shape(a)), ShapeString(shape(b))));
  }
  if (IsConstant(a) && IsConstant(b) && shape(a) != *out) {
    if (ElementCount(*out) < 0)
      return Status::ResourceLimit("computes a constant of shape " + ShapeString(*out));
    a = AddConstant(BroadcastConstant(value(a), *out));
  }
  if (!IsConstant(b) && (IsConstant(a) || shape(a) != *out)) {
    if (!Commutes(kind)) {  // a - b = -b + a, a / b = (1 / b) * a
      const bool sub = kind == fb::BinaryKind::Sub;
      fb::UnaryT inverse;
      inverse.kind = sub ? fb::UnaryKind::Neg : fb::UnaryKind::Reciprocal;
      QRUN_ASSIGN_OR_RETURN(b, Emit(node, std::move(inverse), {b}));
      kind = sub ? fb::BinaryKind::Add : fb::BinaryKind::Mul;
    }
    std::swap(a, b);
  } else if (IsConstant(b) && !IsConstant(a) && value(b).type == ElementType::kFloat32) {
    std::vector<float> elements(Floats(value(b)).begin(), Floats(value(b)).end());
    if (kind == fb::BinaryKind::Sub) {
      for (float& x : elements) x = -x;
      kind = fb::BinaryKind::Add;
      b = AddConstant(FloatConstant(value(b).name, shape(b), elements));
    } else if (kind == fb::BinaryKind::Div && HasReciprocals(value(b))) {
      for (float& x : elements) x = 1 / x;
      kind = fb::BinaryKind::Mul;
      b = AddConstant(FloatConstant(value(b).name, shape(b), elements));
    }
  }
  if (shape(a) != *out) {
    return Status::Unsupported(fmt::format("broadcasts both {} and {}; one must have the shape of the result",
                                           ShapeString(shape(a)), ShapeString(shape(b))));
  }
  if (IsConstant(b) && !IsConstant(a) && value(b).type != ElementType::kFloat32) {
    return Status::InvalidModel("mixes an activation with an integer constant");
  }
  fb::BinaryT op;
  op.kind = kind;
  return Emit(node, std::move(op), {a, b});
}

}  // namespace qrun::converter
