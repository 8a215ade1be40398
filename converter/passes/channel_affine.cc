#include "converter/passes/channel_affine.h"

#include <cmath>

namespace qrun::converter {

int64_t FoldableChannels(Rewriter& rewriter, int producer) {
  const auto* conv = rewriter.As<fb::Conv2DT>(producer);
  const auto* fc = rewriter.As<fb::FullyConnectedT>(producer);
  if ((!conv || conv->clamp) && (!fc || fc->clamp)) return 0;
  for (size_t i = 1; i < rewriter.node(producer).inputs.size(); ++i) {
    const ValueId id = rewriter.node(producer).inputs[i];
    if (id == kNoValue) continue;
    const Value& value = rewriter.value(id);
    if (!value.is_constant() || value.type != ElementType::kFloat32) return 0;
  }
  return rewriter.value(rewriter.node(producer).inputs[1]).shape[0];
}

void FoldAffine(Rewriter& rewriter, int producer, const ChannelAffine& affine) {
  std::vector<ValueId> inputs = rewriter.node(producer).inputs;
  inputs.resize(3, kNoValue);
  const Value wei = rewriter.value(inputs[1]);
  const size_t channels = affine.scale.size();
  std::vector<float> weights(Floats(wei).begin(), Floats(wei).end());
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t c = i / (weights.size() / channels);
    weights[i] = static_cast<float>(static_cast<double>(weights[i]) * affine.scale[c]);
  }
  std::vector<float> bias(channels, 0.0f);
  std::string bias_name = wei.name + ".bias";
  if (inputs[2] != kNoValue) {
    const Value& bia = rewriter.value(inputs[2]);
    bias.assign(Floats(bia).begin(), Floats(bia).end());
    bias_name = bia.name;
  }
  for (size_t c = 0; c < channels; ++c) {
    bias[c] = static_cast<float>(static_cast<double>(bias[c]) * affine.scale[c] + affine.shift[c]);
  }
  inputs[1] = rewriter.AddConstant(FloatConstant(wei.name, wei.shape, weights));
  inputs[2] = rewriter.AddConstant(FloatConstant(bias_name, {static_cast<int64_t>(channels)}, bias));
  rewriter.SetInputs(producer, std::move(inputs));
  if (const auto& norm = rewriter.node(producer).norm) {
    auto moved = std::make_shared<BatchNormStatistics>(*norm);
    for (size_t c = 0; c < channels; ++c) {
      moved->output_mean[c] = moved->output_mean[c] * affine.scale[c] + affine.shift[c];
      moved->output_std[c] *= std::abs(affine.scale[c]);
    }
    rewriter.node(producer).norm = std::move(moved);
  }
}

}  // namespace qrun::converter
