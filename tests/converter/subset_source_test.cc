#include "converter/subset_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace qrun::converter {
namespace {

TEST(SplitSamples, SharesFewAndSplitsMany) {
  for (size_t count : {0u, 1u, 15u}) {
    const SampleSplit split = SplitSamples(count);
    EXPECT_EQ(split.learn.size(), count);
    EXPECT_EQ(split.check, split.learn);
  }
  for (size_t count : {16u, 17u, 100u, 255u, 256u, 500u, 5000u}) {
    const SampleSplit split = SplitSamples(count);
    EXPECT_EQ(split.check.size(), std::min<size_t>(count / 8, 32)) << count;
    std::set<size_t> all(split.learn.begin(), split.learn.end());
    all.insert(split.check.begin(), split.check.end());
    EXPECT_EQ(all.size(), count);
    EXPECT_EQ(split.learn.size() + split.check.size(), count);
    EXPECT_LT(split.check.front(), count / split.check.size());
    EXPECT_GE(split.check.back(), count - count / split.check.size());
  }
}

}  // namespace
}  // namespace qrun::converter
