#include "converter/repair/linear_view.h"

namespace qrun::converter {

fb::Clamp ClampOrUnbounded(const Node& node) {
  return std::visit(
      [](const auto& options) -> fb::Clamp {
        if constexpr (requires { options.clamp; }) {
          if (options.clamp) return *options.clamp;
        }
        return {-LinearView::kUnbounded, LinearView::kUnbounded};
      },
      node.options);
}

std::optional<LinearView> AsLinear(const Graph& graph, const Node& node) {
  LinearView view;
  const auto* conv = std::get_if<fb::Conv2DT>(&node.options);
  view.depthwise = std::holds_alternative<fb::DepthwiseConv2DT>(node.options);
  if (!conv && !view.depthwise && !std::holds_alternative<fb::FullyConnectedT>(node.options)) return {};
  view.src = node.inputs[0];
  view.wei = node.inputs[1];
  if (node.inputs.size() > 2) view.bia = node.inputs[2];
  view.dst = node.outputs[0];
  if (!graph.values[view.wei].is_constant()) return {};
  if (view.bia != kNoValue && !graph.values[view.bia].is_constant()) return {};
  const Shape& shape = graph.values[view.wei].shape;
  const auto extent = [&](size_t i) { return static_cast<size_t>(shape[i]); };
  if (view.depthwise) {
    view.taps = extent(0) * extent(1);
    view.oc = extent(2);
  } else {
    view.oc = view.oc_per_group = extent(0);
    view.ic_per_group = static_cast<size_t>(shape.back());
    if (conv) {
      view.taps = extent(1) * extent(2);
      view.oc_per_group = view.oc / static_cast<size_t>(conv->groups);
    }
  }
  view.clamp = ClampOrUnbounded(node);
  return view;
}

}  // namespace qrun::converter
