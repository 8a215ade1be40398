#include "converter/passes/rewriter.h"

#include <algorithm>
#include <utility>

namespace qrun::converter {

Rewriter::Rewriter(Graph& graph)
    : graph_(graph),
      producer_(graph.values.size(), -1),
      reads_(graph.values.size(), 0),
      removed_(graph.nodes.size(), false),
      inserted_(graph.nodes.size()) {
  for (int i = 0; i < node_count(); ++i) {
    CountReads(graph.nodes[i], 1);
    for (ValueId id : graph.nodes[i].outputs) producer_[id] = i;
  }
  for (ValueId id : graph.outputs) ++reads_[id];
}

Rewriter::~Rewriter() {
  std::vector<Node> nodes;
  for (int i = 0; i < node_count(); ++i) {
    if (!removed_[i]) nodes.push_back(std::move(graph_.nodes[i]));
    for (Node& node : inserted_[i]) nodes.push_back(std::move(node));
  }
  graph_.nodes = std::move(nodes);
}

void Rewriter::CountReads(const Node& node, int by) {
  for (ValueId id : node.inputs) {
    if (id != kNoValue) reads_[id] += by;
  }
}

int Rewriter::OwnProducer(int i, size_t input) const {
  const ValueId id = graph_.nodes[i].inputs[input];
  return reads_[id] == 1 ? producer_[id] : -1;
}

void Rewriter::SetInputs(int i, std::vector<ValueId> inputs) {
  CountReads(graph_.nodes[i], -1);
  graph_.nodes[i].inputs = std::move(inputs);
  CountReads(graph_.nodes[i], 1);
}

void Rewriter::RemoveAndForward(int i, ValueId replacement) {
  const ValueId out = graph_.nodes[i].outputs[0];
  const auto forward = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids) {
      if (id != out) continue;
      id = replacement;
      --reads_[out];
      ++reads_[replacement];
    }
  };
  removed_[i] = true;
  CountReads(graph_.nodes[i], -1);
  for (int n = i + 1; n < node_count(); ++n) {
    if (!removed_[n]) forward(graph_.nodes[n].inputs);
  }
  for (std::vector<Node>& nodes : inserted_) {
    for (Node& node : nodes) forward(node.inputs);
  }
  forward(graph_.outputs);
}

void Rewriter::Drop(int i) {
  removed_[i] = true;
  CountReads(graph_.nodes[i], -1);
}

void Rewriter::Absorb(int producer, int consumer) {
  const ValueId out = graph_.nodes[consumer].outputs[0];
  CountReads(graph_.nodes[consumer], -1);
  removed_[consumer] = true;
  producer_[graph_.nodes[producer].outputs[0]] = -1;
  graph_.nodes[producer].outputs[0] = out;
  producer_[out] = producer;
}

void Rewriter::InsertAfter(int i, Node node) {
  CountReads(node, 1);
  for (ValueId id : node.outputs) producer_[id] = -1;
  inserted_[i].push_back(std::move(node));
}

ValueId Rewriter::AddConstant(Value value) {
  producer_.push_back(-1);
  reads_.push_back(0);
  return AddValue(graph_, std::move(value));
}

std::unique_ptr<fb::Clamp>* ClampOf(NodeOptions& options) {
  return std::visit(
      [](auto& op) -> std::unique_ptr<fb::Clamp>* {
        if constexpr (requires { op.clamp; }) return &op.clamp;
        return nullptr;
      },
      options);
}

void ApplyClamp(std::unique_ptr<fb::Clamp>& clamp, float lo, float hi) {
  if (!clamp) {
    clamp = std::make_unique<fb::Clamp>(lo, hi);
    return;
  }
  clamp = std::make_unique<fb::Clamp>(std::clamp(clamp->min(), lo, hi), std::clamp(clamp->max(), lo, hi));
}

bool IsScalar(const Value& value) {
  return value.is_constant() && value.type == ElementType::kFloat32 && ElementCount(value.shape) == 1;
}

}  // namespace qrun::converter
