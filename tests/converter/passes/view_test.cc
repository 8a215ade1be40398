#include "converter/passes/view.h"

#include <gtest/gtest.h>

namespace qrun::converter {
namespace {

const std::vector<int> kNhwc = {0, 2, 3, 1};

TEST(ViewTest, AnImageStoredAsNhwc) {
  const View view = PlainView(7, {1, 8, 3, 5}, kNhwc);
  EXPECT_EQ(view.extent, (std::vector<int64_t>{3, 5, 8}));
  EXPECT_TRUE(IsStoredAs(view, kNhwc));
  EXPECT_FALSE(IsStoredAs(view, {0, 1, 2, 3}));
  EXPECT_EQ(StoredOrder(view), kNhwc);
}

TEST(ViewTest, OnePixelStandsInEveryOrder) {
  const View view = PlainView(7, {1, 8, 1, 1}, kNhwc);
  EXPECT_TRUE(IsStoredAs(view, kNhwc));
  EXPECT_TRUE(IsStoredAs(view, {0, 1, 2, 3}));
}

TEST(ViewTest, FlatteningTearsFeaturesApart) {
  const auto view = Reshaped(PlainView(7, {1, 8, 3, 5}, kNhwc), {1, 120});
  ASSERT_TRUE(view);
  EXPECT_EQ(view->dims[1], (std::vector<int>{2, 0, 1}));
  EXPECT_FALSE(StoredOrder(*view));
  // And back.
  const auto image = Reshaped(*view, {1, 8, 3, 5});
  ASSERT_TRUE(image);
  EXPECT_TRUE(IsStoredAs(*image, kNhwc));
}

TEST(ViewTest, SplitAxesAreNumberedAsTheyAreStored) {
  const auto split = Reshaped(PlainView(7, {1, 8, 3, 5}, kNhwc), {1, 2, 4, 3, 5});
  ASSERT_TRUE(split);
  EXPECT_EQ(split->extent, (std::vector<int64_t>{3, 5, 2, 4}));
  EXPECT_EQ(StoredOrder(*split), (std::vector<int>{0, 3, 4, 1, 2}));
  const View shuffled = Transposed(*split, {0, 2, 1, 3, 4});
  EXPECT_EQ(StoredOrder(shuffled), (std::vector<int>{0, 3, 4, 2, 1}));
  const auto merged = Reshaped(shuffled, {1, 8, 3, 5});
  ASSERT_TRUE(merged);
  EXPECT_FALSE(StoredOrder(*merged));
  EXPECT_EQ(merged->dims[1], (std::vector<int>{3, 2}));
}

TEST(ViewTest, ExtentsWithoutCommonFactors) {
  EXPECT_FALSE(Reshaped(PlainView(7, {1, 4, 9}, {0, 1, 2}), {1, 6, 6}));
  EXPECT_TRUE(Reshaped(PlainView(7, {1, 4, 9}, {0, 1, 2}), {1, 2, 18}));
}

}  // namespace
}  // namespace qrun::converter
