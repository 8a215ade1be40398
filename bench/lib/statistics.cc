#include "bench/lib/statistics.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace qrun::bench {
namespace {

constexpr int kResamples = 2000;

// Quantile that may reorder its argument.
double QuantileOf(std::vector<double>& values, double p) {
  const double at = p * static_cast<double>(values.size() - 1);
  const size_t below = static_cast<size_t>(at);
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(below), values.end());
  const double low = values[below];
  const double share = at - static_cast<double>(below);
  if (share == 0) return low;
  const double high = *std::min_element(values.begin() + static_cast<ptrdiff_t>(below) + 1, values.end());
  return low + share * (high - low);
}

std::vector<double> Pool(const Rounds& rounds) {
  std::vector<double> all;
  for (const auto& round : rounds) all.insert(all.end(), round.begin(), round.end());
  return all;
}

}  // namespace

double Quantile(std::span<const double> values, double p) {
  std::vector<double> copy(values.begin(), values.end());
  return QuantileOf(copy, p);
}

double Median(std::span<const double> values) { return Quantile(values, 0.5); }

TimingSummary Summarize(const Rounds& rounds) {
  std::vector<double> all = Pool(rounds);
  TimingSummary summary;
  summary.median = QuantileOf(all, 0.5);
  summary.p90 = QuantileOf(all, 0.9);
  summary.p99 = QuantileOf(all, 0.99);
  summary.min = *std::min_element(all.begin(), all.end());
  return summary;
}

double RatioOfMedians(const Rounds& a, const Rounds& b) { return Median(Pool(a)) / Median(Pool(b)); }

Interval RatioInterval95(const Rounds& a, const Rounds& b, uint64_t seed) {
  std::mt19937_64 random(seed);
  const size_t rounds = a.size();
  std::vector<double> ratios, pool_a, pool_b;
  ratios.reserve(kResamples);
  for (int i = 0; i < kResamples; ++i) {
    pool_a.clear();
    pool_b.clear();
    for (size_t draw = 0; draw < rounds; ++draw) {
      // Not std::uniform_int_distribution: its sequence differs between standard libraries.
      const size_t r = static_cast<size_t>(random() % rounds);
      pool_a.insert(pool_a.end(), a[r].begin(), a[r].end());
      pool_b.insert(pool_b.end(), b[r].begin(), b[r].end());
    }
    ratios.push_back(QuantileOf(pool_a, 0.5) / QuantileOf(pool_b, 0.5));
  }
  return {QuantileOf(ratios, 0.025), QuantileOf(ratios, 0.975)};
}

WarmUp DetectWarmUp(std::span<const double> samples) {
  const size_t half = samples.size() / 2;
  if (half == 0) return {};
  const std::span<const double> tail = samples.subspan(half);
  const double level = Median(tail);
  std::vector<double> deviations;
  for (double sample : tail) deviations.push_back(std::abs(sample - level));
  // 1.4826 * MAD estimates the standard deviation of normal noise.
  const double limit = level + std::max(0.02 * level, 3 * 1.4826 * Median(deviations));
  for (size_t i = 0; i < half; ++i) {
    const size_t count = std::min<size_t>(3, samples.size() - i);
    if (samples[i] <= limit && Median(samples.subspan(i, count)) <= limit) return {i, true};
  }
  return {half, false};
}

Verdict Conclude(const Interval& speedup, bool machine_was_busy) {
  if (machine_was_busy) return Verdict::kTooNoisy;
  const double middle = (speedup.low + speedup.high) / 2;
  if (speedup.low > 1 && middle >= kRelevant) return Verdict::kFaster;
  if (speedup.high < 1 && middle <= 1 / kRelevant) return Verdict::kSlower;
  return (speedup.high - speedup.low) / 2 <= kSameWithin ? Verdict::kSame : Verdict::kTooNoisy;
}

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFaster:
      return "faster";
    case Verdict::kSlower:
      return "slower";
    case Verdict::kSame:
      return "same";
    case Verdict::kTooNoisy:
      return "too_noisy";
  }
  return "?";
}

}  // namespace qrun::bench
