#include "converter/import/ops/common.h"

#include <fmt/format.h>

namespace qrun::converter {

Status ExpectInputs(const OnnxNode& node, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!node.HasInput(i)) return Status::InvalidModel(fmt::format("lacks its input {}", i));
  }
  return Status::Ok();
}

Result<int> NormalizeAxis(int64_t axis, size_t rank) {
  const int64_t r = static_cast<int64_t>(rank);
  if (axis >= -r && axis < r) return static_cast<int>(axis < 0 ? axis + r : axis);
  return Status::InvalidModel(fmt::format("axis {} of {} axes", axis, rank));
}

Result<std::vector<int>> NormalizeAxes(const std::vector<int64_t>& axes, size_t rank) {
  std::vector<int> out;
  for (int64_t axis : axes) {
    QRUN_ASSIGN_OR_RETURN(out.emplace_back(), NormalizeAxis(axis, rank));
  }
  return out;
}

Result<std::optional<std::vector<int64_t>>> IntsAttributeOrInput(const OnnxNode& node,
                                                                 const GraphBuilder& builder,
                                                                 const char* name, size_t input,
                                                                 int64_t since) {
  if (node.opset() < since) return node.Ints(name);
  if (!node.HasInput(input)) return std::optional<std::vector<int64_t>>();
  QRUN_ASSIGN_OR_RETURN(std::vector<int64_t> values, builder.ConstantInts(node, input, name));
  return std::optional(std::move(values));
}

Result<int> SmallInt(int64_t value, const char* what) {
  constexpr int64_t kLimit = 1 << 24;
  if (value >= -kLimit && value <= kLimit) return static_cast<int>(value);
  return Status::InvalidModel(fmt::format("{} {} is out of range", what, value));
}

Result<ValueId> AsImage(const OnnxNode& node, GraphBuilder& builder, ValueId src) {
  Shape shape = builder.shape(src);
  if (shape.size() == 4) return src;
  if (shape.size() != 3) {
    return Status::Unsupported(fmt::format(
        "its input has shape {}; images of rank 4 and signals of rank 3 are supported", ShapeString(shape)));
  }
  shape.insert(shape.begin() + 2, 1);
  return builder.EmitReshape(node, src, shape);
}

Result<ValueId> FromImage(const OnnxNode& node, GraphBuilder& builder, ValueId src, size_t rank) {
  if (rank == 4) return src;
  Shape shape = builder.shape(src);
  shape.erase(shape.begin() + 2);
  return builder.EmitReshape(node, src, shape);
}

std::vector<int> MoveToEnd(size_t rank, int axis) {
  std::vector<int> perm;
  for (int i = 0; i < static_cast<int>(rank); ++i) {
    if (i != axis) perm.push_back(i);
  }
  perm.push_back(axis);
  return perm;
}

std::vector<int> InversePermutation(const std::vector<int>& perm) {
  std::vector<int> inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i) inverse[perm[i]] = static_cast<int>(i);
  return inverse;
}

Status EmitOutput(const OnnxNode& node, GraphBuilder& builder, NodeOptions options,
                  std::vector<ValueId> inputs, const Shape& stated) {
  return FinishOutput(node, builder, builder.Emit(node, std::move(options), std::move(inputs), stated));
}

Status FinishOutput(const OnnxNode& node, GraphBuilder& builder, const Result<ValueId>& out) {
  if (!out.ok()) return out.error();
  builder.SetOutput(node, 0, *out);
  return Status::Ok();
}

}  // namespace qrun::converter
