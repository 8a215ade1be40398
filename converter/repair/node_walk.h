// Runs a graph node by node over a few samples at once, so that a node can be repaired before its readers
// run.
#ifndef QRUN_CONVERTER_REPAIR_NODE_WALK_H_
#define QRUN_CONVERTER_REPAIR_NODE_WALK_H_

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// How many samples a walk may hold: what it needs at most per sample, in kWalkBytes, and no more than
// kWalkSamples.
inline constexpr size_t kWalkBytes = size_t{256} << 20, kWalkSamples = 128;
size_t WalkSamples(const Graph& graph);

// Those of `ids` that are activations, each once.
std::vector<ValueId> ActivationsOf(const Graph& graph, const std::vector<ValueId>& ids);

// A graph of node `i` alone: its inputs are ActivationsOf its inputs, its outputs are the node's.
Graph SingleNodeGraph(const Graph& graph, size_t i);

// Keeps the activations that later nodes still read. Results do not depend on `threads` nor on the CPU.
// Thread safety: none; functions given to ForEachSample run on several threads, each for other samples.
class NodeWalk {
 public:
  // `graph` outlives this; constants may change until the node that reads them runs, nodes and shapes may
  // not.
  NodeWalk(const Graph& graph, int threads) : graph_(graph), threads_(threads) {}

  // Sets the graph's inputs, quantised if they are int8. Samples that cannot be loaded are left out.
  Status Load(const CalibrationSource& source);
  size_t samples() const { return activations_.size(); }

  // An activation that is there: made by a node that ran, or an input, and read by a node that did not run
  // yet.
  std::span<const std::byte> Activation(size_t sample, ValueId id) const { return activations_[sample][id]; }

  // Runs node `i` on all samples; nodes run in order. Then drops what no later node reads.
  Status RunNode(size_t i);

  // Calls work(sample, worker) for every sample, on up to `threads` threads; worker < threads. What `work`
  // throws (out of memory) is thrown here.
  void ForEachSample(const std::function<void(size_t sample, size_t worker)>& work) const;
  int threads() const { return threads_; }

 private:
  const Graph& graph_;
  const int threads_;
  std::vector<std::vector<std::vector<std::byte>>> activations_;  // per sample and value
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_NODE_WALK_H_
