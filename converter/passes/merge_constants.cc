#include <map>
#include <string_view>
#include <tuple>

#include "converter/passes/pass_functions.h"

namespace qrun::converter {
namespace {

std::string_view BytesOf(const Value& value) {
  return {reinterpret_cast<const char*>(value.data->data()), value.data->size()};
}

}  // namespace

Result<int> MergeConstants(Graph& graph) {
  using Key = std::tuple<ElementType, Shape, std::string_view>;
  std::map<Key, ValueId> first;
  std::vector<ValueId> merged(graph.values.size());
  std::vector<bool> read(graph.values.size());
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.inputs) {
      if (id != kNoValue) read[id] = true;
    }
  }
  int count = 0;
  for (ValueId id = 0; id < static_cast<ValueId>(graph.values.size()); ++id) {
    merged[id] = id;
    const Value& value = graph.values[id];
    if (!read[id] || !value.is_constant() || value.quant) continue;
    merged[id] = first.try_emplace(Key(value.type, value.shape, BytesOf(value)), id).first->second;
    count += merged[id] != id;
  }
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.inputs) {
      if (id != kNoValue) id = merged[id];
    }
  }
  return count;
}

}  // namespace qrun::converter
