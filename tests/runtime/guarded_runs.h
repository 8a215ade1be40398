// Sessions whose activations lie between pages that nobody may touch.
#ifndef QRUN_TESTS_RUNTIME_GUARDED_RUNS_H_
#define QRUN_TESTS_RUNTIME_GUARDED_RUNS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/qrun.h"

namespace qrun::tests {

// Blocks of memory, each with an inaccessible page before and behind it. A block fills whole pages only by
// luck: it lies against one of the two, and the other is up to a page away.
class GuardedMemory {
 public:
  enum class Side { kFront, kBack };
  explicit GuardedMemory(Side side) : side_(side) {}
  GuardedMemory(const GuardedMemory&) = delete;
  ~GuardedMemory();

  // `bytes` bytes, all 0xa5; null if there is no memory. With kBack and bytes a multiple of 64, aligned
  // to 64.
  std::byte* Take(size_t bytes);
  size_t bytes_taken() const { return bytes_taken_; }

 private:
  struct Mapping {
    std::byte* address;
    size_t bytes;
  };
  const Side side_;
  size_t bytes_taken_ = 0;
  std::vector<Mapping> mappings_;
};

struct GuardedRuns {
  int runs = 0;
  std::vector<std::string> isas;  // those that ran
  std::string failure;            // empty: every run gave the bytes that a session on the heap gives
};

// Runs `model` on noise with 1 to 4 threads on every instruction set that can run here, float operators on
// our own kernels and on the library's, with arena and inputs and outputs against a guard page before them
// and against one behind them. A step over either ends the process.
GuardedRuns RunGuarded(const Model& model, int batch);

}  // namespace qrun::tests

#endif  // QRUN_TESTS_RUNTIME_GUARDED_RUNS_H_
