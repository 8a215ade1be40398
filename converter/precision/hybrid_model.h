// A float graph and the int8 graph made of it, node by node, so that every node can run in either form.
#ifndef QRUN_CONVERTER_PRECISION_HYBRID_MODEL_H_
#define QRUN_CONVERTER_PRECISION_HYBRID_MODEL_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "converter/quant_math.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

// Per node of the float graph: true where it runs in int8.
using NodeForms = std::vector<bool>;

class HybridModel {
 public:
  // A node as a model of its own.
  struct Form {
    Model model;
    std::vector<ValueId> inputs;  // of the float graph, in the order of the model's inputs
  };

  // `int8_graph` is `float_graph` after QuantizeGraph, its blocks not fused. Errors: those of EmitModel and
  // Model::FromBytes.
  static Result<HybridModel> Create(const Graph& float_graph, const Graph& int8_graph);

  size_t nodes() const { return float_.size(); }
  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  const std::vector<ValueId>& NodeOutputs(size_t node) const { return node_outputs_[node]; }
  size_t values() const { return params_.size(); }
  // Sample i of `source`, per input. Errors: those of CalibrationSource::Load.
  Result<std::vector<std::vector<float>>> LoadSample(const CalibrationSource& source, size_t i) const;

  bool HasInt8(size_t node) const { return int8_[node].has_value(); }
  // Precondition: !int8 or HasInt8(node).
  const Form& FormOf(size_t node, bool int8) const { return int8 ? *int8_[node] : float_[node]; }
  // Of a value that an int8 node writes, or of an input that one reads.
  AffineParams Params(ValueId id) const { return params_[id]; }

  // All nodes in int8 that have such a form.
  NodeForms AllInt8() const;

 private:
  HybridModel() = default;

  std::vector<Form> float_;
  std::vector<std::optional<Form>> int8_;
  std::vector<std::vector<ValueId>> node_outputs_;
  std::vector<ValueId> inputs_, outputs_;
  std::vector<size_t> input_elements_;
  std::vector<AffineParams> params_;  // per value of the float graph
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_HYBRID_MODEL_H_
