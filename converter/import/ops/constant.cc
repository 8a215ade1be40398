// Operators that only make or read constants, which is how exporters spell shape arithmetic.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "converter/evaluate_constant.h"
#include "converter/import/importers.h"
#include "converter/import/ops/common.h"
#include "converter/import/tensor.h"

namespace qrun::converter {
namespace {

constexpr int64_t kMaxMadeElements = 1 << 24;

Status MakeConstant(const OnnxNode& node, GraphBuilder& builder, Value value) {
  value.name = node.name();
  builder.SetOutput(node, 0, builder.AddConstant(std::move(value)));
  return Status::Ok();
}

Status ExpectConstants(const OnnxNode& node, const GraphBuilder& builder, size_t count) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, count));
  for (size_t i = 0; i < count; ++i) {
    if (!builder.IsConstant(node.input(i))) {
      return Status::Unsupported("works on activations; only constants are supported");
    }
  }
  return Status::Ok();
}

// Constants of equal rank, broadcast to their common shape. Errors: invalid_model.
Result<std::vector<Value>> Broadcast(const OnnxNode& node, const GraphBuilder& builder, size_t count) {
  Shape shape;
  for (size_t i = 0; i < count; ++i) {
    Shape other = builder.shape(node.input(i));
    const size_t rank = std::max(shape.size(), other.size());
    shape.insert(shape.begin(), rank - shape.size(), 1);
    other.insert(other.begin(), rank - other.size(), 1);
    for (size_t axis = 0; axis < rank; ++axis) {
      if (shape[axis] == 1) shape[axis] = other[axis];
      if (other[axis] != 1 && other[axis] != shape[axis])
        return Status::InvalidModel("its inputs differ in shape");
    }
  }
  const int64_t elements = ElementCount(shape);
  if (elements < 0 || elements > kMaxMadeElements)
    return Status::ResourceLimit("makes " + ShapeString(shape));
  std::vector<Value> out;
  for (size_t i = 0; i < count; ++i) {
    const Value& value = builder.value(node.input(i));
    Shape from = value.shape;
    from.insert(from.begin(), shape.size() - from.size(), 1);
    out.push_back(BroadcastConstant(ReshapedConstant(value, from), shape));
  }
  return out;
}

void SetBytes(Value& value, std::vector<std::byte> bytes) {
  value.data = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
}

}  // namespace

Status ImportConstant(const OnnxNode& node, GraphBuilder& builder) {
  if (const onnx::TensorProto* tensor = node.Tensor("value")) {
    QRUN_ASSIGN_OR_RETURN(Value value, ImportTensor(*tensor, builder.directory()));
    return MakeConstant(node, builder, std::move(value));
  }
  if (node.Has("value_float"))
    return MakeConstant(node, builder, FloatConstant("", {}, {node.Float("value_float", 0)}));
  if (node.Has("value_int"))
    return MakeConstant(node, builder, Int64Constant("", {}, {node.Int("value_int", 0)}));
  if (const auto floats = node.FloatList("value_floats")) {
    return MakeConstant(node, builder, FloatConstant("", {static_cast<int64_t>(floats->size())}, *floats));
  }
  if (const auto ints = node.Ints("value_ints")) {
    return MakeConstant(node, builder, Int64Constant("", {static_cast<int64_t>(ints->size())}, *ints));
  }
  return Status::Unsupported("holds neither a tensor nor numbers");
}

Status ImportConstantOfShape(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_ASSIGN_OR_RETURN(const Shape shape, builder.ConstantInts(node, 0, "shape"));
  const int64_t count = ElementCount(shape);
  if (count < 0 || count > kMaxMadeElements) return Status::ResourceLimit("makes " + ShapeString(shape));
  Value element = FloatConstant("", {1}, {0});
  if (const onnx::TensorProto* tensor = node.Tensor("value")) {
    QRUN_ASSIGN_OR_RETURN(element, ImportTensor(*tensor, builder.directory()));
    if (ElementCount(element.shape) != 1) return Status::InvalidModel("its value has more than one element");
  }
  element.shape.assign(shape.size(), 1);
  return MakeConstant(node, builder, BroadcastConstant(element, shape));
}

Status ImportShape(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const Shape& shape = builder.shape(node.input(0));
  const int64_t rank = static_cast<int64_t>(shape.size());
  const auto bound = [&](const char* name, int64_t fallback) {
    const int64_t at = node.opset() >= 15 ? node.Int(name, fallback) : fallback;
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const int64_t start = bound("start", 0), end = std::max(start, bound("end", rank));
  return MakeConstant(node, builder,
                      Int64Constant("", {end - start}, {shape.begin() + start, shape.begin() + end}));
}

// From activations only one index along an axis: a slice.
Status ImportGather(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 2));
  const ValueId src = node.input(0);
  const Shape shape = builder.shape(src);
  QRUN_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(node.Int("axis", 0), shape.size()));
  QRUN_ASSIGN_OR_RETURN(std::vector<int64_t> indices, builder.ConstantInts(node, 1, "index"));
  for (int64_t& index : indices) {
    if (index < 0) index += shape[axis];
    if (index < 0 || index >= shape[axis])
      return Status::InvalidModel(fmt::format("index {} is outside", index));
  }
  Shape out = shape;
  const Shape& index_shape = builder.shape(node.input(1));
  out.erase(out.begin() + axis);
  out.insert(out.begin() + axis, index_shape.begin(), index_shape.end());
  if (builder.IsConstant(src)) {
    const Value& value = builder.value(src);
    Value gathered = value;
    gathered.shape = out;
    const int64_t count = ElementCount(out);
    if (count < 0 || count > kMaxMadeElements) return Status::ResourceLimit("makes " + ShapeString(out));
    const int64_t run = ElementCount({shape.begin() + axis + 1, shape.end()}) * ElementBytes(value.type);
    const int64_t outer = ElementCount({shape.begin(), shape.begin() + axis});
    std::vector<std::byte> bytes;
    for (int64_t row = 0; row < outer; ++row) {
      for (int64_t index : indices) {
        const auto from = value.data->begin() + (row * shape[axis] + index) * run;
        bytes.insert(bytes.end(), from, from + run);
      }
    }
    SetBytes(gathered, std::move(bytes));
    return MakeConstant(node, builder, std::move(gathered));
  }
  if (indices.size() != 1) return Status::Unsupported("picks several indices of an activation");
  if (axis == 0) return Status::Unsupported("picks from the batch");
  fb::SliceT slice;
  slice.begin.assign(shape.size(), 0);
  slice.stride.assign(shape.size(), 1);
  slice.begin[axis] = static_cast<int>(indices[0]);
  Shape cut = shape;
  cut[axis] = 1;
  QRUN_ASSIGN_OR_RETURN(const ValueId picked, builder.Emit(node, std::move(slice), {src}, cut));
  return FinishOutput(node, builder, builder.EmitReshape(node, picked, out));
}

Status ImportCast(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const Value& src = builder.value(node.input(0));
  QRUN_ASSIGN_OR_RETURN(const ElementType to, ElementTypeOf(static_cast<int>(node.Int("to", 0))));
  if (!src.is_constant() && to != ElementType::kFloat32) {
    return Status::Unsupported("casts an activation to integers");
  }
  if (!src.is_constant() || src.type == to) {
    builder.SetOutput(node, 0, node.input(0));
    return Status::Ok();
  }
  if (to == ElementType::kFloat32) {
    QRUN_ASSIGN_OR_RETURN(const std::vector<float> elements, builder.ConstantFloats(node, 0, "input"));
    return MakeConstant(node, builder, FloatConstant("", src.shape, elements));
  }
  std::vector<int64_t> elements;
  if (src.type == ElementType::kFloat32) {
    for (float x : Floats(src)) {
      if (!(std::fabs(x) < 0x1p62f)) return Status::InvalidModel("casts a number that no integer holds");
      elements.push_back(static_cast<int64_t>(x));
    }
  } else {
    elements = Integers(src);
  }
  const size_t element_bytes = ElementBytes(to);
  Value value;
  value.type = to;
  value.shape = src.shape;
  std::vector<std::byte> bytes(elements.size() * element_bytes);
  for (size_t i = 0; i < elements.size(); ++i) {
    const int64_t element = to == ElementType::kBool ? elements[i] != 0 : elements[i];
    std::memcpy(&bytes[i * element_bytes], &element, element_bytes);  // little-endian: the low bytes
  }
  SetBytes(value, std::move(bytes));
  return MakeConstant(node, builder, std::move(value));
}

Status ImportRange(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectConstants(node, builder, 3));
  int64_t bounds[3];
  for (size_t i = 0; i < 3; ++i) {
    QRUN_ASSIGN_OR_RETURN(const std::vector<int64_t> bound, builder.ConstantInts(node, i, "bound"));
    if (bound.size() != 1 || std::abs(bound[0]) > (int64_t{1} << 40))
      return Status::InvalidModel("has a bad bound");
    bounds[i] = bound[0];
  }
  const auto [start, limit, delta] = bounds;
  if (delta == 0) return Status::InvalidModel("steps by 0");
  const int64_t span = limit - start;
  const int64_t count =
      span == 0 || (span > 0) != (delta > 0) ? 0 : (std::abs(span) - 1) / std::abs(delta) + 1;
  if (count > kMaxMadeElements) return Status::ResourceLimit(fmt::format("makes {} elements", count));
  std::vector<int64_t> elements;
  for (int64_t i = 0; i < count; ++i) elements.push_back(start + i * delta);
  return MakeConstant(node, builder, Int64Constant("", {count}, elements));
}

Status ImportEqual(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectConstants(node, builder, 2));
  QRUN_ASSIGN_OR_RETURN(const std::vector<Value> in, Broadcast(node, builder, 2));
  const size_t element_bytes = ElementBytes(in[0].type);
  if (in[0].type != in[1].type) return Status::InvalidModel("its inputs differ in type");
  Value out;
  out.type = ElementType::kBool;
  out.shape = in[0].shape;
  std::vector<std::byte> bytes(in[0].data->size() / element_bytes);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t at = i * element_bytes;
    bytes[i] = std::byte{std::memcmp(&(*in[0].data)[at], &(*in[1].data)[at], element_bytes) == 0};
  }
  SetBytes(out, std::move(bytes));
  return MakeConstant(node, builder, std::move(out));
}

Status ImportWhere(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectConstants(node, builder, 3));
  QRUN_ASSIGN_OR_RETURN(const std::vector<Value> in, Broadcast(node, builder, 3));
  if (in[0].type != ElementType::kBool || in[1].type != in[2].type) {
    return Status::InvalidModel("its inputs differ in type");
  }
  const size_t element_bytes = ElementBytes(in[1].type);
  std::vector<std::byte> bytes(in[1].data->size());
  for (size_t i = 0; i < in[0].data->size(); ++i) {
    const Value& from = (*in[0].data)[i] != std::byte{0} ? in[1] : in[2];
    std::memcpy(&bytes[i * element_bytes], &(*from.data)[i * element_bytes], element_bytes);
  }
  Value out = in[1];
  SetBytes(out, std::move(bytes));
  return MakeConstant(node, builder, std::move(out));
}

}  // namespace qrun::converter
