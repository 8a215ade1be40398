#include <algorithm>

#include "converter/inner_values.h"
#include "converter/passes/pass_functions.h"

namespace qrun::converter {

Result<int> RemoveDead(Graph& graph) {
  std::vector<bool> used(graph.values.size());
  for (ValueId id : graph.inputs) used[id] = true;
  for (ValueId id : graph.outputs) used[id] = true;
  int count = 0;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    Node& node = graph.nodes[i];
    const bool alive =
        std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) { return used[id]; });
    if (!alive) {
      graph.nodes.erase(graph.nodes.begin() + i);
      ++count;
      continue;
    }
    for (ValueId id : node.inputs) {
      if (id != kNoValue) used[id] = true;
    }
    for (const int* id : InnerValues(node.options)) {
      if (*id != kNoValue) used[*id] = true;
    }
  }
  std::vector<ValueId> renumbered(graph.values.size(), kNoValue);
  std::vector<Value> values;
  for (size_t id = 0; id < used.size(); ++id) {
    if (!used[id]) continue;
    renumbered[id] = static_cast<ValueId>(values.size());
    values.push_back(std::move(graph.values[id]));
  }
  graph.values = std::move(values);
  const auto renumber = [&](ValueId& id) {
    if (id != kNoValue) id = renumbered[id];
  };
  for (Node& node : graph.nodes) {
    std::for_each(node.inputs.begin(), node.inputs.end(), renumber);
    std::for_each(node.outputs.begin(), node.outputs.end(), renumber);
    for (int* id : InnerValues(node.options)) renumber(*id);
  }
  std::for_each(graph.inputs.begin(), graph.inputs.end(), renumber);
  std::for_each(graph.outputs.begin(), graph.outputs.end(), renumber);
  return count;
}

}  // namespace qrun::converter
