// Makes small ONNX models through the protobuf classes.
#ifndef QRUN_TESTS_CONVERTER_ONNX_MODEL_H_
#define QRUN_TESTS_CONVERTER_ONNX_MODEL_H_

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "converter/graph.h"
#include "converter/import/onnx.h"

namespace qrun::converter {

// Attributes of a node, one call each.
class OnnxNodeRef {
 public:
  explicit OnnxNodeRef(onnx::NodeProto* node) : node_(node) {}
  OnnxNodeRef& Int(const std::string& name, int64_t value);
  OnnxNodeRef& Float(const std::string& name, float value);
  OnnxNodeRef& String(const std::string& name, const std::string& value);
  OnnxNodeRef& Ints(const std::string& name, const std::vector<int64_t>& values);
  OnnxNodeRef& FloatList(const std::string& name, const std::vector<float>& values);
  OnnxNodeRef& Domain(const std::string& domain);

 private:
  onnx::AttributeProto* Add(const std::string& name, onnx::AttributeProto::AttributeType type);
  onnx::NodeProto* node_;
};

class OnnxModel {
 public:
  explicit OnnxModel(int64_t opset);

  // Extents below 0 become named dimensions.
  OnnxModel& Input(const std::string& name, const Shape& shape);
  OnnxModel& Output(const std::string& name);
  OnnxModel& Floats(const std::string& name, const Shape& shape, const std::vector<float>& elements);
  OnnxModel& Ints(const std::string& name, const Shape& shape, const std::vector<int64_t>& elements);
  // A float constant of random elements.
  OnnxModel& Random(const std::string& name, const Shape& shape, uint32_t seed);
  // gamma, beta, mean and a positive variance, named name.0 to name.3.
  OnnxModel& RandomNorm(const std::string& name, int64_t channels, uint32_t seed);
  // A node named after its first output.
  OnnxNodeRef Node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<std::string>& outputs);

  onnx::ModelProto& proto() { return proto_; }
  std::string Bytes() const { return proto_.SerializeAsString(); }
  Result<Graph> Import(const ImportOptions& options = {}, ImportReport* report = nullptr) const;
  // Import that must succeed: throws with the message otherwise.
  Graph MustImport() const;

 private:
  onnx::ModelProto proto_;
};

// How many nodes hold this kind of options.
template <class Options>
int CountNodes(const Graph& graph) {
  int count = 0;
  for (const Node& node : graph.nodes) count += std::holds_alternative<Options>(node.options);
  return count;
}

// A copy of the options of the first node of this kind; throws if there is none.
template <class Options>
Options FindOptions(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (const auto* options = std::get_if<Options>(&node.options)) return *options;
  }
  throw std::runtime_error("no such node");
}

}  // namespace qrun::converter

#endif  // QRUN_TESTS_CONVERTER_ONNX_MODEL_H_
