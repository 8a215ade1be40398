#include "converter/evaluate_constant.h"
#include "converter/passes/pass_functions.h"
#include "converter/passes/rewriter.h"

namespace qrun::converter {

Result<int> FoldConstants(Graph& graph) {
  Rewriter rewriter(graph);
  int count = 0;
  for (int i = 0; i < rewriter.node_count(); ++i) {
    const Node& node = rewriter.node(i);
    std::vector<const Value*> constants;
    for (ValueId id : node.inputs) {
      if (id != kNoValue && graph.values[id].is_constant()) constants.push_back(&graph.values[id]);
    }
    if (constants.size() != node.inputs.size()) continue;
    const Value& out = graph.values[node.outputs[0]];
    Result<Value> value = EvaluateConstant(node, constants, out.shape);
    if (!value.ok()) return value.error().Annotate(NodeLabel(node));
    value->name = out.name;
    rewriter.RemoveAndForward(i, rewriter.AddConstant(*std::move(value)));
    ++count;
  }
  return count;
}

}  // namespace qrun::converter
