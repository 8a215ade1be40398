#include "converter/diagnosis/suspicion.h"

#include <algorithm>

#include "converter/repair/linear_view.h"

namespace qrun::converter {

Inspection::Inspection(const TrialModel& inspected, const LayerTrials& trials,
                       std::span<const ScalingCure> scalings)
    : model(inspected), trials(trials), scalings(scalings) {
  producer_.assign(graph().values.size(), -1);
  readers_.resize(graph().values.size());
  for (size_t i = 0; i < graph().nodes.size(); ++i) {
    for (ValueId id : graph().nodes[i].inputs) {
      if (id == kNoValue || graph().values[id].is_constant()) continue;
      if (readers_[id].empty() || readers_[id].back() != i) readers_[id].push_back(i);
    }
    for (ValueId id : graph().nodes[i].outputs) producer_[id] = static_cast<int>(i);
  }
}

void Inspection::AddScaling(ValueId id, std::vector<Suspicion::Cure>& cures) const {
  for (const ScalingCure& scaling : scalings) {
    const std::vector<double>& scale = scaling.scales[id];
    if (std::any_of(scale.begin(), scale.end(), [](double u) { return u != 1; }))
      cures.push_back({scaling.option, {{}, &scaling.scales, false}});
  }
}

std::vector<size_t> Inspection::MeasuringNodes(ValueId id) const {
  std::vector<size_t> linear;
  for (size_t i : readers_[id]) {
    if (AsLinear(graph(), graph().nodes[i])) linear.push_back(i);
  }
  if (!linear.empty()) return linear;
  if (!readers_[id].empty()) return readers_[id];
  return {static_cast<size_t>(producer_[id])};
}

}  // namespace qrun::converter
