// The child's side of the protocol that peers.py speaks with everybody whom it compares: lines of JSON on
// stdout for lines of words on stdin. bench/README.md describes it.
#ifndef QRUN_BENCH_PEERS_SERVE_H_
#define QRUN_BENCH_PEERS_SERVE_H_

#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "runtime/qrun.h"

namespace qrun::bench {

// Something that runs one model. Arrays are float32 in the source model's layout, one item each.
class Competitor {
 public:
  virtual ~Competitor() = default;
  // What the first line says; see bench/README.md.
  virtual nlohmann::json Describe() const = 0;
  virtual std::vector<int64_t> InputShape() const = 0;   // [1, ...]
  virtual std::vector<int64_t> OutputShape() const = 0;  // [1, ...]
  virtual Status SetInput(std::span<const float> values) = 0;
  virtual Status GetOutput(std::span<float> values) = 0;
  // What is timed.
  virtual void Run() = 0;
};

// A tensor's extents as the source model states them.
std::vector<int64_t> SourceShape(const TensorInfo& info);

// Answers until stdin ends or "quit". Returns the process's exit code.
int Serve(Competitor& competitor);

// Says {"error": message} in place of the first line, and returns the exit code for that.
int RefuseToServe(const Status& status);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_PEERS_SERVE_H_
