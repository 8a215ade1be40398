#include "converter/precision/cost_model.h"

#include "converter/count_work.h"
#include "converter/passes/fuse_inverted_residual.h"

namespace qrun::converter {
namespace {

constexpr double kFloatMacsPerUs = 30e3, kInt8MacsPerUs = 120e3;
constexpr double kBytesPerUs = 10e3, kConversionsPerUs = 4e3;
constexpr double kCallUs = 0.5;

double Elements(const Graph& graph, ValueId id) {
  return static_cast<double>(ElementCount(graph.values[id].shape));
}

}  // namespace

LayerCost CostOf(const Graph& graph, const LayerUnit& unit) {
  double macs = 0, elements = 0, border = 0;
  for (size_t i : unit.nodes) {
    const Node& node = graph.nodes[i];
    macs += static_cast<double>(CountWork(graph, node).macs);
    for (ValueId id : node.inputs) {
      if (id != kNoValue) elements += Elements(graph, id);
    }
    for (ValueId id : node.outputs) elements += Elements(graph, id);
  }
  for (ValueId id : graph.nodes[unit.nodes.front()].inputs) {
    if (id != kNoValue && !graph.values[id].is_constant()) border += Elements(graph, id);
  }
  border += Elements(graph, graph.nodes[unit.nodes.back()].outputs[0]);
  const double calls = kCallUs * static_cast<double>(unit.nodes.size());
  return {macs / kFloatMacsPerUs + 4 * elements / kBytesPerUs + border / kConversionsPerUs + calls,
          macs / kInt8MacsPerUs + elements / kBytesPerUs + calls};
}

std::vector<FusedBlock> FindFusedBlocks(const Graph& int8_graph) {
  Graph fused = int8_graph;
  FuseInvertedResidual(fused);
  std::vector<FusedBlock> blocks;
  for (const Node& node : fused.nodes) {
    const auto* parts = std::get_if<fb::InvertedResidualT>(&node.options);
    if (parts == nullptr) continue;
    FusedBlock block;
    if (parts->expand) block.written.push_back(parts->expanded);
    block.written.push_back(parts->filtered);
    if (parts->residual) block.written.push_back(parts->projected);
    for (ValueId inner : block.written)
      block.breakup_us += kCallUs + 2 * Elements(int8_graph, inner) / kBytesPerUs;
    block.written.push_back(node.outputs[0]);
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace qrun::converter
