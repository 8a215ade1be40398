#include "converter/precision/search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace qrun::converter {
namespace {

// A model whose layers add up their noise: layer i, in int8, adds noise[i] to a signal of power 1.
struct NoisyModel {
  std::vector<double> noise;
  std::vector<std::vector<size_t>> judged = {};

  Judgement Judge(std::span<const size_t> kept) {
    judged.emplace_back(kept.begin(), kept.end());
    double power = 0;
    for (double n : noise) power += n;
    for (size_t i : kept) power -= noise[i];
    Judgement judgement;
    judgement.deviation.Add({{1}}, {{1 + static_cast<float>(std::sqrt(std::max(power, 0.0)))}});
    return judgement;
  }
  std::vector<Candidate> Candidates() const {
    std::vector<Candidate> candidates;
    for (double n : noise) candidates.push_back({n, 1});
    return candidates;
  }
};

PrecisionGoal Goal(double db) {
  PrecisionGoal goal;
  goal.min_sqnr_db = db;
  return goal;
}

Result<SearchResult> Find(NoisyModel& model, const std::vector<Candidate>& candidates, double db,
                          std::optional<std::chrono::steady_clock::time_point> deadline = {}) {
  return SearchKeptLayers(
      candidates, Goal(db), model.Judge({}),
      [&](std::span<const size_t> kept) -> Result<Judgement> { return model.Judge(kept); }, deadline, {});
}

TEST(SearchKeptLayersTest, FindsTheOneLayerThatMatters) {
  NoisyModel model = {{1e-4, 1e-4, 0.5, 1e-4, 1e-4, 1e-4}};
  const auto result = Find(model, model.Candidates(), 20);
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(result->kept, std::vector<size_t>{2});
  EXPECT_LT(result->before.SqnrDb(), 20);
  EXPECT_GE(result->after.SqnrDb(), 20);
  EXPECT_FALSE(result->out_of_time);
}

TEST(SearchKeptLayersTest, GivesBackWhatAMisleadingRankingTook) {
  NoisyModel model = {{0.003, 0.003, 0.5, 0.003, 0.001, 0.2}};
  std::vector<Candidate> candidates = model.Candidates();
  for (size_t i : {0, 1, 3}) candidates[i].cost = 1e-4;  // cheap, so ranked first
  const auto result = Find(model, candidates, 19);       // noise up to 0.0126
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->kept, (std::vector<size_t>{2, 5}));
}

TEST(SearchKeptLayersTest, KeepsAsManyAsItTakes) {
  NoisyModel model = {std::vector<double>(40, 0.01)};
  const auto result = Find(model, model.Candidates(), 9.9);  // noise up to 0.102
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->kept.size(), 30u);
  EXPECT_LE(result->conversions, 2 * 6 + 2 + 40);
}

// The heads of the ranking that are judged, up to all candidates; none of them is enough.
std::vector<std::vector<size_t>> HeadsOf(const std::vector<Candidate>& candidates) {
  NoisyModel model = {std::vector<double>(candidates.size() + 1, 1)};
  EXPECT_FALSE(Find(model, candidates, 1000).ok());
  return {model.judged.begin() + 1, model.judged.end()};
}

TEST(SearchKeptLayersTest, ABlockComesApartOnce) {
  // Alone, each part of the block is worth less than candidate 3; once one of them is kept, the other is
  // worth more.
  std::vector<Candidate> candidates = {{1, 1, 7, 9}, {2, 1, 7, 9}, {0.5, 1}, {1.5, 1}};
  EXPECT_EQ(HeadsOf(candidates), (std::vector<std::vector<size_t>>{{3}, {2, 3}, {0, 1, 2, 3}}));
  candidates[2].gain = 0.15;
  EXPECT_EQ(HeadsOf(candidates), (std::vector<std::vector<size_t>>{{3}, {1, 3}, {0, 1, 2, 3}}));
  candidates[3].gain = 0.17;  // now behind both parts, of which the first counts the block
  EXPECT_EQ(HeadsOf(candidates), (std::vector<std::vector<size_t>>{{1}, {0, 1}, {0, 1, 2, 3}}));
  candidates = {{1, 1, -1, 9}, {2, 1, -1, 9}, {0.5, 1}, {1.5, 1}};  // no blocks
  EXPECT_EQ(HeadsOf(candidates), (std::vector<std::vector<size_t>>{{1}, {1, 3}, {0, 1, 2, 3}}));
}

TEST(SearchKeptLayersTest, FailsWithWhatWasReached) {
  NoisyModel model = {{0.01, 0.5}};
  std::vector<Candidate> only_first = {{0.01, 1}};
  const auto result = Find(model, only_first, 20);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message().find("--min-sqnr 20"), std::string::npos);
  EXPECT_NE(result.error().message().find("SQNR 3.01 dB"), std::string::npos) << result.error().message();
  EXPECT_NE(result.error().message().find("every layer in float"), std::string::npos);
}

TEST(SearchKeptLayersTest, ADeadlineEndsItAndSaysSo) {
  NoisyModel model = {{1e-4, 0.5, 1e-4}};
  const auto past = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  const auto nothing = Find(model, model.Candidates(), 20, past);
  ASSERT_FALSE(nothing.ok());
  EXPECT_NE(nothing.error().message().find("when the time was over"), std::string::npos);

  // It passes as soon as a set meets the goal: that set stays, unpruned.
  NoisyModel slow = {{1e-4, 0.5, 1e-4, 0.1}};
  std::vector<Candidate> candidates = slow.Candidates();
  candidates[0].cost = candidates[2].cost = 1e-6;
  const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  const auto result = SearchKeptLayers(candidates, Goal(20), slow.Judge({}),
                                       [&](std::span<const size_t> kept) -> Result<Judgement> {
                                         const Judgement judgement = slow.Judge(kept);
                                         if (judgement.Meets(Goal(20))) {
                                           while (std::chrono::steady_clock::now() <= soon) {
                                           }
                                         }
                                         return judgement;
                                       },
                                       soon, {});
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_TRUE(result->out_of_time);
  EXPECT_EQ(result->kept.size(), 4u);
}

TEST(SearchKeptLayersTest, TheErrorOfAJudgeIsItsOwn) {
  NoisyModel model = {{0.5}};
  const auto result = SearchKeptLayers(
      model.Candidates(), Goal(20), model.Judge({}),
      [](std::span<const size_t>) -> Result<Judgement> { return Status::Io("no disk"); }, {}, {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message(), "no disk");
}

TEST(PrecisionGoalTest, BothFiguresMustHold) {
  NoisyModel model = {{0.01}};
  Judgement judgement = model.Judge({});  // 20 dB, answers unchanged
  PrecisionGoal goal = Goal(19.9);
  EXPECT_TRUE(judgement.Meets(goal));
  goal.max_drop_points = 0;
  EXPECT_TRUE(judgement.Meets(goal));
  judgement.deviation.changed = 1;
  EXPECT_FALSE(judgement.Meets(goal));
  judgement.float_accuracy = 70;
  judgement.accuracy = 69.5;  // labels are worth more than agreement
  goal.max_drop_points = 0.5;
  EXPECT_TRUE(judgement.Meets(goal));
  goal.max_drop_points = 0.4;
  EXPECT_FALSE(judgement.Meets(goal));
  EXPECT_EQ(GoalText(goal), "--min-sqnr 19.9 --max-drop 0.4");
}

}  // namespace
}  // namespace qrun::converter
