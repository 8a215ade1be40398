// Timing several models against each other, fairly.
#ifndef QRUN_BENCH_LIB_TIMING_H_
#define QRUN_BENCH_LIB_TIMING_H_

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "bench/lib/statistics.h"
#include "runtime/qrun.h"

namespace qrun::bench {

struct Contender {
  const Model* model = nullptr;
  SessionOptions options;
};

struct TimingOptions {
  int rounds = 30;
  // A batch ends after this time or kMaxSamples samples, but has kMinSamples at least that count, unless ten
  // times this time goes by.
  double batch_seconds = 0.02;
  uint64_t seed = 1;  // of the order within the rounds
};
inline constexpr size_t kMinSamples = 5, kMaxSamples = 100;

struct Timings {
  Rounds samples_ms;        // time of one run, per sample that counts
  size_t taken = 0;         // samples taken, those that do not count included
  size_t disturbed = 0;     // samples during which the kernel took a processor away from us
  int runs_per_sample = 1;  // more than one if a run is short against the resolution of the clock
  size_t warmup_runs = 0;   // run and left out at the start of every batch
  bool settled = true;      // false: no end of the warm-up was seen
  double DisturbedShare() const { return static_cast<double>(disturbed) / static_cast<double>(taken); }
};

// done and total count batches.
using TimingProgress = std::function<void(size_t done, size_t total)>;

// Above this share of disturbed samples what is left says little: chance decides which are left.
inline constexpr double kMostDisturbed = 0.5;

// Times all contenders in `rounds` rounds. In each round every contender gets one batch, in random order. A
// batch makes a new session (so that no contender owes its time to a lucky place in memory: that luck becomes
// part of the spread), runs it through the warm-up that was found beforehand, and then takes samples. Nothing
// is pinned to a core. Disturbed samples do not count, as long as a batch has others: a long run is disturbed
// more often than a short one, so that on a busy machine a ratio of their times would tell of the scheduler.
// Inputs are FillInputs' values. Errors: those of Session::Create.
Result<std::vector<Timings>> TimeInterleaved(std::span<const Contender> contenders,
                                             const TimingOptions& options, const TimingProgress& progress);

// Writes the same pseudo-random real values, uniform in [-1, 1), to all float32 and int8 inputs of equally
// shaped models. Errors: unsupported for inputs of other types.
Status FillInputs(Session& session);

// Makes large blocks come fresh from the kernel each time (glibc would start to recycle them), so that a new
// session really lies elsewhere. Of the whole process; call it once, at the start.
void RequestFreshPages();

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_TIMING_H_
