// A damaged file, all the way that a user's would go.
#ifndef QRUN_TESTS_FUZZ_HOSTILE_RUN_H_
#define QRUN_TESTS_FUZZ_HOSTILE_RUN_H_

#include <cstddef>
#include <span>
#include <string>

#include "runtime/qrun.h"

namespace qrun::tests {

struct HostileRun {
  enum Outcome { kRefused, kNotPlanned, kTooMuchWork, kRan, kOutcomes };
  Outcome outcome;
  std::string broken;  // a promise that was not kept; empty: all were
};

// Opens `bytes`, describes the model as qinspect does, plans it for at most 16 MiB of activations and, unless
// that would take long, runs it on noise with its activations against a guard page. `variant` chooses
// threads, batch, instruction set and which side the guard page is on. Promised: each refusal has a reason,
// which is no internal error; no more activation memory is taken than was granted; what opening and planning
// allocate beside it is of the order of the file; and what runs gives the values that the scalar kernels give
// on one thread.
HostileRun RunHostile(std::span<const std::byte> bytes, unsigned variant);

// Bytes that the C++ allocation functions have given out and not taken back, and the most that there were
// since Reset.
class AllocationMeter {
 public:
  static void Reset();
  static size_t Peak();  // above what there was at Reset
};

}  // namespace qrun::tests

#endif  // QRUN_TESTS_FUZZ_HOSTILE_RUN_H_
