#include "converter/observers/auto_ranges.h"

#include <gtest/gtest.h>

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

TEST(ChooseRanges, JudgesByTheReadersOutput) {
  const ToyGraph toy = Negative();
  const OutlierInputs source;
  const Calibration calibration = CalibrateToy(toy.graph, source);
  const auto chosen = ChooseRanges(toy.graph, calibration, source, 2);
  ASSERT_TRUE(chosen.ok()) << chosen.error().message();
  // No row that thinks of the tensor alone and clips nothing can be the best; the narrowest of all is.
  float narrowest = INFINITY;
  for (const ObserverKind& kind : ObserverKinds()) {
    narrowest = std::min(narrowest, kind.choose(calibration.tensors[0]).max);
  }
  EXPECT_EQ(chosen->ranges[0].max, narrowest);
  int tensors = 0;
  for (const auto& [name, count] : chosen->chosen) tensors += count;
  EXPECT_EQ(tensors, 2);
}

TEST(ChooseRanges, DoesNotDependOnTheNumberOfThreads) {
  const ToyGraph toy = ResidualNet();
  const NoiseInputs source(20);
  const Calibration calibration = CalibrateToy(toy.graph, source);
  const auto one = ChooseRanges(toy.graph, calibration, source, 1);
  ASSERT_TRUE(one.ok());
  for (int threads : {2, 3})
    EXPECT_EQ(ChooseRanges(toy.graph, calibration, source, threads)->ranges, one->ranges);
}

}  // namespace
}  // namespace qrun::converter
