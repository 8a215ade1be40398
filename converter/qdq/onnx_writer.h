// Builds an ONNX model node by node: the writing counterpart of import/onnx.h.
#ifndef QRUN_CONVERTER_QDQ_ONNX_WRITER_H_
#define QRUN_CONVERTER_QDQ_ONNX_WRITER_H_

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// The operator set that is written: the first with HardSwish.
inline constexpr int64_t kWrittenOpset = 14;

// One attribute of a node, e.g. {"axis", 1}.
struct OnnxAttribute {
  OnnxAttribute(const char* name, int64_t value);
  OnnxAttribute(const char* name, int value) : OnnxAttribute(name, int64_t{value}) {}
  OnnxAttribute(const char* name, float value);
  OnnxAttribute(const char* name, const char* value);
  OnnxAttribute(const char* name, const std::vector<int64_t>& values);

  onnx::AttributeProto proto;
};

// Thread safety: none; one thread owns a writer.
class OnnxWriter {
 public:
  OnnxWriter(const std::string& graph_name, const std::string& producer, const std::string& version);

  // `wanted`, or with a number behind it if that name is taken. Names are shared by nodes' outputs and
  // initializers. Of an input or output that the model declares, only the first call gets the plain name.
  std::string Name(const std::string& wanted);

  void Input(const std::string& name, const Shape& shape) { Declare(*graph().add_input(), name, shape); }
  void Output(const std::string& name, const Shape& shape) { Declare(*graph().add_output(), name, shape); }

  // Adds a node with one output and returns that output's name, `output` as it is. The node's own name is
  // made unique. "" is an input that is left out.
  std::string Node(const std::string& type, const std::string& name, const std::vector<std::string>& inputs,
                   const std::string& output, const std::vector<OnnxAttribute>& attributes = {});

  // Initializers; they return the name, made unique. bytes.size() must fit shape and type
  // (onnx::TensorProto's).
  std::string Bytes(const std::string& name, int type, const Shape& shape, std::span<const std::byte> bytes);
  std::string Floats(const std::string& name, const Shape& shape, std::span<const float> values);
  std::string Ints(const std::string& name, const std::vector<int64_t>& values);

  // The file. Errors: resource_limit beyond protobuf's 2 GiB.
  Result<std::vector<std::byte>> Serialize() const;

 private:
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }
  static void Declare(onnx::ValueInfoProto& info, const std::string& name, const Shape& shape);

  static std::string Unique(const std::string& wanted, std::set<std::string>& taken);

  onnx::ModelProto model_;
  std::set<std::string> names_, node_names_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_QDQ_ONNX_WRITER_H_
