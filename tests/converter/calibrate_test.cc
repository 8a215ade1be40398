#include "converter/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "converter/compare.h"
#include "converter/emit.h"
#include "tests/converter/toy_graph.h"

namespace qrun::converter {
namespace {

// Sample i gives {i, -i}; the samples in `broken` cannot be loaded.
class CountingSource final : public CalibrationSource {
 public:
  explicit CountingSource(size_t size, std::set<size_t> broken = {})
      : size_(size), broken_(std::move(broken)) {}
  size_t size() const override { return size_; }
  std::string SampleName(size_t i) const override { return "sample " + std::to_string(i); }
  Status Load(size_t i, std::span<const std::span<float>> inputs) const override {
    if (broken_.contains(i)) return Status::InvalidArgument("sample " + std::to_string(i) + " is broken");
    inputs[0][0] = static_cast<float>(i);
    inputs[0][1] = -static_cast<float>(i);
    return Status::Ok();
  }

 private:
  const size_t size_;
  const std::set<size_t> broken_;
};

// y = clamp(2 x0 + 3 x1, -4, 1000), z = x0 + x1 as [1, 1].
ToyGraph TwoSums() {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 2});
  const ValueId a = toy.Floats("a", {1, 2}, {2, 3});
  const ValueId b = toy.Floats("b", {1, 2}, {1, 2});
  fb::FullyConnectedT clamped;
  clamped.clamp = std::make_unique<fb::Clamp>(-4.0f, 1000.0f);
  const ValueId y = toy.Op("y", clamped, {x, a}, toy.Activation("y", {1, 1}));
  const ValueId z = toy.Op("z", fb::FullyConnectedT{}, {x, b}, toy.Activation("z", {1, 1}));
  toy.graph.outputs = {y, z};
  return toy;
}

struct Emitted {
  EmittedModel file;
  Model model;
};

Emitted Emit(const Graph& graph) {
  auto file = EmitModel(graph, {});
  EXPECT_TRUE(file.ok());
  auto model = Model::FromBytes(file->bytes);
  EXPECT_TRUE(model.ok()) << model.error().message();
  return {std::move(*file), std::move(*model)};
}

Result<Calibration> CalibrateOn(const CalibrationSource& source, int threads = 1,
                                const ProgressFunction& progress = {}) {
  const ToyGraph toy = TwoSums();
  const Emitted emitted = Emit(toy.graph);
  return Calibrate(toy.graph, emitted.model, emitted.file.tensor_of_value, source, threads, progress);
}

TEST(Calibrate, ObservesInputsAndEveryOperator) {
  const ToyGraph toy = TwoSums();
  const auto calibration = CalibrateOn(CountingSource(11));
  ASSERT_TRUE(calibration.ok()) << calibration.error().message();
  EXPECT_EQ(calibration->samples_used, 11u);
  ASSERT_EQ(calibration->tensors.size(), toy.graph.values.size());
  std::map<std::string, Range> of_name;
  for (size_t id = 0; id < toy.graph.values.size(); ++id) {
    of_name[toy.graph.values[id].name] = calibration->tensors[id].MinMax();
    if (toy.graph.values[id].name != "x") continue;
    EXPECT_EQ(calibration->channels[id].Min(0), 0);
    EXPECT_EQ(calibration->channels[id].Max(0), 10);
    EXPECT_EQ(calibration->channels[id].Mean(1), -5);
  }
  EXPECT_EQ(of_name["x"], (Range{-10, 10}));
  EXPECT_EQ(of_name["y"], (Range{-4, 0}));  // after the clamp
  EXPECT_EQ(of_name["z"], (Range{-10, 0}));
  EXPECT_FALSE(of_name["a"].seen());
  EXPECT_FALSE(of_name["b"].seen());
}

TEST(Calibrate, DoesNotDependOnTheNumberOfThreads) {
  const CountingSource source(37, {3, 20, 36});
  const auto one = CalibrateOn(source, 1);
  ASSERT_TRUE(one.ok());
  for (int threads : {2, 3, 16}) {
    const auto many = CalibrateOn(source, threads);
    ASSERT_TRUE(many.ok());
    for (const ObserverKind& kind : ObserverKinds())
      EXPECT_EQ(many->Ranges(kind), one->Ranges(kind)) << kind.name;
    ASSERT_EQ(many->failures.size(), 3u);
    EXPECT_EQ(many->failures[1].sample, "sample 20");
  }
}

TEST(Calibrate, SkipsBrokenSamplesAndListsThem) {
  const auto calibration = CalibrateOn(CountingSource(6, {5, 0}));
  ASSERT_TRUE(calibration.ok());
  EXPECT_EQ(calibration->samples_used, 4u);
  ASSERT_EQ(calibration->failures.size(), 2u);
  EXPECT_EQ(calibration->failures[0].sample, "sample 0");
  EXPECT_EQ(calibration->failures[1].message, "sample 5 is broken");
  EXPECT_EQ(calibration->tensors[0].MinMax(), (Range{-4, 4}));
}

TEST(Calibrate, FailsIfNoSampleIsUsable) {
  const auto calibration = CalibrateOn(CountingSource(2, {0, 1}));
  ASSERT_FALSE(calibration.ok());
  EXPECT_NE(calibration.error().message().find("none of the 2"), std::string::npos);
  EXPECT_NE(calibration.error().message().find("sample 0 is broken"), std::string::npos);
}

TEST(Calibrate, ReportsProgress) {
  size_t calls = 0, last_total = 0;
  const auto calibration = CalibrateOn(CountingSource(9), 2, [&](size_t done, size_t total) {
    EXPECT_EQ(done, ++calls);
    last_total = total;
  });
  ASSERT_TRUE(calibration.ok());
  EXPECT_EQ(calls, 9u);
  EXPECT_EQ(last_total, 9u);
}

TEST(CompareModels, FindsAModelEqualToItself) {
  const Emitted emitted = Emit(TwoSums().graph);
  const auto comparison = CompareModels(emitted.model, emitted.model, CountingSource(10, {1}), 4);
  ASSERT_TRUE(comparison.ok());
  EXPECT_EQ(comparison->samples, 4u);
  ASSERT_EQ(comparison->outputs.size(), 2u);
  EXPECT_EQ(comparison->outputs[0].name, "y");
  EXPECT_TRUE(std::isinf(comparison->outputs[0].sqnr_db));
  EXPECT_DOUBLE_EQ(comparison->outputs[0].cosine, 1.0);
}

TEST(CompareModels, MeasuresADifference) {
  ToyGraph toy = TwoSums();
  const Emitted reference = Emit(toy.graph);
  for (Value& value : toy.graph.values) {
    // z = x0 + 1.9 x1: -0.9 i where the reference has -i, an error of a tenth.
    if (value.name == "b") value = FloatConstant("b", {1, 2}, {1, 1.9f});
  }
  const Emitted candidate = Emit(toy.graph);
  const auto comparison = CompareModels(reference.model, candidate.model, CountingSource(5), 5);
  ASSERT_TRUE(comparison.ok());
  EXPECT_NEAR(comparison->outputs[1].sqnr_db, 20.0, 1e-4);
  EXPECT_NEAR(comparison->outputs[1].cosine, 1.0, 1e-9);
}

}  // namespace
}  // namespace qrun::converter
