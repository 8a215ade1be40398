#include "bench/lib/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace qrun::bench {
namespace {

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  const std::vector<double> values = {40, 10, 30, 20};
  EXPECT_EQ(Median(values), 25);
  EXPECT_EQ(Quantile(values, 0), 10);
  EXPECT_EQ(Quantile(values, 1), 40);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.9), 37);     // position 2.7: 30 + 0.7 * 10
  EXPECT_DOUBLE_EQ(Quantile(values, 0.25), 17.5);  // position 0.75
  EXPECT_EQ(Median(std::vector<double>{7}), 7);
  EXPECT_EQ(Median(std::vector<double>{3, 1, 2}), 2);
}

TEST(Summarize, PoolsTheRounds) {
  const TimingSummary summary = Summarize({{5, 1}, {4}, {2, 3}});
  EXPECT_EQ(summary.median, 3);
  EXPECT_EQ(summary.min, 1);
  EXPECT_DOUBLE_EQ(summary.p90, 4.6);   // position 3.6 of 1 2 3 4 5
  EXPECT_DOUBLE_EQ(summary.p99, 4.96);  // position 3.96
}

TEST(RatioInterval, OfConstantTimesIsTheRatio) {
  const Rounds a = {{6, 6}, {6}, {6}}, b = {{2}, {2, 2}, {2}};
  EXPECT_EQ(RatioOfMedians(a, b), 3);
  const Interval interval = RatioInterval95(a, b, 1);
  EXPECT_EQ(interval.low, 3);
  EXPECT_EQ(interval.high, 3);
}

// Two rounds can be drawn in four ways: (1,1) and (2,2) with probability 1/4 each, and a mixture otherwise.
// With one sample a round the ratios are 10/1, 20/4 and the mixture's 15/2.5 = 6; 95 % of the draws need all
// three.
TEST(RatioInterval, DrawsTheSameRoundsOfBoth) {
  const Interval interval = RatioInterval95({{10}, {20}}, {{1}, {4}}, 1);
  EXPECT_EQ(interval.low, 5);
  EXPECT_EQ(interval.high, 10);
}

// A disturbance that slows both contenders of a round by the same factor does not widen the interval: rounds
// are drawn together. Drawn apart, the ratio would scatter between 1/3 and 3.
TEST(RatioInterval, CommonDisturbancesCancel) {
  std::mt19937 random(1);
  Rounds a, b;
  for (int round = 0; round < 40; ++round) {
    const double factor = round % 2 == 0 ? 1 : 3;
    a.push_back({factor * (2 + 0.001 * static_cast<double>(random() % 10))});
    b.push_back({factor * (1 + 0.001 * static_cast<double>(random() % 10))});
  }
  const Interval interval = RatioInterval95(a, b, 1);
  EXPECT_GT(interval.low, 1.9);
  EXPECT_LT(interval.high, 2.1);
}

TEST(RatioInterval, TheSeedDecides) {
  Rounds a, b;
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    a.push_back({1 + 1e-3 * static_cast<double>(random() % 1000)});
    b.push_back({1 + 1e-3 * static_cast<double>(random() % 1000)});
  }
  EXPECT_EQ(RatioInterval95(a, b, 5).low, RatioInterval95(a, b, 5).low);
  EXPECT_NE(RatioInterval95(a, b, 5).low, RatioInterval95(a, b, 6).low);
}

// Rounds with a disturbance that both contenders share, luck that they do not share, and long tails; b is
// `speedup` times as fast as a.
void Simulate(std::mt19937_64& random, double speedup, Rounds& a, Rounds& b) {
  std::lognormal_distribution<double> sample(0, 0.05), disturbance(0, 0.1);
  a.assign(30, {});
  b.assign(30, {});
  for (size_t round = 0; round < 30; ++round) {
    const double common = disturbance(random), luck_a = sample(random), luck_b = sample(random);
    for (int i = 0; i < 5; ++i) {
      a[round].push_back(common * luck_a * sample(random));
      b[round].push_back(common * luck_b * sample(random) / speedup);
    }
  }
}

TEST(RatioInterval, ContainsTheTruthAndNotTooMuchElse) {
  std::mt19937_64 random(11);
  constexpr int kTrials = 100;
  int truth = 0, equality = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    Rounds a, b;
    Simulate(random, 1.2, a, b);
    const Interval interval = RatioInterval95(a, b, 1);
    truth += interval.Contains(1.2);
    equality += interval.Contains(1);
  }
  EXPECT_GE(truth, kTrials * 93 / 100);
  EXPECT_LE(equality, kTrials * 5 / 100);
}

TEST(WarmUp, EndsWhereTimesSettle) {
  const std::vector<double> falling = {10, 5, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(DetectWarmUp(falling).length, 3u);
  EXPECT_TRUE(DetectWarmUp(falling).settled);
  EXPECT_EQ(DetectWarmUp(std::vector<double>(10, 2.5)).length, 0u);
  // One slow run in a steady series is no warm-up.
  EXPECT_EQ(DetectWarmUp(std::vector<double>{1, 1, 1, 9, 1, 1, 1, 1, 1, 1}).length, 0u);
  // Noise of 10 % does not prolong it.
  EXPECT_EQ(DetectWarmUp(std::vector<double>{3, 1.1, 0.9, 1.1, 0.9, 1.1, 0.9, 1.1, 0.9, 1.1}).length, 1u);
}

TEST(WarmUp, MayNotEnd) {
  std::vector<double> falling;
  for (int i = 0; i < 20; ++i) falling.push_back(std::pow(0.8, i));
  EXPECT_FALSE(DetectWarmUp(falling).settled);
  EXPECT_EQ(DetectWarmUp(falling).length, 10u);
}

TEST(Conclude, NeedsANarrowInterval) {
  EXPECT_EQ(Conclude({1.01, 1.5}, false), Verdict::kFaster);
  EXPECT_EQ(Conclude({0.7, 0.99}, false), Verdict::kSlower);
  EXPECT_EQ(Conclude({1.0001, 1.0025}, false), Verdict::kSame);  // certain, and of no consequence
  EXPECT_EQ(Conclude({0.9975, 0.9999}, false), Verdict::kSame);
  EXPECT_EQ(Conclude({1.005, 1.0149}, false), Verdict::kSame);
  EXPECT_EQ(Conclude({1.005, 1.016}, false), Verdict::kFaster);
  EXPECT_EQ(Conclude({1 / 1.016, 1 / 1.005}, false), Verdict::kSlower);
  EXPECT_EQ(Conclude({0.98, 1.03}, false), Verdict::kSame);
  EXPECT_EQ(Conclude({0.9, 1.3}, false), Verdict::kTooNoisy);
  EXPECT_EQ(Conclude({1.4, 1.5}, true), Verdict::kTooNoisy);
  EXPECT_EQ(VerdictName(Verdict::kTooNoisy), "too_noisy");
}

}  // namespace
}  // namespace qrun::bench
