#include "converter/precision/rounding_bias.h"

#include <cmath>
#include <map>

#include "converter/quant_math.h"
#include "converter/repair/linear_view.h"

namespace qrun::converter {
namespace {

template <class T>
std::span<const T> Elements(const Value& value) {
  return {reinterpret_cast<const T*>(value.data->data()), value.data->size() / sizeof(T)};
}

// sum (w - w') * mean, per output channel.
std::vector<double> MeanErrors(const LinearView& linear, const Value& float_wei, const Value& wei,
                               const ChannelStatistics& src) {
  const auto real = Floats(float_wei);
  const auto rounded = Elements<int8_t>(wei);
  const std::vector<float>& scale = wei.quant->scale;
  std::vector<double> errors(linear.oc);
  for (size_t o = 0; o < linear.oc; ++o) {
    const double step = scale[scale.size() == 1 ? 0 : o];
    for (size_t tap = 0; tap < linear.taps; ++tap) {
      for (size_t i = 0; i < linear.ic_per_group; ++i) {
        const size_t at = linear.Index(o, tap, i);
        errors[o] += (static_cast<double>(real[at]) - step * rounded[at]) * src.Mean(linear.Channel(o, i));
      }
    }
  }
  return errors;
}

}  // namespace

void CentreRoundingErrors(const Graph& float_graph, Graph& graph,
                          std::span<const ChannelStatistics> channels) {
  std::map<ValueId, const Node*> original;  // by the value it writes
  for (const Node& node : float_graph.nodes) original[node.outputs[0]] = &node;
  for (Node& node : graph.nodes) {
    const auto linear = AsLinear(graph, node);
    // Without a bias there is none to correct, and the layer is shown as it is.
    if (!linear || linear->bia == kNoValue || graph.values[linear->src].type != ElementType::kInt8) continue;
    const auto found = original.find(linear->dst);
    if (found == original.end()) continue;
    const auto real = AsLinear(float_graph, *found->second);
    if (!real || !channels[real->src].seen()) continue;
    const std::vector<double> errors =
        MeanErrors(*linear, float_graph.values[real->wei], graph.values[linear->wei], channels[real->src]);
    const std::vector<float>& scale = graph.values[linear->wei].quant->scale;
    const double src_scale = graph.values[linear->src].quant->scale[0];
    const double bound = BiasBound(linear->Reduction());
    const auto old = Elements<int32_t>(graph.values[linear->bia]);
    std::vector<int32_t> bia(old.begin(), old.end());
    for (size_t o = 0; o < linear->oc; ++o) {
      const double corrected =
          std::nearbyint(bia[o] + errors[o] / (src_scale * scale[scale.size() == 1 ? 0 : o]));
      if (std::abs(corrected) <= bound) bia[o] = static_cast<int32_t>(corrected);
    }
    Value value = graph.values[linear->bia];
    const auto bytes = std::as_bytes(std::span(bia));
    value.data = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
    node.inputs[2] = AddValue(graph, std::move(value));
  }
}

}  // namespace qrun::converter
