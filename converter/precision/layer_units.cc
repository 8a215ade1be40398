#include "converter/precision/layer_units.h"

#include <algorithm>
#include <map>

#include "converter/int8_plan.h"

namespace qrun::converter {
namespace {

std::string Exactly(const std::string& name) {
  std::string expression = "^";
  for (const char c : name) {
    if (c == ' ') {
      expression += "\\x20";
      continue;
    }
    if (std::string_view("^$\\.*+?()[]{}|").find(c) != std::string_view::npos) expression += '\\';
    expression += c;
  }
  return expression + "$";
}

bool IsUnary(const Node& node) { return std::holds_alternative<fb::UnaryT>(node.options); }

}  // namespace

std::vector<LayerUnit> FindLayerUnits(const Graph& graph, const NodeForms& int8) {
  std::map<ValueId, std::vector<size_t>> readers;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue) readers[id].push_back(i);
    }
  }
  const auto is_output = [&](ValueId id) {
    return std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end();
  };
  std::vector<LayerUnit> units;
  std::vector<bool> taken(graph.nodes.size(), false);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!int8[i] || taken[i] || Int8FormOf(graph.nodes[i]) == Int8Form::kMovesBytes) continue;
    LayerUnit unit = {graph.nodes[i].name, {}};
    for (size_t at = i;;) {
      unit.nodes.push_back(at);
      taken[at] = true;
      const ValueId dst = graph.nodes[at].outputs[0];
      const std::vector<size_t>& next = readers[dst];
      if (next.size() != 1 || is_output(dst) || !int8[next[0]] || !IsUnary(graph.nodes[next[0]])) break;
      at = next[0];
    }
    units.push_back(std::move(unit));
  }
  return units;
}

std::vector<std::string> KeepFloatExpressions(const Graph& graph, const LayerUnit& unit) {
  std::vector<std::string> expressions;
  for (size_t i : unit.nodes) expressions.push_back(Exactly(graph.nodes[i].name));
  return expressions;
}

NodeForms OnlyInt8(const LayerUnit& unit, size_t nodes) {
  NodeForms forms(nodes, false);
  for (size_t i : unit.nodes) forms[i] = true;
  return forms;
}

}  // namespace qrun::converter
