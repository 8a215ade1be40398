#include "converter/repair/rounding/chain.h"

#include <algorithm>
#include <optional>

#include "converter/repair/readers.h"

namespace qrun::converter {
namespace {

class Finder {
 public:
  Finder(const Graph& graph, const std::vector<bool>& runs_int8)
      : graph_(graph), runs_int8_(runs_int8), producer_(graph.values.size(), -1), readers_(ReadersOf(graph)) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      for (ValueId id : graph.nodes[i].outputs) producer_[id] = static_cast<int>(i);
    }
  }

  std::vector<Chain> Find(ChainKind kind) {
    std::vector<std::pair<size_t, Chain>> found;  // by the index of the last node
    std::vector<bool> taken(graph_.nodes.size(), false);
    const auto take = [&](Chain chain, size_t last) {
      for (const ChainLayer& layer : chain.layers) taken[layer.node] = true;
      found.emplace_back(last, std::move(chain));
    };
    for (size_t i = 0; kind == ChainKind::kBlocks && i < graph_.nodes.size(); ++i) {
      size_t last = 0;
      if (auto block = Block(i, last)) take(*std::move(block), last);
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const auto layer = Layer(static_cast<int>(i));
      if (layer && !taken[i]) take({{*layer}, kNoValue, layer->linear.dst}, i);
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Chain> chains;
    for (auto& [last, chain] : found) chains.push_back(std::move(chain));
    return chains;
  }

 private:
  std::optional<ChainLayer> Layer(int i) const {
    if (i < 0 || !runs_int8_[static_cast<size_t>(i)]) return {};
    const Node& node = graph_.nodes[static_cast<size_t>(i)];
    const auto linear = AsLinear(graph_, node);
    const auto geometry = PatchGeometryOf(graph_, node);
    if (!linear || !geometry) return {};
    return ChainLayer{static_cast<size_t>(i), *linear, *geometry};
  }

  // The only node that reads a value that is no output of the graph; -1 otherwise.
  int OnlyReader(ValueId id) const {
    const bool output = std::find(graph_.outputs.begin(), graph_.outputs.end(), id) != graph_.outputs.end();
    return readers_[id].size() == 1 && !output ? static_cast<int>(readers_[id][0]) : -1;
  }

  bool IsPointwise(const ChainLayer& layer) const {
    const PatchGeometry& g = layer.geometry;
    return std::holds_alternative<fb::Conv2DT>(graph_.nodes[layer.node].options) && g.taps() == 1 &&
           g.stride_h == 1 && g.stride_w == 1 && g.oh == g.ih && g.ow == g.iw;
  }

  // The inverted residual around depthwise convolution `i`.
  std::optional<Chain> Block(size_t i, size_t& last) const {
    const auto depthwise = Layer(static_cast<int>(i));
    if (!depthwise || !depthwise->linear.depthwise) return {};
    const auto project = Layer(OnlyReader(depthwise->linear.dst));
    if (!project || !IsPointwise(*project)) return {};
    Chain chain;
    const auto first = Layer(producer_[depthwise->linear.src]);
    if (first && !first->linear.depthwise && OnlyReader(depthwise->linear.src) == static_cast<int>(i)) {
      chain.layers.push_back(*first);
    }
    chain.layers.push_back(*depthwise);
    chain.layers.push_back(*project);
    chain.target = project->linear.dst;
    last = project->node;
    const int adder = OnlyReader(chain.target);
    if (adder < 0 || !runs_int8_[static_cast<size_t>(adder)]) return chain;
    const Node& node = graph_.nodes[static_cast<size_t>(adder)];
    const auto* add = std::get_if<fb::BinaryT>(&node.options);
    if (!add || add->kind != fb::BinaryKind::Add || add->clamp) return chain;
    const ValueId other = node.inputs[0] == chain.target ? node.inputs[1] : node.inputs[0];
    if (graph_.values[other].is_constant() ||
        graph_.values[other].shape != graph_.values[chain.target].shape) {
      return chain;
    }
    chain.residual = other;
    chain.target = node.outputs[0];
    last = static_cast<size_t>(adder);
    return chain;
  }

  const Graph& graph_;
  const std::vector<bool>& runs_int8_;
  std::vector<int> producer_;
  const std::vector<std::vector<size_t>> readers_;
};

}  // namespace

std::vector<Chain> FindChains(const Graph& graph, const std::vector<bool>& runs_int8, ChainKind kind) {
  return Finder(graph, runs_int8).Find(kind);
}

}  // namespace qrun::converter
