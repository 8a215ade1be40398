#include "bench/lib/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace qrun::bench {
namespace {

using cli::ScoreKind;

TEST(JudgeClasses, RankAndLossOfLogits) {
  const std::vector<float> scores = {1, 3, 0, 2};
  const ClassResult right = JudgeClasses(scores, ScoreKind::kLogits, 1);
  EXPECT_EQ(right.predicted, 1);
  EXPECT_EQ(right.rank, 0);
  // log(e^1 + e^3 + e^0 + e^2) - 3
  EXPECT_NEAR(right.loss, 0.44018969856119544, 1e-12);
  const ClassResult last = JudgeClasses(scores, ScoreKind::kLogits, 2);
  EXPECT_EQ(last.rank, 3);
  EXPECT_NEAR(last.loss, 3.44018969856119544, 1e-12);
}

TEST(JudgeClasses, EqualScoresKeepTheOrderOfTheClasses) {
  const std::vector<float> scores = {2, 5, 5, 5};
  EXPECT_EQ(JudgeClasses(scores, ScoreKind::kLogits, 1).predicted, 1);
  EXPECT_EQ(JudgeClasses(scores, ScoreKind::kLogits, 1).rank, 0);
  EXPECT_EQ(JudgeClasses(scores, ScoreKind::kLogits, 3).rank, 2);
}

TEST(JudgeClasses, Probabilities) {
  const std::vector<float> scores = {0.25f, 0.75f, 0};
  EXPECT_NEAR(JudgeClasses(scores, ScoreKind::kProbabilities, 0).loss, std::log(4), 1e-12);
  EXPECT_NEAR(JudgeClasses(scores, ScoreKind::kProbabilities, 2).loss, -std::log(kMinProbability), 1e-12);
}

TEST(JudgeClasses, WithoutLabel) {
  const ClassResult result = JudgeClasses(std::vector<float>{1, 2}, ScoreKind::kLogits, -1);
  EXPECT_EQ(result.predicted, 1);
  EXPECT_EQ(result.rank, -1);
}

TEST(Auc, CountsPairs) {
  // Pairs (positive, negative): 0.8 beats 0.1 and 0.4; 0.4 beats 0.1 and ties with 0.4.
  EXPECT_DOUBLE_EQ(Auc(std::vector<double>{0.8, 0.4, 0.4, 0.1}, std::vector<int>{1, 1, 0, 0}), 3.5 / 4);
  EXPECT_EQ(Auc(std::vector<double>{1, 2, 3, 4}, std::vector<int>{0, 0, 1, 1}), 1);
  EXPECT_EQ(Auc(std::vector<double>{1, 2, 3, 4}, std::vector<int>{1, 1, 0, 0}), 0);
  EXPECT_EQ(Auc(std::vector<double>{2, 2, 2}, std::vector<int>{1, 0, 1}), 0.5);
  EXPECT_TRUE(std::isnan(Auc(std::vector<double>{1, 2}, std::vector<int>{1, 1})));
}

TEST(Sqnr, SumsSquares) {
  Sqnr sqnr;
  sqnr.Add(std::vector<float>{3, 4}, std::vector<float>{3, 4});
  EXPECT_TRUE(std::isinf(sqnr.Decibels()));
  sqnr.Add(std::vector<float>{0}, std::vector<float>{0.5f});
  EXPECT_NEAR(sqnr.Decibels(), 20, 1e-12);  // 25 / 0.25 = 100
}

TEST(MeanSquaredError, ByHand) {
  EXPECT_EQ(MeanSquaredError(std::vector<float>{1, 2, 3}, std::vector<float>{1, 0, 0}), 13.0 / 3);
}

}  // namespace
}  // namespace qrun::bench
