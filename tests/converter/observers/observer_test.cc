#include "converter/observers/observer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "converter/observers/quantization_error.h"

namespace qrun::converter {
namespace {

// Normally distributed, nearly; the same everywhere.
std::vector<float> Gauss(size_t count, float sigma) {
  std::mt19937 random(3);
  std::vector<float> values(count);
  for (float& value : values) {
    float sum = -6;
    for (int k = 0; k < 12; ++k) sum += static_cast<float>(random()) * 0x1p-32f;
    value = sum * sigma;
  }
  return values;
}

TensorObserver Seen(const std::vector<std::vector<float>>& samples) {
  TensorObserver observer;
  for (const auto& sample : samples) observer.Observe(sample);
  return observer;
}

// Squared error of int8 over `range`, value by value.
double MeasuredError(const std::vector<float>& values, Range range) {
  const double step = (static_cast<double>(range.max) - range.min) / 255;
  const double zero = std::nearbyint(range.min / step);
  double sum = 0;
  for (float x : values) {
    const double q = std::clamp(std::nearbyint(x / step), zero, zero + 255);
    sum += (x - q * step) * (x - q * step);
  }
  return sum;
}

TEST(TensorObserver, HasSeenNothingAtFirst) {
  for (const ObserverKind& kind : ObserverKinds()) EXPECT_FALSE(kind.choose({}).seen()) << kind.name;
}

TEST(TensorObserver, SetsNonFiniteValuesAside) {
  for (float bad : {INFINITY, -INFINITY, NAN}) {
    const TensorObserver seen = Seen({{1.0f, bad, 2.0f}});
    for (const ObserverKind& kind : ObserverKinds())
      EXPECT_TRUE(kind.choose(seen).has_nonfinite) << kind.name;
    EXPECT_EQ(seen.MinMax(), (Range{1.0f, 2.0f, true}));
  }
}

TEST(TensorObserver, MergeEqualsOneStream) {
  TensorObserver a = Seen({{1.0f, 4.0f}, {-1.0f}}), b = Seen({{-2.0f, 7.0f}, {3.0f, 0.5f}});
  const TensorObserver both = Seen({{1.0f, 4.0f}, {-1.0f}, {-2.0f, 7.0f}, {3.0f, 0.5f}});
  a.Merge(b);
  EXPECT_EQ(a.MinMax(), both.MinMax());
  EXPECT_EQ(a.MovingAverage(), both.MovingAverage());
}

TEST(TensorObserver, MovingAverageForgets) {
  // Weights 0.81, 0.9, 1 of minima -1, -2, -3 and maxima 1, 1, 4.
  const Range range = Seen({{-1.0f, 1.0f}, {-2.0f, 1.0f}, {-3.0f, 4.0f}}).MovingAverage();
  EXPECT_FLOAT_EQ(range.min, static_cast<float>(-(0.81 + 1.8 + 3) / 2.71));
  EXPECT_FLOAT_EQ(range.max, static_cast<float>((0.81 + 0.9 + 4) / 2.71));
}

TEST(ObserverKinds, AreFoundByName) {
  for (const ObserverKind& kind : ObserverKinds()) EXPECT_EQ(*FindObserverKind(kind.name), &kind);
  const auto unknown = FindObserverKind("median");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message().find("minmax, moving-average"), std::string::npos);
}

TEST(ObserverKinds, StayWithinWhatWasSeenAndKeepPlainRangesWhole) {
  std::vector<float> ramp;
  for (int i = -300; i <= 700; ++i) ramp.push_back(static_cast<float>(i) * 0.01f);
  const TensorObserver seen = Seen({ramp});
  for (const ObserverKind& kind : ObserverKinds()) {
    const Range range = kind.choose(seen);
    EXPECT_GE(range.min, -3.0f) << kind.name;
    EXPECT_LE(range.max, 7.0f) << kind.name;
    // Nothing in a uniform distribution can be clipped without harm.
    EXPECT_LT(range.min, -2.9f) << kind.name;
    EXPECT_GT(range.max, 6.7f) << kind.name;
  }
}

TEST(ObserverKinds, CutAnOutlierUnlessTheyMustNot) {
  std::vector<float> values = Gauss(200'000, 1.0f);
  values.push_back(300.0f);
  const TensorObserver seen = Seen({values});
  for (const char* name : {"percentile", "entropy", "mse", "sqnr", "aciq"}) {
    const Range range = (*FindObserverKind(name))->choose(seen);
    EXPECT_LT(range.max, 290.0f) << name;
    EXPECT_LT(range.min, -2.5f) << name;
  }
  EXPECT_EQ(MinMaxRange(seen).max, 300.0f);
}

TEST(MseRange, HasLeastErrorAmongAll) {
  std::vector<float> values = Gauss(100'000, 1.0f);
  for (int i = 0; i < 20; ++i) values.push_back(15.0f);
  const TensorObserver seen = Seen({values});
  const double least = MeasuredError(values, MseRange(seen));
  for (const ObserverKind& kind : ObserverKinds()) {
    EXPECT_LE(least, 1.02 * MeasuredError(values, kind.choose(seen))) << kind.name;
  }
  // More weight on clipping never makes the range narrower.
  EXPECT_LE(MseRange(seen).max, SqnrRange(seen).max);
}

TEST(Distribution, LeavesZerosOut) {
  const Distribution values = Seen({{-1.0f, 0.0f, 0.0f, 0.25f, 3.0f}, {0.0f}}).Values();
  EXPECT_EQ(values.count(), 6u);
  EXPECT_EQ(values.zeros(), 3u);
  // [-1, 3] takes 4097 bins of 2^-10, so they are 2^-9 wide.
  EXPECT_EQ(values.bin_width(), 0x1p-9);
  const auto counts = values.counts();
  ASSERT_EQ(counts.size(), 4u * 512 + 1);
  EXPECT_EQ(counts[0], 1u);
  EXPECT_EQ(counts[512], 0u);
  EXPECT_EQ(counts[512 + 128], 1u);
  EXPECT_EQ(counts.back(), 1u);
  EXPECT_EQ(values.Centre(512), 0x1p-10);
  EXPECT_TRUE(Seen({{0.0f, 0.0f}}).Values().counts().empty());
}

TEST(QuantizationError, PredictsWhatIsMeasured) {
  const std::vector<float> values = Gauss(100'000, 1.0f);
  const Distribution distribution = Seen({values}).Values();
  const QuantizationError error(distribution);
  for (float hi : {1.0f, 2.0f, 3.5f}) {
    const auto parts = error.Of(-3.0, hi);
    const double measured = MeasuredError(values, {-3.0f, hi});
    EXPECT_NEAR((parts.rounding + parts.clipping) / measured, 1, 0.03) << hi;
  }
}

TEST(PercentileRange, CutsTheTails) {
  std::vector<float> values;
  for (int i = 1; i <= 100'000; ++i) values.push_back(static_cast<float>(i) * 1e-5f);
  const Range range = PercentileRange(Seen({values}));  // 10 values on either side
  EXPECT_NEAR(range.min, 1e-4, 3e-4);
  EXPECT_NEAR(range.max, 1 - 1e-4, 3e-4);
}

TEST(AciqRange, KnowsGaussAndLaplace) {
  EXPECT_NEAR(AciqRange(Seen({Gauss(200'000, 0.5f), {-50.0f, 50.0f}})).max, 3.92 * 0.5, 0.3);
  std::vector<float> laplace;
  for (int i = 1; i < 50'000; ++i) {
    const float x = -std::log(static_cast<float>(i) / 50'000);
    laplace.push_back(x);
    laplace.push_back(-x);
  }
  laplace.push_back(40.0f);
  EXPECT_NEAR(AciqRange(Seen({laplace})).max, 9.89, 0.2);
}

}  // namespace
}  // namespace qrun::converter
