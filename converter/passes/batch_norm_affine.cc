#include "converter/passes/batch_norm_affine.h"

#include <algorithm>
#include <cmath>

namespace qrun::converter {

ChannelAffine BatchNormAffine(Rewriter& rewriter, int i) {
  const std::vector<ValueId>& inputs = rewriter.node(i).inputs;
  const double epsilon = rewriter.As<BatchNorm>(i)->epsilon;
  const auto gamma = Floats(rewriter.value(inputs[1])), beta = Floats(rewriter.value(inputs[2]));
  const auto mean = Floats(rewriter.value(inputs[3])), var = Floats(rewriter.value(inputs[4]));
  ChannelAffine affine;
  for (size_t c = 0; c < gamma.size(); ++c) {
    const double scale = gamma[c] / std::sqrt(var[c] + epsilon);
    affine.scale.push_back(static_cast<float>(scale));
    affine.shift.push_back(static_cast<float>(beta[c] - mean[c] * scale));
  }
  return affine;
}

std::shared_ptr<const BatchNormStatistics> StatisticsOf(Rewriter& rewriter, int i) {
  const std::vector<ValueId>& inputs = rewriter.node(i).inputs;
  const auto elements = [&](size_t input) {
    const auto floats = Floats(rewriter.value(inputs[input]));
    return std::vector<float>(floats.begin(), floats.end());
  };
  auto statistics = std::make_shared<BatchNormStatistics>();
  statistics->output_mean = elements(2);
  statistics->mean = elements(3);
  statistics->variance = elements(4);
  const std::vector<float> scale = BatchNormAffine(rewriter, i).scale;
  for (size_t c = 0; c < scale.size(); ++c) {
    statistics->output_std.push_back(std::abs(scale[c]) * std::sqrt(std::max(0.0f, statistics->variance[c])));
  }
  return statistics;
}

}  // namespace qrun::converter
