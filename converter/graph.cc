#include "converter/graph.h"

#include <algorithm>
#include <cstring>

namespace qrun::converter {

size_t ElementBytes(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
    case ElementType::kInt32:
      return 4;
    case ElementType::kInt64:
      return 8;
    case ElementType::kInt8:
    case ElementType::kUInt8:
    case ElementType::kBool:
      return 1;
  }
  return 0;
}

int64_t ElementCount(const Shape& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent < 0) return -1;
    if (extent != 0 && count > kMaxElements / extent) return -1;
    count *= extent;
  }
  return count;
}

std::string ShapeString(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? "," : "") + std::to_string(shape[i]);
  return text + "]";
}

std::span<const float> Floats(const Value& value) {
  return {reinterpret_cast<const float*>(value.data->data()), value.data->size() / sizeof(float)};
}

namespace {

template <class T>
void SetBytes(Value& value, const std::vector<T>& elements) {
  std::vector<std::byte> bytes(elements.size() * sizeof(T));
  if (!bytes.empty()) std::memcpy(bytes.data(), elements.data(), bytes.size());
  value.data = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
}

}  // namespace

Value FloatConstant(std::string name, Shape shape, const std::vector<float>& elements) {
  Value value;
  value.name = std::move(name);
  value.shape = std::move(shape);
  SetBytes(value, elements);
  return value;
}

Value Int64Constant(std::string name, Shape shape, const std::vector<int64_t>& elements) {
  Value value;
  value.name = std::move(name);
  value.shape = std::move(shape);
  value.type = ElementType::kInt64;
  SetBytes(value, elements);
  return value;
}

ValueId AddValue(Graph& graph, Value value) {
  graph.values.push_back(std::move(value));
  return static_cast<ValueId>(graph.values.size()) - 1;
}

std::string NodeLabel(const Node& node) {
  return (node.source_op.empty() ? "node" : node.source_op) + " '" + node.name + "'";
}

}  // namespace qrun::converter
