// Runs a HybridModel: one sample, any choice of forms, and cheaply again where the choice is a little
// different.
#ifndef QRUN_CONVERTER_PRECISION_HYBRID_SESSION_H_
#define QRUN_CONVERTER_PRECISION_HYBRID_SESSION_H_

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "converter/precision/answers.h"
#include "converter/precision/hybrid_model.h"
#include "converter/range.h"
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
  // One for each of `count` workers.
  static Result<std::vector<HybridSession>> CreateSeveral(const HybridModel& model, size_t count);

  // From now on float activations are cut to ranges[id] before anything reads them; empty: they are not.
  void Clamp(std::vector<Range> ranges) { clamps_ = std::move(ranges); }

  // Runs all nodes and keeps every activation. inputs[k] are the real values of input k.
  Status Run(std::span<const std::vector<float>> inputs, const NodeForms& forms);
  // Runs what differs from the last Run: the nodes whose form does, and what follows from them.
  Status RunVariant(const NodeForms& forms);
  // Runs what follows from another content of the float activation `id`, in the forms of the last Run.
  // Precondition: as many values as it has.
  Status RunChanged(ValueId id, std::span<const float> values);
  // The real values of activation `id` after the last Run, whatever ran since.
  std::span<const float> BaseFloats(ValueId id) const;
  // The real values of all outputs after the last Run, RunVariant or RunChanged.
  OutputValues Outputs() const;

 private:
  struct Activation {
    std::vector<std::byte> bytes;
    bool int8 = false;
  };

  explicit HybridSession(const HybridModel& model) : model_(model) {}
  const Activation& Get(ValueId id) const { return changed_[id] ? variant_[id] : base_[id]; }
  std::vector<float> Reals(ValueId id) const;
  void Compare(ValueId id) {
    changed_[id] = variant_[id].int8 != base_[id].int8 || variant_[id].bytes != base_[id].bytes;
  }
  Status RunFollowing(const NodeForms& forms);
  Status LoadInputs(const NodeForms& forms, std::vector<Activation>& to);
  Status RunNode(size_t node, bool int8, std::vector<Activation>& to);

  void ClampFloats(ValueId id, Activation& activation) const;

  const HybridModel& model_;
  std::vector<Range> clamps_;                         // per value, or empty
  std::vector<std::optional<Session>> float_, int8_;  // per node
  std::vector<std::vector<float>> inputs_;
  NodeForms forms_;                         // of the last Run
  std::vector<Activation> base_, variant_;  // per value
  std::vector<bool> changed_;               // per value: variant_ holds it, and it is not base_'s
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_HYBRID_SESSION_H_
