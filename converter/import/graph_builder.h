// Builds the graph while nodes are imported: names, shapes, and constants evaluated on the way.
#ifndef QRUN_CONVERTER_IMPORT_GRAPH_BUILDER_H_
#define QRUN_CONVERTER_IMPORT_GRAPH_BUILDER_H_

#include <string>
#include <unordered_map>
#include <vector>

#include "converter/graph.h"
#include "converter/import/onnx_node.h"
#include "schema/status.h"

namespace qrun::converter {

class GraphBuilder {
 public:
  explicit GraphBuilder(std::string directory) : directory_(std::move(directory)) {}

  Graph& graph() { return graph_; }
  const std::string& directory() const { return directory_; }
  const Value& value(ValueId id) const { return graph_.values[id]; }
  const Shape& shape(ValueId id) const { return graph_.values[id].shape; }
  bool IsConstant(ValueId id) const { return graph_.values[id].is_constant(); }

  // The batch that the file fixes where it is above 1; 0 otherwise. Every input's batch is read as 1.
  int64_t fixed_batch = 0;

  ValueId AddConstant(Value value) { return AddValue(graph_, std::move(value)); }

  // Adds an operator for `node` and returns its output. With constant inputs only, it is evaluated and
  // becomes a constant. `stated` is the output's shape for Reshape, Slice and Resize2D. Errors: what
  // InferShape and EvaluateConstant say; unsupported where an activation's batch axis would be moved, cut or
  // merged.
  Result<ValueId> Emit(const OnnxNode& node, NodeOptions options, std::vector<ValueId> inputs,
                       const Shape& stated = {});

  // Reshape of a value; the value itself if it has that shape.
  Result<ValueId> EmitReshape(const OnnxNode& node, ValueId src, const Shape& shape);

  // Transpose of a value; the value itself for the identity.
  Result<ValueId> EmitTranspose(const OnnxNode& node, ValueId src, const std::vector<int>& perm);

  // kind(a, b) with numpy's broadcasting, brought into the schema's form: the output has the shape of the
  // first input, ranks are equal, a constant stands second, Sub and Div by a constant are Add and Mul.
  // Errors: unsupported where both inputs would have to grow, or the batch would move.
  Result<ValueId> EmitBinary(const OnnxNode& node, fb::BinaryKind kind, ValueId a, ValueId b);

  // Elements of a constant input that parametrises the operator. Errors: unsupported if it is computed at run
  // time.
  Result<std::vector<int64_t>> ConstantInts(const OnnxNode& node, size_t input, const char* what) const;
  Result<std::vector<float>> ConstantFloats(const OnnxNode& node, size_t input, const char* what) const;

  // Says what the node's i-th output is. A value that the node made takes the output's name.
  void SetOutput(const OnnxNode& node, int i, ValueId id);

  // Names of ONNX values. `kNoValue` marks one that could not be made.
  void Name(const std::string& name, ValueId id) { names_[name] = id; }
  bool Knows(const std::string& name) const { return names_.count(name) != 0; }
  ValueId Lookup(const std::string& name) const { return names_.at(name); }

 private:
  Graph graph_;
  std::string directory_;
  std::unordered_map<std::string, ValueId> names_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_IMPORT_GRAPH_BUILDER_H_
