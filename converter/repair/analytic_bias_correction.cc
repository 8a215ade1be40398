#include "converter/repair/analytic_bias_correction.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/quant_math.h"
#include "converter/repair/int8_bias.h"
#include "converter/repair/linear_view.h"

namespace qrun::converter {
namespace {

void Correct(const Graph& float_graph, const LinearView& original, Graph& graph, Node& node,
             const InputMeans& means, BiasCorrectionReport& report) {
  const auto linear = AsLinear(graph, node);
  if (!linear || graph.values[linear->wei].type != ElementType::kInt8) return;
  const std::vector<double> mean = means(original, *linear);
  if (mean.empty()) return;
  const auto wei = Floats(float_graph.values[original.wei]);
  const std::span<const int8_t> integers = Elements<int8_t>(graph.values[linear->wei]);
  Int8Bias bias(graph, *linear);
  for (size_t o = 0; o < linear->oc; ++o) {
    double missing = 0;
    for (size_t tap = 0; tap < linear->taps; ++tap) {
      for (size_t i = 0; i < linear->ic_per_group; ++i) {
        const size_t k = linear->Index(o, tap, i);
        missing +=
            (static_cast<double>(wei[k]) - integers[k] * bias.WeightScale(o)) * mean[linear->Channel(o, i)];
      }
    }
    bias.Set(o, std::nearbyint(bias.Get(o) + missing / bias.Step(o)));
  }
  bias.Store(node, report);
}

}  // namespace

BiasCorrectionReport CorrectBiasesByMeans(const Graph& float_graph, Graph& graph, const InputMeans& means) {
  BiasCorrectionReport report;
  for (const Node& original : float_graph.nodes) {
    const auto linear = AsLinear(float_graph, original);
    if (!linear) continue;
    const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& candidate) {
      return candidate.outputs[0] == linear->dst;
    });
    if (node != graph.nodes.end()) Correct(float_graph, *linear, graph, *node, means, report);
  }
  return report;
}

BiasCorrectionReport CorrectBiasesAnalytically(const Graph& float_graph, Graph& graph,
                                               std::span<const ChannelMoments> moments) {
  return CorrectBiasesByMeans(float_graph, graph, [&](const LinearView& original, const LinearView&) {
    return moments[original.src].mean;
  });
}

}  // namespace qrun::converter
