// What qbench found, as JSON; text and CSV are printed from it, so that the three cannot differ.
#ifndef QRUN_BENCH_LIB_BENCH_REPORT_H_
#define QRUN_BENCH_LIB_BENCH_REPORT_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "bench/lib/candidates.h"
#include "bench/lib/cold_start.h"
#include "bench/lib/evaluation_report.h"
#include "bench/lib/model_file.h"
#include "bench/lib/profile.h"
#include "bench/lib/timing.h"

namespace qrun::bench {

// Everything measured of one model in one configuration.
struct Measurement {
  const ModelFile* file = nullptr;
  bool is_candidate = false;  // else the baseline, or the only model
  SessionOptions options;     // with the instruction set by name
  ColdStart cold;
  std::optional<std::vector<OperatorCandidates>> candidates;
  std::optional<ColdStart> cold_cached;  // with packed weights on file
  Timings timings;
  Profile profile;
};

// An element of results[]; keys as bench/README.md documents them. `accuracy` is AccuracyJson's for this
// model, or null.
nlohmann::json ResultJson(const Measurement& measurement, const nlohmann::json& accuracy);

// The comparison of b (the candidate) with a (the baseline) in the same configuration; keys as
// bench/README.md documents them. Without an evaluation retention and overall are null.
nlohmann::json ComparisonJson(const Measurement& a, const Measurement& b,
                              const std::optional<EvaluationSummary>& evaluation, uint64_t seed);

// Overall = retention / 100 + speedup / 5.
double Overall(double retention, double speedup);

// Tables of results and comparisons of a whole report, and per operator of the first comparison (or result).
std::string ReportText(const nlohmann::json& report);

// A row per result: model, dtype, threads, isa, times, sizes, accuracy, and against the first model of the
// same configuration speedup, speedup_low, speedup_high, verdict, retention, overall.
std::string ReportCsv(const nlohmann::json& report);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_BENCH_REPORT_H_
