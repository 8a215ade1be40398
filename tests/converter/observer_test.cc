#include "converter/observer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace qrun::converter {
namespace {

TEST(MinMaxObserver, HasSeenNothingAtFirst) { EXPECT_FALSE(MinMaxObserver().Result().seen()); }

TEST(MinMaxObserver, KeepsExtremesOfAllSamples) {
  MinMaxObserver observer;
  observer.Observe(std::vector<float>{0.5f, 2.0f});
  observer.Observe(std::vector<float>{1.0f, -3.0f, 1.5f});
  EXPECT_EQ(observer.Result(), (Range{-3.0f, 2.0f, false}));
}

TEST(MinMaxObserver, MergeEqualsOneStream) {
  MinMaxObserver a, b, both;
  a.Observe(std::vector<float>{1.0f, 4.0f});
  b.Observe(std::vector<float>{-2.0f});
  both.Observe(std::vector<float>{1.0f, 4.0f, -2.0f});
  a.Merge(b);
  EXPECT_EQ(a.Result(), both.Result());
}

TEST(MinMaxObserver, SetsNonFiniteValuesAside) {
  for (float bad : {INFINITY, -INFINITY, NAN}) {
    MinMaxObserver observer;
    observer.Observe(std::vector<float>{1.0f, bad, 2.0f});
    EXPECT_EQ(observer.Result(), (Range{1.0f, 2.0f, true}));
  }
}

TEST(ObserverKinds, AreFoundByName) {
  const auto minmax = FindObserverKind("minmax");
  ASSERT_TRUE(minmax.ok());
  EXPECT_NE((*minmax)->create(), nullptr);
  const auto unknown = FindObserverKind("median");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message().find("minmax"), std::string::npos);
}

}  // namespace
}  // namespace qrun::converter
