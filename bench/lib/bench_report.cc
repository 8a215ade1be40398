#include "bench/lib/bench_report.h"

#include <algorithm>
#include <cmath>

#include "runtime/cli/model_report.h"

namespace qrun::bench {

using nlohmann::json;

namespace {

// The distribution of all samples: {"percent": [0, 1, ..., 100], "ms": [...]}.
json QuantilesJson(const Rounds& rounds) {
  std::vector<double> samples;
  for (const auto& round : rounds) samples.insert(samples.end(), round.begin(), round.end());
  std::sort(samples.begin(), samples.end());
  json percents = json::array(), ms = json::array();
  for (int percent = 0; percent <= 100; ++percent) {
    percents.push_back(percent);
    ms.push_back(Quantile(samples, percent / 100.0));
  }
  return {{"percent", std::move(percents)}, {"ms", std::move(ms)}};
}

json CachedStartJson(const std::optional<ColdStart>& cold) {
  if (!cold) return nullptr;
  return {{"ms", cold->TotalMs()},
          {"open_ms", cold->open_ms},
          {"plan_ms", cold->plan_ms},
          {"first_run_ms", cold->first_run_ms},
          {"peak_rss_bytes", cold->peak_rss_bytes}};
}

}  // namespace

json ResultJson(const Measurement& m, const json& accuracy) {
  const json described = cli::DescribeModel(m.file->model);
  const TimingSummary times = Summarize(m.timings.samples_ms);
  json samples = json::array();
  for (const auto& round : m.timings.samples_ms) samples.push_back(round);
  return {{"model", m.file->path},
          {"name", m.file->model.name()},
          {"role", m.is_candidate ? "candidate" : "baseline"},
          {"sha256", m.file->sha256},
          {"dtype", ArithmeticOf(described)},
          {"threads", m.options.threads},
          {"isa", m.profile.plan["isa"]},
          {"median_ms", times.median},
          {"min_ms", times.min},
          {"p90_ms", times.p90},
          {"p99_ms", times.p99},
          {"quantiles", QuantilesJson(m.timings.samples_ms)},
          {"samples_ms", std::move(samples)},
          {"samples_disturbed_percent", 100 * m.timings.DisturbedShare()},
          {"runs_per_sample", m.timings.runs_per_sample},
          {"warmup_runs", m.timings.warmup_runs},
          {"warmup_settled", m.timings.settled},
          {"cold_ms", m.cold.TotalMs()},
          {"cold_open_ms", m.cold.open_ms},
          {"cold_plan_ms", m.cold.plan_ms},
          {"cold_first_run_ms", m.cold.first_run_ms},
          {"cold_cached", CachedStartJson(m.cold_cached)},
          {"peak_rss_bytes", m.cold.peak_rss_bytes},
          {"rss_before_bytes", m.cold.rss_before_bytes},
          {"arena_bytes", m.profile.plan["arena_bytes"]},
          {"packed_weight_bytes", m.profile.plan["packed_weight_bytes"]},
          {"file_bytes", m.file->model.file_bytes()},
          {"params", described["params"]},
          {"macs", described["macs"]},
          {"layers", LayersJson(m.profile, m.file->model)},
          {"arena", m.profile.plan["arena"]},
          {"candidates", m.candidates ? CandidatesJson(*m.candidates) : json(nullptr)},
          {"accuracy", accuracy}};
}

double Overall(double retention, double speedup) { return retention / 100 + speedup / 5; }

json ComparisonJson(const Measurement& a, const Measurement& b,
                    const std::optional<EvaluationSummary>& evaluation, uint64_t seed) {
  const double speedup = RatioOfMedians(a.timings.samples_ms, b.timings.samples_ms);
  const Interval interval = RatioInterval95(a.timings.samples_ms, b.timings.samples_ms, seed);
  const double retention = evaluation ? evaluation->Retention() : NAN;
  const bool busy =
      a.timings.DisturbedShare() > kMostDisturbed || b.timings.DisturbedShare() > kMostDisturbed;
  const auto change = [](uint64_t before, uint64_t after) {
    return static_cast<int64_t>(after) - static_cast<int64_t>(before);
  };
  const json layers_a = LayersJson(a.profile, a.file->model), layers_b = LayersJson(b.profile, b.file->model);
  return {
      {"baseline", a.file->path},
      {"candidate", b.file->path},
      {"threads", a.options.threads},
      {"isa", a.profile.plan["isa"]},
      {"speedup", speedup},
      {"speedup_ci95", {interval.low, interval.high}},
      {"verdict", VerdictName(Conclude(interval, busy))},
      {"retention", NumberOrNull(retention)},
      {"agreement", evaluation ? NumberOrNull(evaluation->agreement) : json(nullptr)},
      {"sqnr_db", evaluation ? NumberOrNull(evaluation->sqnr_db) : json(nullptr)},
      {"loss_change", evaluation ? NumberOrNull(evaluation->accuracy[0].loss - evaluation->accuracy[1].loss)
                                 : json(nullptr)},
      {"overall", NumberOrNull(Overall(retention, speedup))},
      {"cold_speedup", a.cold.TotalMs() / b.cold.TotalMs()},
      {"peak_rss_change_bytes", change(a.cold.peak_rss_bytes, b.cold.peak_rss_bytes)},
      {"arena_change_bytes",
       change(a.profile.plan["arena_bytes"].get<uint64_t>(), b.profile.plan["arena_bytes"].get<uint64_t>())},
      {"file_change_bytes", change(a.file->model.file_bytes(), b.file->model.file_bytes())},
      {"operators", SideBySide(layers_a, layers_b)}};
}

}  // namespace qrun::bench
