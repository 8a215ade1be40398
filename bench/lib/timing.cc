#include "bench/lib/timing.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "bench/lib/clock.h"
#include "bench/lib/scheduling.h"

namespace qrun::bench {
namespace {

// A sample lasts this long at least: a thousand times what reading the clock costs.
constexpr double kMinSampleMs = 0.02;
// The search for the end of the warm-up.
constexpr double kProbeSeconds = 0.5;
constexpr size_t kMinProbeRuns = 6, kMaxProbeRuns = 200;

Result<Session> NewSession(const Contender& contender) {
  QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(*contender.model, contender.options));
  QRUN_RETURN_IF_ERROR(FillInputs(session));
  return session;
}

// Finds runs_per_sample and the warm-up of a new session.
Status Probe(const Contender& contender, Timings& timings) {
  QRUN_ASSIGN_OR_RETURN(Session session, NewSession(contender));
  std::vector<double> runs;
  Stopwatch total, watch;
  while (runs.size() < kMinProbeRuns || (runs.size() < kMaxProbeRuns && total.Seconds() < kProbeSeconds)) {
    watch.LapMs();
    session.Run();
    runs.push_back(watch.LapMs());
  }
  const WarmUp warm_up = DetectWarmUp(runs);
  timings.warmup_runs = std::max<size_t>(1, warm_up.length);  // the first run touches memory
  timings.settled = warm_up.settled;
  const double run_ms = Median(std::span(runs).subspan(runs.size() / 2));
  timings.runs_per_sample = std::max(1, static_cast<int>(std::ceil(kMinSampleMs / std::max(run_ms, 1e-6))));
  return Status::Ok();
}

Status TimeBatch(const Contender& contender, double batch_seconds, Timings& timings) {
  QRUN_ASSIGN_OR_RETURN(Session session, NewSession(contender));
  for (size_t i = 0; i < timings.warmup_runs; ++i) session.Run();
  std::vector<double> quiet, disturbed;
  Stopwatch total, watch;
  const auto wants_more = [&] {
    const double seconds = total.Seconds();
    if (quiet.size() + disturbed.size() < kMinSamples) return true;
    if (quiet.size() < kMinSamples) return seconds < 10 * batch_seconds;
    return quiet.size() + disturbed.size() < kMaxSamples && seconds < batch_seconds;
  };
  while (wants_more()) {
    const int64_t switches = InvoluntarySwitches();
    watch.LapMs();
    for (int i = 0; i < timings.runs_per_sample; ++i) session.Run();
    const double ms = watch.LapMs() / timings.runs_per_sample;
    (InvoluntarySwitches() == switches ? quiet : disturbed).push_back(ms);
  }
  timings.taken += quiet.size() + disturbed.size();
  timings.disturbed += disturbed.size();
  timings.samples_ms.push_back(quiet.empty() ? std::move(disturbed) : std::move(quiet));
  return Status::Ok();
}

}  // namespace

Result<std::vector<Timings>> TimeInterleaved(std::span<const Contender> contenders,
                                             const TimingOptions& options, const TimingProgress& progress) {
  std::vector<Timings> timings(contenders.size());
  for (size_t i = 0; i < contenders.size(); ++i) QRUN_RETURN_IF_ERROR(Probe(contenders[i], timings[i]));
  std::mt19937_64 random(options.seed);
  std::vector<size_t> order(contenders.size());
  std::iota(order.begin(), order.end(), 0);
  size_t done = 0;
  for (int round = 0; round < options.rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (size_t i : order) {
      QRUN_RETURN_IF_ERROR(TimeBatch(contenders[i], options.batch_seconds, timings[i]));
      if (progress) progress(++done, static_cast<size_t>(options.rounds) * contenders.size());
    }
  }
  return timings;
}

Status FillInputs(Session& session) {
  std::mt19937 random(1);
  for (int i = 0; i < static_cast<int>(session.inputs().size()); ++i) {
    std::vector<float> values(static_cast<size_t>(session.inputs()[i].ElementCount()));
    for (float& value : values) value = static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f;
    QRUN_RETURN_IF_ERROR(session.SetInput(i, values));
  }
  return Status::Ok();
}

void RequestFreshPages() {
#if defined(__GLIBC__)
  // Setting the threshold also ends its automatic growth.
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
}

}  // namespace qrun::bench
