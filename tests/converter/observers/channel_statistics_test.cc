#include "converter/observers/channel_statistics.h"

#include <gtest/gtest.h>

namespace qrun::converter {
namespace {

TEST(ChannelStatistics, KeepsExtremesAndMomentsOfEveryChannel) {
  ChannelStatistics statistics(2);
  EXPECT_FALSE(statistics.seen());
  statistics.Observe(std::vector<float>{1, -2, 3, -4});
  ChannelStatistics later(2);
  later.Observe(std::vector<float>{5, 0});
  statistics.Merge(later);
  EXPECT_EQ(statistics.Min(0), 1);
  EXPECT_EQ(statistics.Max(0), 5);
  EXPECT_EQ(statistics.Reach(1), 4);
  EXPECT_DOUBLE_EQ(statistics.Mean(0), 3);
  EXPECT_DOUBLE_EQ(statistics.Mean(1), -2);
  EXPECT_DOUBLE_EQ(statistics.MeanSquare(1), 20.0 / 3);
}

TEST(ChannelStatistics, MergesWithNothing) {
  ChannelStatistics nothing(1), something(1);
  something.Observe(std::vector<float>{7});
  something.Merge(nothing);
  EXPECT_EQ(something.Min(0), 7);
  nothing.Merge(something);
  EXPECT_EQ(nothing.Min(0), 7);
}

}  // namespace
}  // namespace qrun::converter
