// Channels of one activation that differ too much for one scale.
#include <fmt/format.h>

#include <algorithm>

#include "converter/diagnosis/finding.h"
#include "converter/diagnosis/suspicion.h"
#include "converter/int8_plan.h"
#include "converter/repair/linear_view.h"

namespace qrun::converter {
namespace {

constexpr size_t kLeastChannels = 4;
// An outlier reaches this many times as far as the median, and few others a third as far as it.
constexpr double kOutlierRatio = 6, kOutlierShare = 1.0 / 16;
// A spread is this wide between the furthest channel and the lower quarter.
constexpr double kSpreadRatio = 10;
constexpr double kTolerableDb = 18;

// The live channels' reach, in ascending order, and the channel that reaches furthest.
struct Reaches {
  std::vector<double> sorted;
  size_t largest_channel = 0;

  double Quantile(double q) const {
    return sorted[static_cast<size_t>(q * static_cast<double>(sorted.size() - 1))];
  }
};

Reaches ReachesOf(const ChannelStatistics& seen) {
  Reaches reaches;
  for (size_t c = 0; c < seen.channels(); ++c) {
    if (seen.Reach(c) > seen.Reach(reaches.largest_channel)) reaches.largest_channel = c;
    if (seen.Reach(c) > 0) reaches.sorted.push_back(seen.Reach(c));
  }
  std::sort(reaches.sorted.begin(), reaches.sorted.end());
  return reaches;
}

bool IsDepthwise(const Graph& graph, size_t i) {
  const auto linear = AsLinear(graph, graph.nodes[i]);
  return linear && linear->depthwise;
}

// The depthwise convolution that makes or reads the value; -1 for none.
int DepthwiseAt(const Inspection& inspection, ValueId id) {
  const int producer = inspection.producer(id);
  if (IsDepthwise(inspection.graph(), static_cast<size_t>(producer))) return producer;
  for (size_t i : inspection.readers(id)) {
    if (IsDepthwise(inspection.graph(), i)) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

void SuspectChannels(const Inspection& inspection, Suspicions& found) {
  const Graph& graph = inspection.graph();
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const ValueId id = node.outputs[0];
    if (Int8FormOf(node) == Int8Form::kMovesBytes || !inspection.trials.Params(id)) continue;
    if (inspection.readers(id).empty() || !inspection.channels(id).seen()) continue;
    const Reaches reaches = ReachesOf(inspection.channels(id));
    if (reaches.sorted.size() < kLeastChannels) continue;
    const double largest = reaches.sorted.back(), median = reaches.Quantile(0.5);
    const auto far = static_cast<size_t>(
        reaches.sorted.end() - std::upper_bound(reaches.sorted.begin(), reaches.sorted.end(), largest / 3));
    const size_t channels = inspection.channels(id).channels();
    Suspicion suspicion;
    const size_t few =
        std::max<size_t>(1, static_cast<size_t>(kOutlierShare * static_cast<double>(reaches.sorted.size())));
    if (largest >= kOutlierRatio * median && far <= few) {
      suspicion.cause = kCauseOutlierChannel;
      suspicion.evidence =
          fmt::format("{} of {} has {:.3g} times the median range (channel {}: {:.3g}, median {:.3g})",
                      far == 1 ? "one channel" : fmt::format("{} channels, the largest", far), channels,
                      largest / median, reaches.largest_channel, largest, median);
    } else if (const double quarter = reaches.Quantile(0.25); largest >= kSpreadRatio * quarter) {
      const int depthwise = DepthwiseAt(inspection, id);
      suspicion.cause = depthwise >= 0 ? kCauseDepthwiseSpread : kCauseChannelSpread;
      suspicion.evidence = fmt::format(
          "a quarter of its {} channels reach less than 1/{:.3g} of the widest ({:.3g} of {:.3g}){}",
          channels, largest / quarter, quarter, largest,
          depthwise < 0 || depthwise == static_cast<int>(i)
              ? ""
              : fmt::format(", read by the depthwise '{}'",
                            graph.nodes[static_cast<size_t>(depthwise)].name));
    } else {
      continue;
    }
    suspicion.node = i;
    suspicion.value = id;
    suspicion.measured = inspection.MeasuringNodes(id);
    suspicion.tolerable_db = kTolerableDb;
    suspicion.advice = "keep it and its readers in float or 16 bits";
    inspection.AddScaling(id, suspicion.cures);
    found.push_back(std::move(suspicion));
  }
}

void SuspectWeights(const Inspection& inspection, Suspicions& found) {
  const Graph& graph = inspection.graph();
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto linear = AsLinear(graph, graph.nodes[i]);
    const Node* quantised = inspection.trials.QuantisedNode(i);
    if (!linear || linear->oc < kLeastChannels || quantised == nullptr) continue;
    const Value& int8 = inspection.model.quantised.values[quantised->inputs[1]];
    if (int8.type != ElementType::kInt8 || !int8.quant || int8.quant->axis >= 0) continue;
    const std::span<const float> wei = Floats(graph.values[linear->wei]);
    std::vector<double> largest(linear->oc, 0);
    for (size_t o = 0; o < linear->oc; ++o) {
      for (size_t tap = 0; tap < linear->taps; ++tap) {
        for (size_t k = 0; k < linear->ic_per_group; ++k) {
          largest[o] = std::max(largest[o], std::abs(static_cast<double>(wei[linear->Index(o, tap, k)])));
        }
      }
    }
    std::sort(largest.begin(), largest.end());
    const double median = largest[largest.size() / 2];
    if (!(median > 0) || largest.back() < kOutlierRatio * median) continue;
    Suspicion suspicion;
    suspicion.cause = linear->depthwise ? kCauseDepthwiseSpread : kCauseWeightSpread;
    suspicion.node = i;
    suspicion.value = graph.nodes[i].outputs[0];
    suspicion.evidence = fmt::format(
        "its weights share one scale, and the widest of {} channels has {:.3g} times the median range",
        linear->oc, largest.back() / median);
    suspicion.measured = {i};
    suspicion.cures.push_back({"--weights per-channel", {{}, nullptr, true}});
    found.push_back(std::move(suspicion));
  }
}

void SuspectDeadChannels(const Inspection& inspection, Suspicions& found) {
  constexpr double kShare = 1.0 / 16;
  constexpr size_t kLeastValues = 64;  // of fewer, some are 0 by chance
  const Graph& graph = inspection.graph();
  Suspicion worst;
  double worst_share = 0;
  size_t layers = 0;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto linear = AsLinear(graph, graph.nodes[i]);
    if (!linear || !inspection.trials.Params(linear->dst)) continue;
    const ChannelStatistics& seen = inspection.channels(linear->dst);
    if (seen.pixels() < kLeastValues || inspection.readers(linear->dst).empty()) continue;
    size_t dead = 0;
    for (size_t c = 0; c < seen.channels(); ++c) dead += seen.Min(c) == seen.Max(c);
    const double share = static_cast<double>(dead) / static_cast<double>(seen.channels());
    if (dead < 2 || share < kShare) continue;
    ++layers;
    if (share <= worst_share) continue;
    worst_share = share;
    worst.node = i;
    worst.value = linear->dst;
    worst.evidence =
        fmt::format("{} of {} channels never change on the calibration samples", dead, seen.channels());
  }
  if (layers == 0) return;
  if (layers > 1)
    worst.evidence +=
        fmt::format(", nor do channels of {} more {}", layers - 1, layers == 2 ? "layer" : "layers");
  worst.cause = kCauseDeadChannels;
  worst.advice = "costs time and space, not accuracy: prune them, or calibrate on samples that use them";
  worst.harmless = true;
  found.push_back(std::move(worst));
}

}  // namespace qrun::converter
