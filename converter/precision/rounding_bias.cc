#include "converter/precision/rounding_bias.h"

#include "converter/repair/analytic_bias_correction.h"

namespace qrun::converter {

void CentreRoundingErrors(const Graph& float_graph, Graph& graph,
                          std::span<const ChannelStatistics> channels) {
  const auto means = [&](const LinearView& original, const LinearView& linear) {
    const ChannelStatistics& src = channels[original.src];
    std::vector<double> mean;
    // Without a bias there is none to correct, and the layer is shown as it is.
    if (linear.bia == kNoValue || !src.seen()) return mean;
    for (size_t c = 0; c < src.channels(); ++c) mean.push_back(src.Mean(c));
    return mean;
  };
  CorrectBiasesByMeans(float_graph, graph, means);
}

}  // namespace qrun::converter
