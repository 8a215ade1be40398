#include "bench/lib/cold_start.h"

#include <algorithm>
#include <cstring>

#include "bench/lib/child_process.h"
#include "bench/lib/clock.h"
#include "bench/lib/process_memory.h"
#include "bench/lib/timing.h"

namespace qrun::bench {
namespace {

Result<std::string> StartOnce(const std::string& path, const SessionOptions& options) {
  ColdStart cold;
  ResetPeakResident();
  cold.rss_before_bytes = ResidentBytes();
  Stopwatch watch;
  QRUN_ASSIGN_OR_RETURN(const Model model, Model::Open(path));
  cold.open_ms = watch.LapMs();
  QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
  cold.plan_ms = watch.LapMs();
  cold.weights_from_cache = session.weight_cache().was_used;
  QRUN_RETURN_IF_ERROR(FillInputs(session));
  watch.LapMs();
  session.Run();
  cold.first_run_ms = watch.LapMs();
  for (int i = 0; i < 2; ++i) session.Run();
  cold.peak_rss_bytes = PeakResidentBytes();
  return std::string(reinterpret_cast<const char*>(&cold), sizeof cold);
}

}  // namespace

Result<ColdStart> MeasureColdStart(const std::string& path, const SessionOptions& options, int repeats) {
  std::vector<ColdStart> all;
  std::vector<double> peaks;
  for (int i = 0; i < repeats; ++i) {
    QRUN_ASSIGN_OR_RETURN(const std::string bytes, RunInChild([&] { return StartOnce(path, options); }));
    if (bytes.size() != sizeof(ColdStart)) return Status::Internal("the child process gave half an answer");
    std::memcpy(&all.emplace_back(), bytes.data(), bytes.size());
    peaks.push_back(static_cast<double>(all.back().peak_rss_bytes));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.TotalMs() < b.TotalMs(); });
  std::sort(peaks.begin(), peaks.end());
  ColdStart median = all[all.size() / 2];
  median.peak_rss_bytes = static_cast<uint64_t>(peaks[peaks.size() / 2]);
  return median;
}

}  // namespace qrun::bench
