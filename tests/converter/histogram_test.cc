#include "converter/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace qrun::converter {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

void ExpectEqual(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.counts(), b.counts());
  EXPECT_EQ(a.total(), b.total());
  EXPECT_EQ(a.width(), b.width());
  EXPECT_EQ(a.Edge(0), b.Edge(0));
  EXPECT_EQ(a.min(), b.min());
  EXPECT_EQ(a.max(), b.max());
}

// Every bin counted again, value by value, from the edges alone.
void ExpectCounts(const Histogram& histogram, const std::vector<float>& values) {
  for (size_t i = 0; i < histogram.counts().size(); ++i) {
    const auto inside = [&](float v) { return v >= histogram.Edge(i) && v < histogram.Edge(i + 1); };
    EXPECT_EQ(histogram.counts()[i],
              static_cast<uint64_t>(std::count_if(values.begin(), values.end(), inside)))
        << "bin " << i;
  }
  EXPECT_EQ(histogram.total(), values.size());
  EXPECT_GT(histogram.counts().front(), 0u);
  EXPECT_GT(histogram.counts().back(), 0u);
}

TEST(Histogram, CountsInBinsOfAPowerOfTwo) {
  Histogram histogram(4);
  histogram.Add(std::vector<float>{-1.0f, 0.0f, 0.25f, 2.5f});
  EXPECT_EQ(histogram.width(), 1.0);
  EXPECT_EQ(histogram.Edge(0), -1.0);
  EXPECT_EQ(histogram.counts(), (std::vector<uint64_t>{1, 2, 0, 1}));
  EXPECT_EQ(histogram.min(), -1.0f);
  EXPECT_EQ(histogram.max(), 2.5f);
  // 3 still fits, 3.999 too; 4 joins pairs: [-2,0) [0,2) [2,4) [4,6).
  histogram.Add(std::vector<float>{3.0f - 0x1p-20f});
  EXPECT_EQ(histogram.width(), 1.0);
  histogram.Add(std::vector<float>{4.0f});
  EXPECT_EQ(histogram.width(), 2.0);
  EXPECT_EQ(histogram.Edge(0), -2.0);
  EXPECT_EQ(histogram.counts(), (std::vector<uint64_t>{1, 2, 2, 1}));
}

TEST(Histogram, DependsOnTheValuesAlone) {
  std::mt19937 random(4);
  for (int trial = 0; trial < 200; ++trial) {
    std::normal_distribution<float> spread(std::ldexp(1.0f, trial % 9 - 4),
                                           std::ldexp(1.0f, trial % 23 - 11));
    std::vector<float> values(1 + trial);
    for (float& value : values) value = spread(random);
    const int bins = 2 + trial % 61;
    Histogram whole(bins), single(bins), parts[3] = {Histogram(bins), Histogram(bins), Histogram(bins)};
    whole.Add(values);
    ExpectCounts(whole, values);
    EXPECT_LE(whole.counts().size(), static_cast<size_t>(bins));
    // Finer bins would be too many.
    const double finer = whole.width() / 2;
    EXPECT_TRUE(std::floor(whole.max() / finer) - std::floor(whole.min() / finer) >= bins || trial == 0);

    std::shuffle(values.begin(), values.end(), random);
    for (size_t i = 0; i < values.size(); ++i) {
      single.Add({&values[i], 1});
      parts[i % 3].Add({&values[i], 1});
    }
    ExpectEqual(whole, single);
    Histogram merged(bins);
    for (int i : {2, 0, 1}) merged.Merge(parts[i]);
    ExpectEqual(whole, merged);
  }
}

TEST(Histogram, OneValueAndNone) {
  Histogram histogram(8);
  histogram.Add({});
  histogram.Add(std::vector<float>{kInfinity, -kInfinity, NAN});
  EXPECT_EQ(histogram.total(), 0u);
  EXPECT_TRUE(histogram.counts().empty());
  Histogram other(8);
  other.Merge(histogram);
  EXPECT_EQ(other.total(), 0u);
  histogram.Add(std::vector<float>{0.0f, NAN, 0.0f});
  EXPECT_EQ(histogram.counts(), (std::vector<uint64_t>{2}));
}

// Bins become 2^65 times as wide, at once and by a merge: more than a shift of 64 bits can say.
TEST(Histogram, WidensByMoreThanAWord) {
  const std::vector<float> small = {0x1p-38f, 0x1p-37f}, large = {0x1p28f};
  Histogram histogram(16), other(16);
  histogram.Add(small);
  EXPECT_EQ(histogram.width(), 0x1p-40);
  histogram.Add(large);
  EXPECT_EQ(histogram.width(), 0x1p25);
  ExpectCounts(histogram, {small[0], small[1], large[0]});
  other.Add(large);
  Histogram first(16);
  first.Add(small);
  other.Merge(first);
  ExpectEqual(histogram, other);
}

TEST(Histogram, ExtremeValues) {
  const std::vector<float> values = {std::numeric_limits<float>::max(),
                                     -std::numeric_limits<float>::max(),
                                     0.0f,
                                     std::numeric_limits<float>::denorm_min(),
                                     1.0f,
                                     -1.0f};
  Histogram histogram(64), reversed(64);
  histogram.Add(values);
  for (size_t i = values.size(); i-- > 0;) reversed.Add({&values[i], 1});
  ExpectCounts(histogram, values);
  ExpectEqual(histogram, reversed);
}

}  // namespace
}  // namespace qrun::converter
