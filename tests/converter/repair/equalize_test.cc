#include "converter/repair/equalize.h"

#include <gtest/gtest.h>

#include "converter/int8_conversion.h"
#include "converter/repair/channel_ties.h"
#include "tests/converter/naive_eval.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

const std::vector<float> kSpread = {1, 0.01f, 30, 0.2f, 100, 3};

ValueId ValueNamed(const Graph& graph, const std::string& name) {
  for (size_t id = 0; id < graph.values.size(); ++id) {
    if (graph.values[id].name == name && !graph.values[id].is_constant()) return static_cast<ValueId>(id);
  }
  return kNoValue;
}

// Largest over smallest reach of a value's channels.
double SpreadOf(const Calibration& calibration, ValueId id) {
  float least = INFINITY, most = 0;
  for (size_t c = 0; c < calibration.channels[id].channels(); ++c) {
    least = std::min(least, calibration.channels[id].Reach(c));
    most = std::max(most, calibration.channels[id].Reach(c));
  }
  return most / least;
}

TEST(EqualizeChannels, BringsChannelsToLikeRangesAndKeepsTheOutput) {
  ToyGraph toy = ResidualNet(kSpread);
  const NoiseInputs source(32);
  const Graph before = toy.graph;
  const Calibration calibration = CalibrateToy(toy.graph, source);
  const ValueId a = ValueNamed(toy.graph, "a");
  EXPECT_GT(SpreadOf(calibration, a), 1000);
  const EqualizeReport report = EqualizeChannels(toy.graph, calibration.channels, true);
  EXPECT_EQ(report.tensors, 2);    // a and d; p, sum and out are tied to the graph's input or output
  EXPECT_GE(report.channels, 30);  // of 32; one of each may keep its scale
  EXPECT_LT(SpreadOf(CalibrateToy(toy.graph, source), a), 4);
  for (uint32_t seed : {1u, 2u, 3u}) {
    const auto inputs = RandomInputs(before, seed);
    EXPECT_LT(MaxDifference(EvalOne(before, inputs[0]), EvalOne(toy.graph, inputs[0])), 1e-5);
  }
}

TEST(EqualizeChannels, LeavesAGraphAloneThatHasNothingToScale) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 5, 5, 4});
  toy.graph.outputs = {
      toy.Conv1x1("out", x, 4, Uniform(24, 1, 1), Uniform(6, 1, 2), toy.Activation("out", {1, 5, 5, 6}))};
  const NoiseInputs source(16);
  const size_t values = toy.graph.values.size();
  EXPECT_EQ(EqualizeChannels(toy.graph, CalibrateToy(toy.graph, source).channels, true).channels, 0);
  EXPECT_EQ(toy.graph.values.size(), values);
  EXPECT_TRUE(ConvertToInt8(toy.graph, source, {}, [](const char*) {}, {}).ok());
}

TEST(EqualizeChannels, KeepsChannelsThatReachTheCap) {
  constexpr float kCap = 0.8f;
  ToyGraph toy = ResidualNet({1}, kCap);
  const NoiseInputs source(32);
  const Graph before = toy.graph;
  const Calibration calibration = CalibrateToy(toy.graph, source);
  const ValueId d = ValueNamed(toy.graph, "d");
  int capped = 0;
  for (size_t c = 0; c < 16; ++c) capped += calibration.channels[d].Max(c) == kCap;
  ASSERT_GT(capped, 4);
  EqualizeChannels(toy.graph, calibration.channels, true);
  const Calibration after = CalibrateToy(toy.graph, source);
  for (size_t c = 0; c < 16; ++c) {
    if (calibration.channels[d].Max(c) == kCap) {
      EXPECT_NEAR(after.channels[d].Mean(c), calibration.channels[d].Mean(c), 1e-6) << c;
    } else {
      EXPECT_LT(after.channels[d].Max(c), kCap) << c;
    }
  }
  // Inputs of the same kind as the samples.
  std::vector<float> input(100);
  const std::span<float> spans[] = {input};
  for (size_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(source.Load(i, spans).ok());
    EXPECT_LT(MaxDifference(EvalOne(before, input), EvalOne(toy.graph, input)), 1e-5);
  }
}

TEST(EqualizeChannels, UndoesWhateverWasRescaledBefore) {
  const NoiseInputs source(32);
  std::vector<Graph> equalized;
  for (const std::vector<float>& spread : {std::vector<float>{1}, kSpread}) {
    ToyGraph toy = ResidualNet(spread);
    EqualizeChannels(toy.graph, CalibrateToy(toy.graph, source).channels, true);
    equalized.push_back(std::move(toy.graph));
  }
  const ValueId a = ValueNamed(equalized[0], "a");
  const Calibration plain = CalibrateToy(equalized[0], source), damaged = CalibrateToy(equalized[1], source);
  const double unit = damaged.channels[a].Reach(0) / plain.channels[a].Reach(0);
  for (size_t c = 0; c < 16; ++c) {
    EXPECT_NEAR(damaged.channels[a].Reach(c) / plain.channels[a].Reach(c), unit, 1e-3 * unit) << c;
  }
}

TEST(EqualizeChannels, RaisesTheAccuracyOfInt8) {
  const NoiseInputs source(64);
  const auto sqnr = [&](const std::vector<float>& spread, bool equalize) {
    Int8Options options;
    options.equalize = equalize;
    options.correct_biases = false;
    const auto converted = ConvertToInt8(ResidualNet(spread).graph, source, options, [](const char*) {}, {});
    EXPECT_TRUE(converted.ok());
    return converted->steps.back().sqnr_db;
  };
  const double undamaged = sqnr({1}, true);
  EXPECT_LT(sqnr(kSpread, false), undamaged - 6);
  EXPECT_NEAR(sqnr(kSpread, true), undamaged, 0.5);
}

TEST(ChannelTies, TiesWhatOperatorsJoinAndFixesTheRest) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 2, 2, 3});
  const auto conv = [&](const char* name, int oc) {
    return toy.Conv1x1(name, x, 3, std::vector<float>(static_cast<size_t>(3 * oc), 1.0f), {},
                       toy.Activation(name, {1, 2, 2, oc}));
  };
  const ValueId a = conv("a", 3), b = conv("b", 3), c = conv("c", 2), e = conv("e", 3);
  const ValueId sum = toy.Binary("sum", fb::BinaryKind::Add, a, b, toy.Activation("sum", {1, 2, 2, 3}));
  fb::ConcatT concat;
  concat.axis = 3;
  const ValueId cat = toy.Op("cat", concat, {sum, c}, toy.Activation("cat", {1, 2, 2, 5}));
  const ValueId pooled = toy.MaxPool("pool", cat, toy.Activation("pooled", {1, 2, 2, 5}));
  const ValueId s = toy.Unary("sigmoid", fb::UnaryKind::Sigmoid, e, toy.Activation("s", {1, 2, 2, 3}));
  toy.graph.outputs = {
      toy.Conv1x1("out", pooled, 5, std::vector<float>(5, 1.0f), {}, toy.Activation("out", {1, 2, 2, 1})), s};
  const ChannelTies ties(toy.graph);
  for (size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(ties.Slot(a, k), ties.Slot(b, k));
    EXPECT_EQ(ties.Slot(a, k), ties.Slot(pooled, k));
    EXPECT_FALSE(ties.Fixed(ties.Slot(a, k)));
    EXPECT_TRUE(ties.Fixed(ties.Slot(x, k)));
    EXPECT_TRUE(ties.Fixed(ties.Slot(e, k)));
  }
  EXPECT_EQ(ties.Slot(c, 1), ties.Slot(pooled, 4));
  EXPECT_NE(ties.Slot(a, 0), ties.Slot(a, 1));
  EXPECT_TRUE(ties.Fixed(ties.Slot(toy.graph.outputs[0], 0)));
}

}  // namespace
}  // namespace qrun::converter
