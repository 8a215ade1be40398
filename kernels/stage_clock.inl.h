// Where the time inside a fused kernel goes, stage by stage.
#ifndef QRUN_KERNELS_STAGE_CLOCK_INL_H_
#define QRUN_KERNELS_STAGE_CLOCK_INL_H_

#if !defined(__x86_64__)
#include <time.h>
#endif

#include <cstdint>

#include "kernels/inline.inl.h"

namespace qrun::kernels {
namespace {

// Adds up the time of each stage of one kernel call and, at its end, adds the sums to ticks[0 .. kStages).
// With null `ticks` every Lap is one branch that is never taken. Ticks are of the CPU's counter of constant
// rate where it has one that costs a few nanoseconds, else nanoseconds: only their ratios mean anything.
// Thread safety: calls of one kernel on several threads may share `ticks`, each with a clock of its own.
template <int kStages>
class StageClock {
 public:
  explicit StageClock(uint64_t* ticks) : ticks_(ticks) {
    if (ticks_ != nullptr) last_ = Now();
  }
  ~StageClock() {
    if (ticks_ == nullptr) return;
    for (int i = 0; i < kStages; ++i) __atomic_fetch_add(&ticks_[i], spent_[i], __ATOMIC_RELAXED);
  }
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;

  // What went by since the last Lap, or since the clock was made, belongs to `stage`.
  QRUN_INLINE void Lap(int stage) {
    if (ticks_ == nullptr) return;
    const uint64_t now = Now();
    spent_[stage] += now - last_;
    last_ = now;
  }

 private:
  static uint64_t Now() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
#endif
  }

  uint64_t* const ticks_;
  uint64_t last_ = 0;
  uint64_t spent_[kStages] = {};
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_STAGE_CLOCK_INL_H_
