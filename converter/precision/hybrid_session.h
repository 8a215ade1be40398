// Runs a HybridModel: one sample, any choice of forms, and cheaply again where the choice is a little
// different.
#ifndef QRUN_CONVERTER_PRECISION_HYBRID_SESSION_H_
#define QRUN_CONVERTER_PRECISION_HYBRID_SESSION_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "converter/precision/hybrid_model.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

// Gives the bytes that the file would give in which just these nodes are int8, with Quantize and Dequantize
// between: an input is int8 if one of its readers is. Runs qrun's own kernels; the results do not depend on
// the CPU (SessionOptions::reproducible_float). Thread safety: one thread at a time; several sessions may
// share a model.
class HybridSession {
 public:
  // `model` outlives this. Errors: those of Session::Create.
  static Result<HybridSession> Create(const HybridModel& model);

  // Runs all nodes and keeps every activation. inputs[k] are the real values of input k.
  Status Run(std::span<const std::vector<float>> inputs, const NodeForms& forms);
  // Runs what differs from the last Run: the nodes whose form does, and what follows from them.
  Status RunVariant(const NodeForms& forms);
  // The real values of output k after the last Run or RunVariant.
  std::vector<float> Output(size_t k) const;

 private:
  struct Activation {
    std::vector<std::byte> bytes;
    bool int8 = false;
  };

  explicit HybridSession(const HybridModel& model) : model_(model) {}
  const Activation& Get(ValueId id) const { return changed_[id] ? variant_[id] : base_[id]; }
  std::vector<float> Reals(ValueId id) const;
  Status LoadInputs(const NodeForms& forms, std::vector<Activation>& to);
  Status RunNode(size_t node, bool int8, std::vector<Activation>& to);

  const HybridModel& model_;
  std::vector<std::optional<Session>> float_, int8_;  // per node
  std::vector<std::vector<float>> inputs_;
  NodeForms forms_;                         // of the last Run
  std::vector<Activation> base_, variant_;  // per value
  std::vector<bool> changed_;               // per value: variant_ holds it, and it is not base_'s
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_HYBRID_SESSION_H_
