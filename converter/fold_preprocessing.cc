#include "converter/fold_preprocessing.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace qrun::converter {
namespace {

// The Conv2D that alone reads the graph's only input, and reads it once; null if there is none.
Node* FirstConvolution(Graph& graph) {
  if (graph.inputs.size() != 1) return nullptr;
  const ValueId input = graph.inputs[0];
  if (std::find(graph.outputs.begin(), graph.outputs.end(), input) != graph.outputs.end()) return nullptr;
  Node* reader = nullptr;
  for (Node& node : graph.nodes) {
    const auto reads = std::count(node.inputs.begin(), node.inputs.end(), input);
    if (reads == 0) continue;
    if (reader != nullptr || reads != 1) return nullptr;
    reader = &node;
  }
  return reader != nullptr && std::holds_alternative<fb::Conv2DT>(reader->options) ? reader : nullptr;
}

bool IsFloatConstant(const Value& value) {
  return value.is_constant() && value.type == ElementType::kFloat32;
}

// Gives `node`, a Conv2D with float weights OHWI, an input x[c] in place of scale[c] * x[c] + offset[c], but
// for padding.
void SubstituteInput(Graph& graph, Node& node, const std::vector<double>& scale,
                     const std::vector<double>& offset) {
  const Value wei = graph.values[node.inputs[1]];
  const auto oc = static_cast<size_t>(wei.shape[0]), group_ic = static_cast<size_t>(wei.shape[3]);
  const auto groups = static_cast<size_t>(std::get<fb::Conv2DT>(node.options).groups);
  std::vector<float> weights(Floats(wei).begin(), Floats(wei).end()), bias(oc, 0.0f);
  std::string bias_name = wei.name + ".bias";
  node.inputs.resize(3, kNoValue);
  if (node.inputs[2] != kNoValue) {
    const Value& bia = graph.values[node.inputs[2]];
    bias.assign(Floats(bia).begin(), Floats(bia).end());
    bias_name = bia.name;
  }
  const size_t reduction = weights.size() / oc;
  for (size_t o = 0; o < oc; ++o) {
    double sum = bias[o];
    for (size_t k = 0; k < reduction; ++k) {
      const size_t c = o / (oc / groups) * group_ic + k % group_ic;
      float& weight = weights[o * reduction + k];
      sum += weight * offset[c];
      weight = static_cast<float>(weight * scale[c]);
    }
    bias[o] = static_cast<float>(sum);
  }
  node.inputs[1] = AddValue(graph, FloatConstant(wei.name, wei.shape, weights));
  node.inputs[2] = AddValue(graph, FloatConstant(bias_name, {static_cast<int64_t>(oc)}, bias));
}

}  // namespace

std::optional<FoldedPreprocessing> FoldPreprocessing(Graph& graph, const fb::PreprocessingT& preprocessing) {
  Node* node = FirstConvolution(graph);
  if (node == nullptr || !IsFloatConstant(graph.values[node->inputs[1]])) return {};
  if (node->inputs.size() > 2 && node->inputs[2] != kNoValue &&
      !IsFloatConstant(graph.values[node->inputs[2]])) {
    return {};
  }
  auto& conv = std::get<fb::Conv2DT>(node->options);
  if (conv.input_dilation_h != 1 || conv.input_dilation_w != 1) return {};

  const size_t channels = preprocessing.mean.size();
  double sum = 0;
  for (size_t c = 0; c < channels; ++c) {
    const double level = 255.0 * preprocessing.mean[c];
    if (!(preprocessing.std[c] > 0) || !(level >= 0 && level <= 255)) return {};
    sum += level;
  }
  const double grey = std::nearbyint(sum / static_cast<double>(channels));

  FoldedPreprocessing folded;
  folded.preprocessing = preprocessing;
  folded.preprocessing.mean.assign(channels, static_cast<float>(grey / 255));
  folded.preprocessing.std.assign(channels, static_cast<float>(1.0 / 255));
  folded.range = {static_cast<float>(-grey), static_cast<float>(255 - grey)};
  std::vector<double> scale, offset;  // value = x * scale + offset
  for (size_t c = 0; c < channels; ++c) {
    const double level = 255.0 * preprocessing.mean[c], deviation = 255.0 * preprocessing.std[c];
    scale.push_back(1 / deviation);
    offset.push_back((grey - level) / deviation);
    folded.scale.push_back(static_cast<float>(deviation));
    folded.offset.push_back(static_cast<float>(level - grey));
  }
  SubstituteInput(graph, *node, scale, offset);
  const bool pads = conv.pad_top > 0 || conv.pad_left > 0 || conv.pad_bottom > 0 || conv.pad_right > 0;
  if (pads) conv.pad_values = folded.offset;
  return folded;
}

void FinishFolding(Graph& graph, const FoldedPreprocessing& folded) {
  Node& node = *FirstConvolution(graph);
  Value& input = graph.values[graph.inputs[0]];
  if (input.type == ElementType::kFloat32) {
    SubstituteInput(graph, node, {folded.scale.begin(), folded.scale.end()},
                    {folded.offset.begin(), folded.offset.end()});
    std::get<fb::Conv2DT>(node.options).pad_values.clear();
    return;
  }
  input.channel_scale = folded.scale;
  input.channel_offset = folded.offset;
}

}  // namespace qrun::converter
