#include "converter/repair/split_outliers.h"

#include <gtest/gtest.h>

#include "converter/int8_conversion.h"
#include "tests/converter/naive_eval.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

// x [1,5,5,4] -> conv a (24, clamped to [0, cap]) -> conv out (6). Channel 7 of `a` is `loud` times as
// strong.
Graph LoudNet(float loud, float cap = LinearView::kUnbounded) {
  constexpr int kWide = 24, kNarrow = 4;
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 5, 5, kNarrow});
  std::vector<float> wei = Uniform(kWide * kNarrow, 0.6f, 1), bia = Uniform(kWide, 0.3f, 2);
  for (int i = 0; i < kNarrow; ++i) wei[7 * kNarrow + static_cast<size_t>(i)] *= loud;
  const ValueId a = toy.Conv1x1("a", x, kNarrow, wei, bia, toy.Activation("a", {1, 5, 5, kWide}));
  std::get<fb::Conv2DT>(toy.graph.nodes[0].options).clamp = std::make_unique<fb::Clamp>(0.0f, cap);
  toy.graph.outputs = {toy.Conv1x1("out", a, kWide, Uniform(6 * kWide, 0.5f, 7), Uniform(6, 0.2f, 8),
                                   toy.Activation("out", {1, 5, 5, 6}))};
  return toy.graph;
}

TEST(SplitOutliers, HalvesTheRangeAndKeepsTheOutput) {
  const NoiseInputs source(32);
  const Graph before = LoudNet(8);
  Graph after = before;
  const Calibration calibration = CalibrateToy(before, source);
  const SplitReport report = SplitOutliers(after, calibration.channels);
  EXPECT_EQ(report.tensors, 1);
  EXPECT_EQ(report.channels, 1);
  EXPECT_NEAR(report.largest_gain, 2, 1e-6);
  const ValueId a = before.nodes[0].outputs[0];
  EXPECT_EQ(after.values[a].shape, (Shape{1, 5, 5, 25}));
  const Calibration split = CalibrateToy(after, source);
  EXPECT_EQ(split.channels[a].Max(7), calibration.channels[a].Max(7) / 2);
  EXPECT_EQ(split.channels[a].Max(24), split.channels[a].Max(7));
  std::vector<float> input(100);
  const std::span<float> spans[] = {input};
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(source.Load(i, spans).ok());
    EXPECT_LT(MaxDifference(EvalOne(before, input), EvalOne(after, input)), 1e-6);
  }
  const Value& wei = after.values[after.nodes[1].inputs[1]];
  std::vector<float> wrong(Floats(wei).begin(), Floats(wei).end());
  wrong[24] *= 1.001f;  // the tolerance sees a weight of the new channel that is a little off
  after.nodes[1].inputs[1] = AddValue(after, FloatConstant("wrong", wei.shape, wrong));
  EXPECT_GT(MaxDifference(EvalOne(before, input), EvalOne(after, input)), 1e-6);
}

TEST(SplitOutliers, LeavesAloneWhatDoesNotPayOrMayNotBeSplit) {
  const NoiseInputs source(32);
  const auto channels = [&](Graph graph) {
    const Calibration calibration = CalibrateToy(graph, source);
    return SplitOutliers(graph, calibration.channels).channels;
  };
  EXPECT_EQ(channels(LoudNet(8)), 1);
  EXPECT_EQ(channels(LoudNet(1)), 0);
  EXPECT_EQ(channels(LoudNet(8, 3.0f)), 0);                       // it reaches the cap
  EXPECT_EQ(channels(LoudNet(8, 1000.0f)), 1);                    // it stays clear of it
  EXPECT_EQ(channels(ResidualNet({1, 1, 1, 1, 1, 9}).graph), 0);  // a depthwise convolution reads it
  Graph output = LoudNet(8);
  output.outputs.push_back(output.nodes[0].outputs[0]);
  EXPECT_EQ(channels(output), 0);
}

TEST(SplitOutliers, RaisesTheAccuracyOfInt8AndIsTakenBackWhereItDoesNot) {
  const NoiseInputs source(64);
  const auto steps = [&](const Graph& graph, bool split) {
    Int8Options options;
    options.equalize = options.correct_biases = options.absorb_biases = false;
    options.split_outliers = split;
    options.observer = "minmax";
    const auto converted = ConvertToInt8(graph, source, options, [](const char*) {}, {});
    EXPECT_TRUE(converted.ok());
    EXPECT_TRUE(EmitModel(converted->graph, {}).ok());
    return converted->steps;
  };
  // The reader hardly listens to the loud channel: what it hears is the noise that it makes of the others.
  Graph graph = LoudNet(8);
  const Value& wei = graph.values[graph.nodes[1].inputs[1]];
  std::vector<float> quiet(Floats(wei).begin(), Floats(wei).end());
  for (size_t o = 0; o < 6; ++o) quiet[o * 24 + 7] *= 0.02f;
  graph.nodes[1].inputs[1] = AddValue(graph, FloatConstant("quiet", wei.shape, quiet));
  const double plain = steps(graph, false).back().sqnr_db, split = steps(graph, true).back().sqnr_db;
  std::cout << "SQNR " << plain << " dB, split " << split << " dB\n";
  EXPECT_GT(split, plain + 3);
  EXPECT_EQ(steps(graph, true).back().name, "split outliers");
  EXPECT_EQ(steps(LoudNet(1), true).size(), 1u);
}

}  // namespace
}  // namespace qrun::converter
