#include "converter/data_free.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "converter/compare.h"
#include "converter/repair/analytic_bias_correction.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

// Independent inputs of mean 0 and deviation 1, which is what NoiseInputs makes.
ChannelMoments Noise(size_t channels) {
  return {std::vector<double>(channels, 0.0), std::vector<double>(channels, 1.0),
          std::vector<double>(channels, -6.0), std::vector<double>(channels, 6.0)};
}

// What training would have left in BatchNorms: the moments that the samples show before each clamp.
Graph WithStatistics(Graph graph, const CalibrationSource& source) {
  Graph open = graph;
  for (Node& node : open.nodes) {
    if (auto* op = std::get_if<fb::DepthwiseConv2DT>(&node.options)) op->clamp.reset();
  }
  const Calibration before_clamps = CalibrateToy(open, source), calibration = CalibrateToy(graph, source);
  for (Node& node : graph.nodes) {
    const bool clamped = std::holds_alternative<fb::DepthwiseConv2DT>(node.options);
    const ChannelStatistics& seen = (clamped ? before_clamps : calibration).channels[node.outputs[0]];
    auto norm = std::make_shared<BatchNormStatistics>();
    for (size_t c = 0; c < seen.channels(); ++c) {
      const double mean = seen.Mean(c);
      norm->output_mean.push_back(static_cast<float>(mean));
      norm->output_std.push_back(static_cast<float>(std::sqrt(seen.MeanSquare(c) - mean * mean)));
    }
    if (AsLinear(graph, node)) node.norm = norm;
  }
  return graph;
}

double Sqnr(const Graph& graph, const Graph& int8) {
  const auto float_file = EmitModel(graph, {}), int8_file = EmitModel(int8, {});
  const auto reference = Model::FromBytes(float_file->bytes), model = Model::FromBytes(int8_file->bytes);
  return CompareModels(*reference, *model, NoiseInputs(64), 64)->outputs[0].sqnr_db;
}

TEST(ClippedNormal, HasTheMomentsOfSamples) {
  std::mt19937 random(1);
  for (const auto& [mean, deviation, lo, hi] : {std::tuple{0.0, 1.0, 0.0, 6.0},
                                                {2.0, 1.5, 0.0, 3.0},
                                                {-1.0, 2.0, 0.0, static_cast<double>(INFINITY)},
                                                {0.5, 0.0, 0.0, 6.0}}) {
    double sum = 0, squares = 0;
    constexpr int kSamples = 200000;
    for (int i = 0; i < kSamples; ++i) {
      double x = -6;
      for (int k = 0; k < 12; ++k) x += static_cast<double>(random()) * 0x1p-32;
      x = std::clamp(mean + deviation * x, lo, hi);
      sum += x / kSamples;
      squares += x * x / kSamples;
    }
    const Moments m = ClippedNormal({mean, deviation * deviation}, lo, hi);
    EXPECT_NEAR(m.mean, sum, 0.02);
    EXPECT_NEAR(m.variance, squares - sum * sum, 0.03);
    const Moments shifted = ClippedNormal({mean + 0.2, deviation * deviation}, lo, hi);
    EXPECT_GT(std::abs(shifted.mean - sum), 0.02);  // the tolerance sees a shift
  }
}

TEST(EstimateMoments, AreThoseOfTheSamples) {
  const NoiseInputs source(200);
  const Graph plain = ResidualNet().graph, graph = WithStatistics(plain, source);
  const Calibration calibration = CalibrateToy(graph, source);
  for (const auto& [candidate, from_norm, tolerance] : {std::tuple{&graph, 4, 0.2}, {&plain, 0, 0.5}}) {
    const MomentEstimates estimates = EstimateMoments(*candidate, {Noise(4)});
    EXPECT_EQ(estimates.from_norm, from_norm);
    EXPECT_EQ(estimates.propagated, 4 - from_norm);
    for (const Node& node : graph.nodes) {
      const ChannelMoments& m = estimates.values[node.outputs[0]];
      const ChannelStatistics& seen = calibration.channels[node.outputs[0]];
      ASSERT_EQ(m.channels(), seen.channels());
      for (size_t c = 0; c < m.channels(); ++c) {
        const double deviation = std::sqrt(seen.MeanSquare(c) - seen.Mean(c) * seen.Mean(c));
        EXPECT_NEAR(m.mean[c], seen.Mean(c), tolerance * deviation + 0.02) << node.name << " " << c;
        EXPECT_LE(m.low[c], seen.Min(c) + 0.5 * deviation);
        EXPECT_GE(m.high[c], seen.Max(c) - 0.5 * deviation);
      }
    }
  }
}

TEST(ConvertWithoutData, ComesNearToCalibrationWhereStatisticsAreKnown) {
  const NoiseInputs source(64);
  const Graph graph = WithStatistics(ResidualNet({1, 0.05f, 4, 0.3f}).graph, source);
  const auto without = ConvertWithoutData(graph, {Noise(4)}, {}, [](const char*) {});
  ASSERT_TRUE(without.ok()) << without.error().message();
  const auto with = ConvertToInt8(graph, source, {}, [](const char*) {}, {});
  ASSERT_TRUE(with.ok());
  const double data_free = Sqnr(graph, without->int8.graph), calibrated = Sqnr(graph, with->graph);
  std::cout << "SQNR calibrated " << calibrated << " dB, data-free " << data_free << " dB\n";
  EXPECT_GT(data_free, calibrated - 8);
  EXPECT_GT(data_free, 20);
  EXPECT_EQ(without->from_norm, 4);
  EXPECT_TRUE(std::isnan(without->int8.steps.back().sqnr_db));
  EXPECT_NE(without->warning.find("no sample was seen"), std::string::npos);
  EXPECT_EQ(without->warning.find("guess"), std::string::npos);
  const auto guessed = ConvertWithoutData(ResidualNet().graph, {Noise(4)}, {}, [](const char*) {});
  EXPECT_NE(guessed->warning.find("4 operators have none"), std::string::npos);
}

TEST(ConvertWithoutData, EqualisesByStatistics) {
  const NoiseInputs source(64);
  const Graph graph = WithStatistics(ResidualNet({1, 0.01f, 30, 0.2f, 100, 3}).graph, source);
  const auto sqnr = [&](bool equalize) {
    Int8Options options;
    options.equalize = equalize;
    return Sqnr(graph, ConvertWithoutData(graph, {Noise(4)}, options, [](const char*) {})->int8.graph);
  };
  EXPECT_GT(sqnr(true), sqnr(false) + 6);
}

TEST(CorrectBiasesAnalytically, BringsMeansBack) {
  // One layer whose weights are rounded to 3 bits and whose inputs have a mean: known moments, known error.
  const NoiseInputs source(64);
  const Graph graph = WithStatistics(ResidualNet().graph, source);
  Int8Options options;
  options.weight_bits = 3;
  options.equalize = options.absorb_biases = false;
  const auto sqnr = [&](bool correct) {
    options.correct_biases = correct;
    return Sqnr(graph, ConvertWithoutData(graph, {Noise(4)}, options, [](const char*) {})->int8.graph);
  };
  const double plain = sqnr(false), corrected = sqnr(true);
  std::cout << "SQNR " << plain << " dB, corrected " << corrected << " dB\n";
  EXPECT_GT(corrected, plain + 0.3);
}

TEST(ExpectedInput, LiesWithinBlackAndWhite) {
  Value input;
  input.shape = {1, 8, 8, 3};
  fb::PreprocessingT preprocessing;
  preprocessing.mean = {0.5f, 0.5f, 0.25f};
  preprocessing.std = {0.5f, 0.25f, 0.25f};
  const ChannelMoments m = ExpectedInput(input, preprocessing);
  EXPECT_EQ(m.low, (std::vector<double>{-1, -2, -1}));
  EXPECT_EQ(m.high, (std::vector<double>{1, 2, 3}));
  EXPECT_NEAR(m.mean[1], -0.2, 1e-6);
  EXPECT_EQ(ExpectedInput(input, {}).mean, (std::vector<double>{0, 0, 0}));
}

}  // namespace
}  // namespace qrun::converter
