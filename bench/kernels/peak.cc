#include "bench/kernels/peak.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <string>
#include <utility>

#define QRUN_ISA(name, tag, flags) extern "C" const qrun::bench::PeakLoops qrun_peak_##name;
#include "kernels/isa_list.inc"
#undef QRUN_ISA

namespace qrun::bench {
namespace {

constexpr double kSeconds = 0.3;
constexpr int64_t kIterations = 50'000;

const PeakLoops& LoopsOf(std::string_view isa) {
#define QRUN_ISA(name, tag, flags) \
  if (isa == #name) return qrun_peak_##name;
#include "kernels/isa_list.inc"
#undef QRUN_ISA
  return qrun_peak_ref;
}

}  // namespace

double ThreadSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double PeakMacsPerSecond(std::string_view isa, Arithmetic arithmetic) {
  static std::map<std::pair<std::string, Arithmetic>, double> known;
  double& best = known[{std::string(isa), arithmetic}];
  if (best > 0) return best;
  const PeakLoops& loops = LoopsOf(isa);
  const bool int8 = arithmetic == Arithmetic::kInt8;
  const double end = ThreadSeconds() + kSeconds;
  while (ThreadSeconds() < end) {
    const double start = ThreadSeconds();
    (int8 ? loops.s8 : loops.f32)(kIterations);
    const double seconds = ThreadSeconds() - start;
    best =
        std::max(best, static_cast<double>(kIterations) * (int8 ? loops.s8_macs : loops.f32_macs) / seconds);
  }
  return best;
}

}  // namespace qrun::bench
