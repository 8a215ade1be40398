#include "converter/count_work.h"

namespace qrun::converter {

Work CountWork(const Graph& graph, const Node& node) {
  Work work;
  const bool depthwise = std::holds_alternative<fb::DepthwiseConv2DT>(node.options);
  if (!depthwise && !std::holds_alternative<fb::Conv2DT>(node.options) &&
      !std::holds_alternative<fb::FullyConnectedT>(node.options)) {
    return work;
  }
  const Shape& wei = graph.values[node.inputs[1]].shape;
  const int64_t channels = depthwise ? wei.back() : wei.front();
  work.macs = ElementCount(graph.values[node.outputs[0]].shape) * (ElementCount(wei) / channels);
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.inputs[i] != kNoValue) work.parameters += ElementCount(graph.values[node.inputs[i]].shape);
  }
  return work;
}

}  // namespace qrun::converter
