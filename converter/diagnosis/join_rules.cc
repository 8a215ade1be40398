// Operators that bring unlike tensors to one scale.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "converter/diagnosis/finding.h"
#include "converter/diagnosis/suspicion.h"

namespace qrun::converter {
namespace {

// The wider range is this many times the narrower one.
constexpr double kClashRatio = 16;
// SQNR of the quieter operand under the rounding of the output.
constexpr double kClashDb = 20;

double MeanSquare(const ChannelStatistics& seen) {
  double sum = 0;
  for (size_t c = 0; c < seen.channels(); ++c) sum += seen.MeanSquare(c);
  return sum / static_cast<double>(std::max<size_t>(1, seen.channels()));
}

double Width(const Inspection& inspection, ValueId id) {
  const Range range = inspection.model.calibration.tensors[id].MinMax();
  return range.seen() ? static_cast<double>(std::max(range.max, 0.0f)) - std::min(range.min, 0.0f) : 0;
}

std::string NameOf(const Inspection& inspection, ValueId id) {
  const int producer = inspection.producer(id);
  return producer < 0 ? inspection.graph().values[id].name
                      : inspection.graph().nodes[static_cast<size_t>(producer)].name;
}

}  // namespace

void SuspectJoins(const Inspection& inspection, Suspicions& found) {
  const Graph& graph = inspection.graph();
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const auto* binary = std::get_if<fb::BinaryT>(&node.options);
    const bool concat = std::holds_alternative<fb::ConcatT>(node.options);
    const bool sum = binary && (binary->kind == fb::BinaryKind::Add || binary->kind == fb::BinaryKind::Sub);
    const ValueId dst = node.outputs[0];
    const auto params = inspection.trials.Params(dst);
    if ((!concat && !sum) || !params) continue;
    std::vector<ValueId> operands;
    for (ValueId id : node.inputs) {
      if (!graph.values[id].is_constant() && inspection.channels(id).seen()) operands.push_back(id);
    }
    if (operands.size() < 2) continue;
    const auto [narrow, wide] = std::minmax_element(operands.begin(), operands.end(), [&](auto a, auto b) {
      return Width(inspection, a) < Width(inspection, b);
    });
    const double ratio = Width(inspection, *wide) / Width(inspection, *narrow);
    const double noise = static_cast<double>(params->scale) * params->scale / 12;
    const double sqnr_db = 10 * std::log10(MeanSquare(inspection.channels(*narrow)) / noise);
    if (!(ratio >= kClashRatio) || !std::isfinite(ratio) || !(sqnr_db < kClashDb)) continue;
    Suspicion suspicion;
    suspicion.cause = concat ? kCauseConcatClash : kCauseAddClash;
    suspicion.node = i;
    suspicion.value = dst;
    suspicion.evidence = fmt::format(
        "'{}' has {:.3g} times the range of '{}', which is left with {:.2g} of 256 steps in the {}",
        NameOf(inspection, *wide), ratio, NameOf(inspection, *narrow),
        Width(inspection, *narrow) / params->scale, concat ? "concatenation" : "sum");
    suspicion.advice = "keep it and its readers in float or 16 bits";
    suspicion.measured = inspection.MeasuringNodes(dst);
    suspicion.tolerable_db = LayerTrials::kMostDb;  // the rule has measured the harm
    inspection.AddScaling(dst, suspicion.cures);
    found.push_back(std::move(suspicion));
  }
}

}  // namespace qrun::converter
