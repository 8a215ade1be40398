#include "converter/diagnosis/diagnose.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "converter/diagnosis/suspicion.h"
#include "converter/emit.h"
#include "converter/quantize.h"
#include "converter/repair/equalize.h"
#include "converter/repair/node_walk.h"
#include "converter/subset_source.h"

namespace qrun::converter {
namespace {

// A repaired cause is worth a line if its cure gained this much, and it did harm before.
constexpr double kRepairedGainDb = 3, kRepairedDb = 24;

// Behind a layer that is this good nothing needs a cure.
constexpr double kGoodDb = 35;

// A suspicion with its trials.
struct Case {
  Suspicion suspicion;
  std::vector<size_t> before;              // per measured node
  std::vector<std::vector<size_t>> after;  // per cure and measured node
};

Case Open(Suspicion suspicion, LayerTrials& trials) {
  Case c{std::move(suspicion), {}, {}};
  if (c.suspicion.harmless) return c;
  for (size_t node : c.suspicion.measured) c.before.push_back(trials.Add(node, {}));
  for (const Suspicion::Cure& cure : c.suspicion.cures) {
    std::vector<size_t>& list = c.after.emplace_back();
    for (size_t node : c.suspicion.measured) list.push_back(trials.Add(node, cure.setting));
  }
  return c;
}

// Of the measured node that loses most.
struct Measured {
  std::optional<double> before, gain;
  size_t cure = 0;  // the best; valid if gain
};

Measured Measure(const Case& c, const LayerTrials& trials) {
  Measured result;
  for (size_t k = 0; k < c.before.size(); ++k) {
    const auto before = trials.SqnrDb(c.before[k]);
    if (!before) continue;
    Measured here{before, {}, 0};
    for (size_t cure = 0; cure < c.after.size(); ++cure) {
      const auto after = trials.SqnrDb(c.after[cure][k]);
      if (after && (!here.gain || *after - *before > *here.gain)) {
        here.gain = *after - *before;
        here.cure = cure;
      }
    }
    const double gain = here.gain.value_or(0), best = result.gain.value_or(0);
    if (!result.before || gain > best || (gain == best && *before < *result.before)) result = here;
  }
  return result;
}

Finding Describe(const Graph& graph, const Suspicion& suspicion) {
  const Node& node = graph.nodes[suspicion.node];
  Finding finding;
  finding.layer = node.name;
  finding.op = OperatorKind(node);
  finding.cause = suspicion.cause;
  finding.evidence = suspicion.evidence;
  finding.cure = suspicion.advice;
  return finding;
}

// What stands after the trials.
std::optional<Finding> Conclude(const Graph& graph, const Case& c, const LayerTrials& trials) {
  Finding finding = Describe(graph, c.suspicion);
  if (c.suspicion.harmless) return finding;
  const Measured measured = Measure(c, trials);
  if (!measured.before) return {};
  finding.sqnr_db = measured.before;
  if (measured.gain && *measured.gain >= c.suspicion.least_gain_db && *measured.before < kGoodDb) {
    finding.gain_db = measured.gain;
    finding.cure = c.suspicion.cures[measured.cure].what;
    return finding;
  }
  if (c.suspicion.advice.empty() || *measured.before >= c.suspicion.tolerable_db) return {};
  return finding;
}

// One cause per value: the first in the order of the rules that stands.
std::vector<Finding> Conclude(const Graph& graph, const std::vector<Case>& cases, const LayerTrials& trials) {
  std::vector<Finding> findings;
  std::map<ValueId, bool> explained;
  for (const Case& c : cases) {
    if (!c.suspicion.harmless && explained[c.suspicion.value]) continue;
    if (auto finding = Conclude(graph, c, trials)) {
      explained[c.suspicion.value] |= !c.suspicion.harmless;
      findings.push_back(std::move(*finding));
    }
  }
  return findings;
}

// What equalisation and smoothing would scale with, if they are wanted.
std::vector<ScalingCure> Scalings(const Graph& graph, const Calibration& calibration, bool per_channel,
                                  bool equalize, bool smooth) {
  std::vector<ScalingCure> scalings;
  if (equalize) {
    Graph copy = graph;
    scalings.push_back({"--equalize", EqualizeChannels(copy, calibration.channels, per_channel).scales});
  }
  if (smooth) {
    Graph copy = graph;
    scalings.push_back({"--smoothing", SmoothChannels(copy, calibration.channels, per_channel).scales});
  }
  return scalings;
}

// Of the model as it was converted.
Result<std::vector<Finding>> Remaining(const Int8Conversion& conversion, const Int8Options& options,
                                       const CalibrationSource& samples, LayerReport& layers) {
  const Graph& graph = conversion.float_graph;
  const TrialModel model{graph, conversion.graph, conversion.calibration, conversion.ranges_by_answers};
  LayerTrials trials(model);
  const std::vector<ScalingCure> scalings = Scalings(
      graph, conversion.calibration, options.per_channel_weights, !options.equalize, !options.smooth);
  const Inspection inspection(model, trials, scalings);
  Suspicions suspicions;
  SuspectWeights(inspection, suspicions);
  SuspectJoins(inspection, suspicions);
  SuspectSwishes(inspection, suspicions);
  SuspectChannels(inspection, suspicions);
  SuspectRanges(inspection, suspicions);
  SuspectDeadChannels(inspection, suspicions);
  std::vector<Case> cases;
  for (Suspicion& suspicion : suspicions) cases.push_back(Open(std::move(suspicion), trials));
  std::vector<std::pair<size_t, size_t>> local;  // row, trial
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node* quantised = trials.QuantisedNode(i);
    if (quantised == nullptr || !trials.Params(graph.nodes[i].outputs[0])) continue;
    LayerFacts& layer = layers.layers[graph.inputs.size() + i];
    layer.saturation = ProveSaturation(conversion.graph, *quantised);
    local.emplace_back(graph.inputs.size() + i, trials.Add(i, {}));
  }
  QRUN_RETURN_IF_ERROR(trials.Run(samples, options.threads));
  for (const auto& [row, trial] : local) layers.layers[row].local_sqnr_db = trials.SqnrDb(trial);
  return Conclude(graph, cases, trials);
}

// Of the model before its channels were scaled: what that has cured.
Result<std::vector<Finding>> Repaired(const Graph& original, const Int8Conversion& conversion,
                                      const Int8Options& options, const CalibrationSource& samples) {
  std::vector<Finding> repaired;
  if (!conversion.original_calibration) return repaired;  // nothing was scaled
  const Calibration& calibration = *conversion.original_calibration;
  Graph quantised = original;
  QuantizeOptions plain;
  plain.keep_float = options.keep_float;
  plain.per_channel_weights = options.per_channel_weights;
  const std::vector<Range> ranges = calibration.Ranges(**FindObserverKind("minmax"));
  QRUN_RETURN_IF_ERROR(QuantizeGraph(quantised, ranges, plain, nullptr));
  const TrialModel model{original, quantised, calibration};
  LayerTrials trials(model);
  const std::vector<ScalingCure> scalings =
      Scalings(original, calibration, options.per_channel_weights, options.equalize, options.smooth);
  const Inspection inspection(model, trials, scalings);
  Suspicions suspicions;
  SuspectJoins(inspection, suspicions);
  SuspectChannels(inspection, suspicions);
  std::vector<Case> cases;
  for (Suspicion& suspicion : suspicions) {
    if (suspicion.cures.empty()) continue;
    suspicion.cures.resize(1);
    cases.push_back(Open(std::move(suspicion), trials));
  }
  QRUN_RETURN_IF_ERROR(trials.Run(samples, options.threads));
  for (Finding& finding : Conclude(original, cases, trials)) {
    if (!finding.gain_db || *finding.gain_db < kRepairedGainDb || *finding.sqnr_db > kRepairedDb) continue;
    finding.repaired = true;
    finding.cure = finding.cure == "--smoothing" ? "smoothing has" : "equalisation has";
    repaired.push_back(std::move(finding));
  }
  return repaired;
}

// Noise over signal, in dB; the highest first.
double Damage(const Finding& finding) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  if (finding.cause == kCausePreprocessing) return kNone;
  return finding.sqnr_db ? -*finding.sqnr_db : -kNone;
}

}  // namespace

Result<std::vector<Finding>> Diagnose(const Graph& original, const Int8Conversion& conversion,
                                      const Int8Options& options, const CalibrationSource& samples,
                                      LayerReport& layers) {
  std::vector<size_t> first(std::min({samples.size(), kTrialSamples, WalkSamples(conversion.float_graph)}));
  std::iota(first.begin(), first.end(), size_t{0});
  const SubsetSource few(samples, std::move(first));
  QRUN_ASSIGN_OR_RETURN(std::vector<Finding> findings, Remaining(conversion, options, few, layers));
  QRUN_ASSIGN_OR_RETURN(std::vector<Finding> repaired, Repaired(original, conversion, options, few));
  findings.insert(findings.end(), std::make_move_iterator(repaired.begin()),
                  std::make_move_iterator(repaired.end()));
  RankFindings(findings);
  return findings;
}

void RankFindings(std::vector<Finding>& findings) {
  const auto rank = [](const Finding& finding) {
    return std::make_pair(finding.repaired ? 1 : 0, -Damage(finding));
  };
  std::stable_sort(findings.begin(), findings.end(),
                   [&](const Finding& a, const Finding& b) { return rank(a) < rank(b); });
}

}  // namespace qrun::converter
