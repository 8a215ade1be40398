// Edits a graph while keeping track of who makes and who reads each value.
#ifndef QRUN_CONVERTER_PASSES_REWRITER_H_
#define QRUN_CONVERTER_PASSES_REWRITER_H_

#include <vector>

#include "converter/graph.h"

namespace qrun::converter {

// Nodes are named by their index in the graph as it was; removals and insertions take effect in the
// destructor.
class Rewriter {
 public:
  explicit Rewriter(Graph& graph);
  ~Rewriter();
  Rewriter(const Rewriter&) = delete;
  Rewriter& operator=(const Rewriter&) = delete;

  int node_count() const { return static_cast<int>(removed_.size()); }
  bool removed(int i) const { return removed_[i]; }
  Node& node(int i) { return graph_.nodes[i]; }
  Value& value(ValueId id) { return graph_.values[id]; }
  Graph& graph() { return graph_; }

  // The node's options if it is there and of this type, else null.
  template <class Options>
  Options* As(int i) {
    return i >= 0 && !removed_[i] ? std::get_if<Options>(&graph_.nodes[i].options) : nullptr;
  }

  // The node that makes a value; -1 for graph inputs and constants.
  int Producer(ValueId id) const { return producer_[id]; }
  // Times that nodes read a value, plus once per graph output that it is.
  int ReadCount(ValueId id) const { return reads_[id]; }

  // The node that makes input `input` of node `i`, if nothing but `i` reads that value, and only once; else
  // -1. What it computes may then be changed.
  int OwnProducer(int i, size_t input) const;

  // Gives a node other inputs.
  void SetInputs(int i, std::vector<ValueId> inputs);
  // Removes a node: its readers (and graph outputs) take `replacement` instead of its output.
  void RemoveAndForward(int i, ValueId replacement);
  // Removes a node whose output nothing will read any more.
  void Drop(int i);
  // `producer` writes what `consumer` wrote, and `consumer` goes.
  void Absorb(int producer, int consumer);
  // Adds a node behind node `i`; it is not seen by node(int).
  void InsertAfter(int i, Node node);

  ValueId AddConstant(Value value);

 private:
  void CountReads(const Node& node, int by);

  Graph& graph_;
  std::vector<int> producer_;
  std::vector<int> reads_;
  std::vector<bool> removed_;
  std::vector<std::vector<Node>> inserted_;  // behind node i
};

// The schema's clamp of an operator that has one; null otherwise.
std::unique_ptr<fb::Clamp>* ClampOf(NodeOptions& options);

// Narrows a clamp as if [lo, hi] were applied after it.
void ApplyClamp(std::unique_ptr<fb::Clamp>& clamp, float lo, float hi);

// A float constant of one element, whatever its shape.
bool IsScalar(const Value& value);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PASSES_REWRITER_H_
