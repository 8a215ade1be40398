// Outliers that a gain makes move into the weights that read them: what that gains, and that float stays.
#include <gtest/gtest.h>

#include <iostream>

#include "converter/int8_conversion.h"
#include "converter/passes/passes.h"
#include "converter/repair/equalize.h"
#include "tests/converter/naive_eval.h"
#include "tests/converter/onnx_model.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

double Sqnr(const Graph& graph, bool smooth) {
  const NoiseInputs source(64);
  Int8Options options;
  options.smooth = smooth;
  options.correct_biases = false;
  const auto converted = ConvertToInt8(graph, source, options, [](const char*) {}, {});
  EXPECT_TRUE(converted.ok());
  const bool has_step = std::any_of(converted->steps.begin(), converted->steps.end(),
                                    [](const RepairStep& step) { return step.name == "smooth"; });
  EXPECT_EQ(has_step, smooth);
  return converted->steps.back().sqnr_db;
}

// Smoothing scales `least` channels or more, and changes no output.
void ExpectFloatStays(const Graph& before, int least) {
  const NoiseInputs source(64);
  Graph after = before;
  EXPECT_GE(SmoothChannels(after, CalibrateToy(before, source).channels, true).channels, least);
  std::vector<float> input(static_cast<size_t>(ElementCount(before.values[before.inputs[0]].shape)));
  const std::span<float> spans[] = {input};
  ASSERT_TRUE(source.Load(1, spans).ok());
  EXPECT_LT(MaxDifference(EvalOne(before, input), EvalOne(after, input)), 1e-5);
  const std::vector<float> plain = EvalOne(before, input);
  input[3] += 0.01f;  // the tolerance sees a small change
  EXPECT_GT(MaxDifference(plain, EvalOne(after, input)), 1e-5);
}

TEST(SmoothChannels, MigratesOutliersOfAGainIntoTheProduct) {
  const double plain = Sqnr(LoudGain(1).graph, true), damaged = Sqnr(LoudGain(60).graph, false),
               repaired = Sqnr(LoudGain(60).graph, true);
  std::cout << "SQNR " << plain << " dB, with outliers " << damaged << " dB, smoothed " << repaired
            << " dB\n";
  EXPECT_LT(damaged, plain - 6);
  EXPECT_GT(repaired, plain - 2);
  ExpectFloatStays(LoudGain(60).graph, 2);
}

// A transformer's feed-forward part, as exporters write it: LayerNorm whose gain and shift are `loud` times
// as large in two of 32 channels, 32 -> 64, ReLU, 64 -> 32, on 12 tokens.
Graph LayerNormMlp(float loud) {
  constexpr int64_t kTokens = 12, kChannels = 32, kHidden = 64;
  std::vector<float> gain = Uniform(kChannels, 0.3f, 1), shift = Uniform(kChannels, 0.2f, 2);
  std::vector<float> up = Uniform(kChannels * kHidden, 0.3f, 3);
  for (float& g : gain) g += 1;
  for (size_t c : {5u, 20u}) {
    gain[c] *= loud;
    shift[c] *= loud;
    for (size_t o = 0; o < kHidden; ++o) up[c * kHidden + o] /= loud;
  }
  OnnxModel model(13);
  model.Input("x", {1, kTokens, kChannels})
      .Output("y")
      .Floats("two", {}, {2})
      .Floats("epsilon", {}, {1e-5f})
      .Floats("gain", {kChannels}, gain)
      .Floats("shift", {kChannels}, shift)
      .Floats("up", {kChannels, kHidden}, up)
      .Floats("down", {kHidden, kChannels}, Uniform(kHidden * kChannels, 0.2f, 4));
  model.Node("ReduceMean", {"x"}, {"mean"}).Ints("axes", {-1});
  model.Node("Sub", {"x", "mean"}, {"centred"});
  model.Node("Pow", {"centred", "two"}, {"square"});
  model.Node("ReduceMean", {"square"}, {"variance"}).Ints("axes", {-1});
  model.Node("Add", {"variance", "epsilon"}, {"bounded"});
  model.Node("Sqrt", {"bounded"}, {"deviation"});
  model.Node("Div", {"centred", "deviation"}, {"normal"});
  model.Node("Mul", {"normal", "gain"}, {"scaled"});
  model.Node("Add", {"scaled", "shift"}, {"shifted"});
  model.Node("MatMul", {"shifted", "up"}, {"hidden"});
  model.Node("Relu", {"hidden"}, {"active"});
  model.Node("MatMul", {"active", "down"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_TRUE(RunPasses(graph, {}, nullptr).ok());
  return graph;
}

TEST(SmoothChannels, RepairsLayerNormsOutliers) {
  const double plain = Sqnr(LayerNormMlp(1), true), damaged = Sqnr(LayerNormMlp(40), false),
               repaired = Sqnr(LayerNormMlp(40), true);
  std::cout << "SQNR " << plain << " dB, with outliers " << damaged << " dB, smoothed " << repaired
            << " dB\n";
  EXPECT_LT(damaged, plain - 6);
  EXPECT_GT(repaired, damaged + 6);
  ExpectFloatStays(LayerNormMlp(40), 2);
}

// Each step leaves the other's tensors alone.
TEST(SmoothChannels, ScalesWhatEqualisationDoesNot) {
  const NoiseInputs source(64);
  const Graph before = LayerNormMlp(40);
  const Calibration calibration = CalibrateToy(before, source);
  Graph equalized = before, smoothed = before;
  const auto by_weights = EqualizeChannels(equalized, calibration.channels, true).scales;
  const auto by_gains = SmoothChannels(smoothed, calibration.channels, true).scales;
  int scaled = 0;
  for (size_t id = 0; id < before.values.size(); ++id) {
    EXPECT_TRUE(by_weights[id].empty() || by_gains[id].empty()) << before.values[id].name;
    scaled += !by_gains[id].empty();
  }
  EXPECT_EQ(scaled, 2);  // behind the gain, and behind the shift
  const auto convolutions = ResidualNet({1, 0.01f, 30});
  Graph untouched = convolutions.graph;
  EXPECT_EQ(SmoothChannels(untouched, CalibrateToy(untouched, source).channels, true).channels, 0);
  EXPECT_EQ(untouched.values.size(), convolutions.graph.values.size());
}

}  // namespace
}  // namespace qrun::converter
