// Ranges that do not suit the values in them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "converter/diagnosis/finding.h"
#include "converter/diagnosis/suspicion.h"
#include "converter/int8_plan.h"
#include "converter/observers/observer.h"
#include "converter/observers/quantization_error.h"

namespace qrun::converter {
namespace {

// The negative part of a swish reaches -0.28 (SiLU) to -0.38 (hard-swish); fewer steps than this cannot show
// it.
constexpr double kSwishSteps = 8;
// Clipping counts once it makes this many times the noise of rounding, and -30 dB of the signal.
constexpr double kClippingRatio = 4, kClippingPower = 1e-3;
// A tail is long if the range of least error is this part of the observed one.
constexpr double kLongTail = 0.4;
constexpr double kLongTailGainDb = 3;
constexpr double kTolerableDb = 18;

bool IsSwish(const Node& node) {
  const auto* unary = std::get_if<fb::UnaryT>(&node.options);
  return unary && (unary->kind == fb::UnaryKind::HardSwish || unary->kind == fb::UnaryKind::Silu ||
                   unary->kind == fb::UnaryKind::Gelu);
}

double Power(const ChannelStatistics& seen) {
  double sum = 0;
  for (size_t c = 0; c < seen.channels(); ++c) sum += seen.MeanSquare(c);
  return sum / static_cast<double>(std::max<size_t>(1, seen.channels()));
}

// One cure per observer whose range is another than the one in use.
std::vector<Suspicion::Cure> OtherObservers(const TensorObserver& seen, ValueId id, AffineParams used) {
  std::vector<Suspicion::Cure> cures;
  for (const ObserverKind& kind : ObserverKinds()) {
    const Range range = kind.choose(seen);
    if (!range.seen() || ParamsFromRange(range) == used) continue;
    cures.push_back({fmt::format("--observer {}", kind.name), {{{id, range}}, nullptr, false}});
  }
  return cures;
}

}  // namespace

void SuspectRanges(const Inspection& inspection, Suspicions& found) {
  // What the answers have decided, this layer's error alone cannot better.
  if (inspection.model.ranges_by_answers) return;
  const Graph& graph = inspection.graph();
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const ValueId id = node.outputs[0];
    const auto params = inspection.trials.Params(id);
    if (!params || Int8FormOf(node) == Int8Form::kMovesBytes || inspection.readers(id).empty()) continue;
    const TensorObserver& seen = inspection.model.calibration.tensors[id];
    const Distribution values = seen.Values();
    if (values.count() == values.zeros()) continue;
    const double low = (-128.0 - params->zero_point) * params->scale;
    const double high = (127.0 - params->zero_point) * params->scale;
    const QuantizationError error(values);
    const auto parts = error.Of(low, high);
    Suspicion suspicion;
    suspicion.tolerable_db = kTolerableDb;
    const double count = static_cast<double>(values.count());
    if (parts.clipping > kClippingRatio * parts.rounding &&
        parts.clipping / count > kClippingPower * Power(inspection.channels(id))) {
      suspicion.cause = kCauseClippedTail;
      suspicion.evidence = fmt::format(
          "int8 covers [{:.3g}, {:.3g}] of the [{:.3g}, {:.3g}] seen; what is clipped makes {:.3g} times the "
          "noise of rounding",
          low, high, values.min(), values.max(), parts.clipping / parts.rounding);
      suspicion.advice = "choose another --observer";
    } else if (const auto [lo, hi] = error.BestRange(1); hi - lo < kLongTail * (high - low)) {
      suspicion.cause = kCauseLongTail;
      suspicion.evidence = fmt::format(
          "few values lie far out: int8 covers [{:.3g}, {:.3g}], where [{:.3g}, {:.3g}] would err least", low,
          high, lo, hi);
      suspicion.least_gain_db = kLongTailGainDb;
    } else {
      continue;
    }
    suspicion.node = i;
    suspicion.value = id;
    suspicion.measured = inspection.MeasuringNodes(id);
    suspicion.cures = OtherObservers(seen, id, *params);
    found.push_back(std::move(suspicion));
  }
}

void SuspectSwishes(const Inspection& inspection, Suspicions& found) {
  const Graph& graph = inspection.graph();
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const ValueId id = graph.nodes[i].outputs[0];
    const auto params = inspection.trials.Params(id);
    if (!IsSwish(graph.nodes[i]) || !params || inspection.readers(id).empty()) continue;
    const TensorObserver& seen = inspection.model.calibration.tensors[id];
    const Range range = seen.MinMax();
    const double steps = -range.min / params->scale;
    if (!range.seen() || range.min >= 0 || steps >= kSwishSteps) continue;
    Suspicion suspicion;
    suspicion.cause = kCauseSwishTail;
    suspicion.node = i;
    suspicion.value = id;
    suspicion.evidence = fmt::format(
        "the negative part of its swish, down to {:.2g}, has {:.2g} of 256 steps: the positive part reaches "
        "{:.3g}",
        range.min, steps, range.max);
    suspicion.measured = inspection.MeasuringNodes(id);
    if (!inspection.model.ranges_by_answers) suspicion.cures = OtherObservers(seen, id, *params);
    suspicion.tolerable_db = kTolerableDb;
    suspicion.advice = "keep it and its readers in float or 16 bits";
    found.push_back(std::move(suspicion));
  }
}

}  // namespace qrun::converter
