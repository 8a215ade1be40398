#include "converter/observers/auto_ranges.h"

#include <gtest/gtest.h>

#include <numeric>

#include "converter/subset_source.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

// x [1,1,1,64] with one element of 1000 that y = relu(-x) never shows: only clipping it leaves steps for the
// others.
class OutlierInputs final : public CalibrationSource {
 public:
  size_t size() const override { return 20; }
  std::string SampleName(size_t i) const override { return std::to_string(i); }
  Status Load(size_t i, std::span<const std::span<float>> inputs) const override {
    QRUN_RETURN_IF_ERROR(NoiseInputs(20).Load(i, inputs));
    inputs[0][i % inputs[0].size()] = 1000;
    return Status::Ok();
  }
};

ToyGraph Negative() {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 8, 8, 1});
  fb::Conv2DT conv;
  conv.clamp = std::make_unique<fb::Clamp>(0.0f, 1e9f);
  toy.graph.outputs = {
      toy.Op("y", conv, {x, toy.Floats("wei", {1, 1, 1, 1}, {-1})}, toy.Activation("y", {1, 8, 8, 1}))};
  return toy;
}

// Range of `toy`'s first value, by what the first `samples` of `source` say.
Range Chosen(const ToyGraph& toy, const CalibrationSource& source, size_t samples) {
  std::vector<size_t> first(samples);
  std::iota(first.begin(), first.end(), size_t{0});
  const Calibration calibration = CalibrateToy(toy.graph, source);
  const auto chosen =
      ChooseRanges(toy.graph, calibration, SubsetSource(source, std::move(first)), false, 2, {});
  EXPECT_TRUE(chosen.ok()) << chosen.error().message();
  int tensors = 0;
  for (const auto& [name, count] : chosen->chosen) tensors += count;
  EXPECT_EQ(tensors, 2);
  return chosen->ranges[0];
}

TEST(ChooseRanges, JudgesByTheAnswers) {
  const ToyGraph toy = Negative();
  const OutlierInputs source;
  // No row that thinks of the tensor alone and clips nothing can be the best; the narrowest of all is.
  float narrowest = INFINITY;
  for (const ObserverKind& kind : ObserverKinds()) {
    narrowest = std::min(narrowest, kind.choose(CalibrateToy(toy.graph, source).tensors[0]).max);
  }
  EXPECT_EQ(Chosen(toy, source, 20).max, narrowest);
}

TEST(ChooseRanges, ClipsNothingThatTooFewSamplesSpeakFor) {
  EXPECT_LT(Chosen(Negative(), OutlierInputs(), kAutoLeastSamples).max, 1000);
  EXPECT_EQ(Chosen(Negative(), OutlierInputs(), kAutoLeastSamples - 1).max, 1000);
}

// The outlier now decides the answer of every sample.
TEST(ChooseRanges, KeepsWhatTheAnswersNeed) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 8, 8, 1});
  toy.graph.outputs = {toy.Conv1x1("y", x, 1, {1}, {0}, toy.Activation("y", {1, 8, 8, 1}))};
  EXPECT_EQ(Chosen(toy, OutlierInputs(), 20).max, 1000);
}

TEST(ChooseRanges, DoesNotDependOnTheNumberOfThreads) {
  const ToyGraph toy = ResidualNet();
  const NoiseInputs source(20);
  const Calibration calibration = CalibrateToy(toy.graph, source);
  const auto one = ChooseRanges(toy.graph, calibration, source, false, 1, {});
  ASSERT_TRUE(one.ok());
  for (int threads : {2, 3})
    EXPECT_EQ(ChooseRanges(toy.graph, calibration, source, false, threads, {})->ranges, one->ranges);
}

}  // namespace
}  // namespace qrun::converter
