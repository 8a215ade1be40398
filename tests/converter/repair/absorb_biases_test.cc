#include "converter/repair/absorb_biases.h"

#include <gtest/gtest.h>

#include "converter/int8_conversion.h"
#include "tests/converter/naive_eval.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

// x [1,5,5,4] -> conv a (8, clamped to [0, cap]) -> conv out (6). Channels 0 and 1 of `a` lie `lift` higher.
ToyGraph LiftedNet(float lift, float cap = LinearView::kUnbounded, int64_t padding = 0) {
  constexpr int kWide = 8, kNarrow = 4;
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 5, 5, kNarrow});
  std::vector<float> bia = Uniform(kWide, 0.3f, 2);
  bia[0] += lift;
  bia[1] += lift;
  const ValueId a = toy.Conv1x1("a", x, kNarrow, Uniform(kWide * kNarrow, 0.2f, 1), bia,
                                toy.Activation("a", {1, 5, 5, kWide}));
  std::get<fb::Conv2DT>(toy.graph.nodes[0].options).clamp = std::make_unique<fb::Clamp>(0.0f, cap);
  const int64_t side = 5 + 2 * padding;
  fb::Conv2DT out;
  out.pad_top = out.pad_left = out.pad_bottom = out.pad_right = static_cast<int>(padding);
  toy.graph.outputs = {toy.Op("out", out,
                              {a, toy.Floats("out.wei", {6, 1, 1, kWide}, Uniform(6 * kWide, 0.5f, 7)),
                               toy.Floats("out.bia", {6}, Uniform(6, 0.2f, 8))},
                              toy.Activation("out", {1, side, side, 6}))};
  return toy;
}

AbsorptionReport Absorb(Graph& graph, const CalibrationSource& source) {
  const Calibration calibration = CalibrateToy(graph, source);
  std::vector<std::vector<double>> floor, ceiling;
  for (const ChannelStatistics& seen : calibration.channels) {
    auto& least = floor.emplace_back();
    auto& most = ceiling.emplace_back();
    for (size_t c = 0; seen.seen() && c < seen.channels(); ++c) {
      least.push_back(std::max(0.0f, seen.Min(c)));
      most.push_back(seen.Max(c));
    }
  }
  return AbsorbHighBiases(graph, floor, ceiling);
}

TEST(AbsorbHighBiases, NarrowsTheRangeAndKeepsTheOutput) {
  const NoiseInputs source(64);
  const Graph before = LiftedNet(20).graph;
  Graph after = before;
  const AbsorptionReport report = Absorb(after, source);
  EXPECT_EQ(report.layers, 1);
  EXPECT_EQ(report.channels, 2);
  EXPECT_EQ(after.values[after.nodes[0].outputs[0]].name, "a/lowered");  // what `a` was is gone
  EXPECT_GT(report.largest_share, 0.7);
  std::vector<float> input(100);
  const std::span<float> spans[] = {input};
  for (size_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(source.Load(i, spans).ok());
    const auto want = EvalOne(before, input), got = EvalOne(after, input);
    EXPECT_LT(MaxDifference(want, got), 1e-5);
  }
  // An input that falls below the floor is answered otherwise: the tolerance would see it.
  std::fill(input.begin(), input.end(), 0.0f);
  const auto wei = Floats(before.values[before.nodes[0].inputs[1]]);
  for (size_t i = 0; i < input.size(); ++i) input[i] = wei[i % 4] < 0 ? 60.0f : -60.0f;
  EXPECT_GT(MaxDifference(EvalOne(before, input), EvalOne(after, input)), 1e-2);
}

TEST(AbsorbHighBiases, RaisesTheAccuracyOfInt8) {
  const NoiseInputs source(64);
  const auto sqnr = [&](bool absorb) {
    Int8Options options;
    options.equalize = false;
    options.correct_biases = false;
    options.absorb_biases = absorb;
    const auto converted = ConvertToInt8(LiftedNet(20).graph, source, options, [](const char*) {}, {});
    EXPECT_TRUE(converted.ok());
    return converted->steps.back().sqnr_db;
  };
  const double without = sqnr(false), with = sqnr(true);
  std::cout << "SQNR " << without << " dB, absorbed " << with << " dB\n";
  EXPECT_GT(with, without + 2);
}

TEST(AbsorbHighBiases, LeavesAloneWhatItWouldChange) {
  const NoiseInputs source(64);
  const auto channels = [&](Graph graph) { return Absorb(graph, source).channels; };
  EXPECT_EQ(channels(LiftedNet(20).graph), 2);
  EXPECT_EQ(channels(LiftedNet(0.1f).graph), 0);          // every channel falls to 0
  EXPECT_EQ(channels(LiftedNet(20, 20.0f).graph), 0);     // they reach the cap
  EXPECT_EQ(channels(LiftedNet(20, 100.0f).graph), 2);    // they stay clear of it
  EXPECT_EQ(channels(LiftedNet(20, 1e30f, 1).graph), 0);  // padding is 0, not -floor
  Graph output = LiftedNet(20).graph;
  output.outputs.push_back(output.nodes[0].outputs[0]);
  EXPECT_EQ(channels(output), 0);
}

}  // namespace
}  // namespace qrun::converter
