#include "converter/qdq/onnx_writer.h"

#include <limits>

namespace qrun::converter {

OnnxAttribute::OnnxAttribute(const char* name, int64_t value) {
  proto.set_name(name);
  proto.set_type(onnx::AttributeProto::INT);
  proto.set_i(value);
}

OnnxAttribute::OnnxAttribute(const char* name, float value) {
  proto.set_name(name);
  proto.set_type(onnx::AttributeProto::FLOAT);
  proto.set_f(value);
}

OnnxAttribute::OnnxAttribute(const char* name, const char* value) {
  proto.set_name(name);
  proto.set_type(onnx::AttributeProto::STRING);
  proto.set_s(value);
}

OnnxAttribute::OnnxAttribute(const char* name, const std::vector<int64_t>& values) {
  proto.set_name(name);
  proto.set_type(onnx::AttributeProto::INTS);
  for (int64_t value : values) proto.add_ints(value);
}

OnnxWriter::OnnxWriter(const std::string& graph_name, const std::string& producer,
                       const std::string& version) {
  model_.set_ir_version(8);
  model_.set_producer_name(producer);
  model_.set_producer_version(version);
  model_.add_opset_import()->set_version(kWrittenOpset);
  graph().set_name(graph_name.empty() ? "graph" : graph_name);
}

std::string OnnxWriter::Name(const std::string& wanted) {
  return Unique(wanted.empty() ? "value" : wanted, names_);
}

std::string OnnxWriter::Unique(const std::string& wanted, std::set<std::string>& taken) {
  std::string name = wanted;
  for (int i = 2; !taken.insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
  return name;
}

void OnnxWriter::Declare(onnx::ValueInfoProto& info, const std::string& name, const Shape& shape) {
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx::TensorProto::FLOAT);
  tensor.mutable_shape();
  for (int64_t extent : shape) tensor.mutable_shape()->add_dim()->set_dim_value(extent);
}

std::string OnnxWriter::Node(const std::string& type, const std::string& name,
                             const std::vector<std::string>& inputs, const std::string& output,
                             const std::vector<OnnxAttribute>& attributes) {
  onnx::NodeProto& node = *graph().add_node();
  node.set_op_type(type);
  node.set_name(Unique(name.empty() ? type : name, node_names_));
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  for (const OnnxAttribute& attribute : attributes) *node.add_attribute() = attribute.proto;
  return output;
}

std::string OnnxWriter::Bytes(const std::string& name, int type, const Shape& shape,
                              std::span<const std::byte> bytes) {
  onnx::TensorProto& tensor = *graph().add_initializer();
  tensor.set_name(Name(name));
  tensor.set_data_type(type);
  for (int64_t extent : shape) tensor.add_dims(extent);
  tensor.set_raw_data(bytes.data(), bytes.size());
  return tensor.name();
}

std::string OnnxWriter::Floats(const std::string& name, const Shape& shape, std::span<const float> values) {
  return Bytes(name, onnx::TensorProto::FLOAT, shape, std::as_bytes(values));
}

std::string OnnxWriter::Ints(const std::string& name, const std::vector<int64_t>& values) {
  return Bytes(name, onnx::TensorProto::INT64, {static_cast<int64_t>(values.size())},
               std::as_bytes(std::span(values)));
}

Result<std::vector<std::byte>> OnnxWriter::Serialize() const {
  const size_t bytes = model_.ByteSizeLong();
  if (bytes > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return Status::ResourceLimit("the ONNX model takes " + std::to_string(bytes) +
                                 " bytes; a single file holds at most 2 GiB");
  }
  std::vector<std::byte> file(bytes);
  if (!model_.SerializeToArray(file.data(), static_cast<int>(bytes))) {
    return Status::Internal("the ONNX model cannot be serialised");
  }
  return file;
}

}  // namespace qrun::converter
