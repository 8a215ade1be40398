// One ONNX node as the import functions see it: attributes with defaults, inputs as values of the graph.
#ifndef QRUN_CONVERTER_IMPORT_ONNX_NODE_H_
#define QRUN_CONVERTER_IMPORT_ONNX_NODE_H_

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

class OnnxNode {
 public:
  // `proto` must outlive this. `inputs` has one entry per input of the node, kNoValue where it is left out.
  OnnxNode(const onnx::NodeProto& proto, int64_t opset, std::vector<ValueId> inputs)
      : proto_(proto), opset_(opset), inputs_(std::move(inputs)) {}

  const std::string& op() const { return proto_.op_type(); }
  // The node's name, or its first output's where it has none.
  const std::string& name() const;
  int64_t opset() const { return opset_; }

  // The i-th input, or kNoValue past the end and where it is left out.
  ValueId input(size_t i) const { return i < inputs_.size() ? inputs_[i] : kNoValue; }
  bool HasInput(size_t i) const { return input(i) != kNoValue; }
  const std::vector<ValueId>& inputs() const { return inputs_; }
  int output_count() const { return proto_.output_size(); }
  // The i-th output's name; empty where the node does not ask for it.
  std::string output(int i) const { return i < proto_.output_size() ? proto_.output(i) : std::string(); }

  // Attributes, or the fallback where the node does not have it.
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  int64_t Int(std::string_view name, int64_t fallback) const;
  float Float(std::string_view name, float fallback) const;
  std::string String(std::string_view name, std::string_view fallback) const;
  std::optional<std::vector<int64_t>> Ints(std::string_view name) const;
  std::optional<std::vector<float>> FloatList(std::string_view name) const;
  const onnx::TensorProto* Tensor(std::string_view name) const;

 private:
  const onnx::AttributeProto* Find(std::string_view name) const;

  const onnx::NodeProto& proto_;
  int64_t opset_;
  std::vector<ValueId> inputs_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_IMPORT_ONNX_NODE_H_
