// Statistics of timings: quantiles, the interval of a ratio of medians, warm-up, and what may be concluded.
#ifndef QRUN_BENCH_LIB_STATISTICS_H_
#define QRUN_BENCH_LIB_STATISTICS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace qrun::bench {

// Quantile p (0..1) with linear interpolation between order statistics: element (n - 1) * p of the sorted
// values (type 7 of Hyndman and Fan, 1996; NumPy's default). Precondition: values is not empty.
double Quantile(std::span<const double> values, double p);
double Median(std::span<const double> values);

// Samples by round: rounds[r] holds the samples that one contender gave in round r.
using Rounds = std::vector<std::vector<double>>;

struct TimingSummary {
  double median = 0, min = 0, p90 = 0, p99 = 0;
};
// Over the samples of all rounds together. Precondition: there is at least one.
TimingSummary Summarize(const Rounds& rounds);

struct Interval {
  double low = 0, high = 0;
  bool Contains(double value) const { return low <= value && value <= high; }
};

// median(a) / median(b) over all samples. Precondition: medians are positive.
double RatioOfMedians(const Rounds& a, const Rounds& b);

// 95 % percentile bootstrap interval of RatioOfMedians. Whole rounds are drawn with replacement, the same
// ones from a and b: samples of one round share the state of the machine and are not independent, and the two
// contenders of one round met the same disturbances. The same seed gives the same interval. Precondition: a
// and b have equally many rounds, none empty.
Interval RatioInterval95(const Rounds& a, const Rounds& b, uint64_t seed);

struct WarmUp {
  size_t length = 0;    // samples to leave out
  bool settled = true;  // false: the times still fell when half of the samples were over
};
// Where a series of times in the order in which they were taken becomes steady: the first sample that, like
// the median of it and the next two, lies within 2 % or three (normalised) median absolute deviations of the
// median of the second half. Searched in the first half only.
WarmUp DetectWarmUp(std::span<const double> samples);

enum class Verdict { kFaster, kSlower, kSame, kTooNoisy };

// What an interval of the speedup allows to say: faster or slower if it leaves out 1 and its middle is a
// factor of kRelevant away from 1 or more (1.0001 to 1.0025 is a difference, but none that matters); else the
// same if it is narrow (half width up to kSameWithin); else the machine was too noisy to tell. On a busy
// machine always the last.
inline constexpr double kSameWithin = 0.03, kRelevant = 1.01;
Verdict Conclude(const Interval& speedup, bool machine_was_busy);
std::string_view VerdictName(Verdict verdict);  // "faster", "slower", "same", "too_noisy"

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_STATISTICS_H_
