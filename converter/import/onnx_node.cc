#include "converter/import/onnx_node.h"

namespace qrun::converter {

const std::string& OnnxNode::name() const {
  if (!proto_.name().empty() || proto_.output_size() == 0) return proto_.name();
  return proto_.output(0);
}

const onnx::AttributeProto* OnnxNode::Find(std::string_view name) const {
  for (const onnx::AttributeProto& attribute : proto_.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

int64_t OnnxNode::Int(std::string_view name, int64_t fallback) const {
  const onnx::AttributeProto* attribute = Find(name);
  return attribute ? attribute->i() : fallback;
}

float OnnxNode::Float(std::string_view name, float fallback) const {
  const onnx::AttributeProto* attribute = Find(name);
  return attribute ? attribute->f() : fallback;
}

std::string OnnxNode::String(std::string_view name, std::string_view fallback) const {
  const onnx::AttributeProto* attribute = Find(name);
  return attribute ? attribute->s() : std::string(fallback);
}

std::optional<std::vector<int64_t>> OnnxNode::Ints(std::string_view name) const {
  const onnx::AttributeProto* attribute = Find(name);
  if (!attribute) return std::nullopt;
  return std::vector<int64_t>(attribute->ints().begin(), attribute->ints().end());
}

std::optional<std::vector<float>> OnnxNode::FloatList(std::string_view name) const {
  const onnx::AttributeProto* attribute = Find(name);
  if (!attribute) return std::nullopt;
  return std::vector<float>(attribute->floats().begin(), attribute->floats().end());
}

const onnx::TensorProto* OnnxNode::Tensor(std::string_view name) const {
  const onnx::AttributeProto* attribute = Find(name);
  return attribute && attribute->has_t() ? &attribute->t() : nullptr;
}

}  // namespace qrun::converter
