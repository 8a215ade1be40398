#include <cmath>
#include <stdexcept>

#include "tests/converter/naive_eval.h"
#include "tests/converter/onnx_model.h"

namespace qrun::converter {

onnx::AttributeProto* OnnxNodeRef::Add(const std::string& name, onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto* attribute = node_->add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

OnnxNodeRef& OnnxNodeRef::Int(const std::string& name, int64_t value) {
  Add(name, onnx::AttributeProto::INT)->set_i(value);
  return *this;
}

OnnxNodeRef& OnnxNodeRef::Float(const std::string& name, float value) {
  Add(name, onnx::AttributeProto::FLOAT)->set_f(value);
  return *this;
}

OnnxNodeRef& OnnxNodeRef::String(const std::string& name, const std::string& value) {
  Add(name, onnx::AttributeProto::STRING)->set_s(value);
  return *this;
}

OnnxNodeRef& OnnxNodeRef::Ints(const std::string& name, const std::vector<int64_t>& values) {
  onnx::AttributeProto* attribute = Add(name, onnx::AttributeProto::INTS);
  for (int64_t value : values) attribute->add_ints(value);
  return *this;
}

OnnxNodeRef& OnnxNodeRef::FloatList(const std::string& name, const std::vector<float>& values) {
  onnx::AttributeProto* attribute = Add(name, onnx::AttributeProto::FLOATS);
  for (float value : values) attribute->add_floats(value);
  return *this;
}

OnnxNodeRef& OnnxNodeRef::Domain(const std::string& domain) {
  node_->set_domain(domain);
  return *this;
}

OnnxModel::OnnxModel(int64_t opset) {
  proto_.set_ir_version(8);
  proto_.set_producer_name("test");
  proto_.add_opset_import()->set_version(opset);
  proto_.mutable_graph()->set_name("model");
}

OnnxModel& OnnxModel::Input(const std::string& name, const Shape& shape) {
  onnx::ValueInfoProto* input = proto_.mutable_graph()->add_input();
  input->set_name(name);
  onnx::TypeProto::Tensor* type = input->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  for (int64_t extent : shape) {
    auto* dim = type->mutable_shape()->add_dim();
    if (extent < 0) {
      dim->set_dim_param("d" + std::to_string(-extent));
    } else {
      dim->set_dim_value(extent);
    }
  }
  return *this;
}

OnnxModel& OnnxModel::Output(const std::string& name) {
  proto_.mutable_graph()->add_output()->set_name(name);
  return *this;
}

OnnxModel& OnnxModel::Floats(const std::string& name, const Shape& shape,
                             const std::vector<float>& elements) {
  onnx::TensorProto* tensor = proto_.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  for (int64_t extent : shape) tensor->add_dims(extent);
  tensor->set_raw_data(elements.data(), elements.size() * sizeof(float));
  return *this;
}

OnnxModel& OnnxModel::Ints(const std::string& name, const Shape& shape,
                           const std::vector<int64_t>& elements) {
  onnx::TensorProto* tensor = proto_.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::INT64);
  for (int64_t extent : shape) tensor->add_dims(extent);
  for (int64_t element : elements) tensor->add_int64_data(element);
  return *this;
}

OnnxModel& OnnxModel::Random(const std::string& name, const Shape& shape, uint32_t seed) {
  return Floats(name, shape, RandomFloats(ElementCount(shape), seed));
}

OnnxModel& OnnxModel::RandomNorm(const std::string& name, int64_t channels, uint32_t seed) {
  for (uint32_t i = 0; i < 4; ++i) {
    std::vector<float> elements = RandomFloats(channels, seed + i);
    if (i == 3) {
      for (float& x : elements) x = std::fabs(x) + 0.5f;
    }
    Floats(name + "." + std::to_string(i), {channels}, elements);
  }
  return *this;
}

OnnxNodeRef OnnxModel::Node(const std::string& op, const std::vector<std::string>& inputs,
                            const std::vector<std::string>& outputs) {
  onnx::NodeProto* node = proto_.mutable_graph()->add_node();
  node->set_op_type(op);
  node->set_name(op + "_" + outputs[0]);
  for (const std::string& name : inputs) node->add_input(name);
  for (const std::string& name : outputs) node->add_output(name);
  return OnnxNodeRef(node);
}

Result<Graph> OnnxModel::Import(const ImportOptions& options, ImportReport* report) const {
  return ImportOnnxBytes(Bytes(), "", options, report);
}

Graph OnnxModel::MustImport() const {
  Result<Graph> graph = Import();
  if (!graph.ok()) throw std::runtime_error(graph.error().ToString());
  return *std::move(graph);
}

}  // namespace qrun::converter
