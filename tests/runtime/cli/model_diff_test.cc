#include "runtime/cli/model_diff.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model_builder.h"

namespace qrun::cli {
namespace {

using tests::ModelBuilder;

// A convolution of int8 weights and bias, and a slice of its output.
class Pair {
 public:
  Pair() {
    src = builder.Int8("src", {1, 2, 2, 2}, 0.5f, 1);
    const int wei = builder.Int8Constant("wei", {2, 1, 1, 2}, {10, 20, 30, 40}, {0.5f, 0.25f}, 0);
    const int bia = builder.Int32Constant("bia", {2}, {100, 200});
    const int mid = builder.Int8("mid", {1, 2, 2, 2}, 0.1f, 0);
    const int dst = builder.Int8("dst", {1, 1, 2, 2}, 0.1f, 0);
    builder.Op(fb::Conv2DT(), {src, wei, bia}, mid);
    fb::SliceT slice;
    slice.begin = {0, 0, 0, 0};
    slice.stride = {1, 1, 1, 1};
    builder.Op(slice, {mid}, dst);
    builder.model.inputs = {src};
    builder.model.outputs = {dst};
    auto& from = builder.model.provenance = std::make_unique<fb::ProvenanceT>();
    from->options = "--dtype int8";
    from->recipe = {"min-max: no repair"};
  }
  Model Finish() {
    auto model = Model::FromBytes(builder.Finish());
    EXPECT_TRUE(model.ok()) << model.error().message();
    return *model;
  }
  fb::ModelT& model() { return builder.model; }
  int8_t* Weights() { return reinterpret_cast<int8_t*>(model().buffers[1]->data.data()); }

  ModelBuilder builder;
  int src = 0;
};

nlohmann::json DiffOf(Pair& changed) { return DiffModels(Pair().Finish(), changed.Finish()); }

TEST(ModelDiff, AModelEqualsItself) {
  Pair same;
  const auto diff = DiffOf(same);
  EXPECT_TRUE(diff["equal"]) << diff.dump(1);
  EXPECT_EQ(diff["same_operators"], 2);
  EXPECT_EQ(DiffText(diff), "the models are equal\n");
}

TEST(ModelDiff, WeightsAreComparedInRealNumbers) {
  Pair changed;
  changed.Weights()[1] = 24;
  const auto diff = DiffOf(changed);
  EXPECT_FALSE(diff["equal"]);
  ASSERT_EQ(diff["operators"].size(), 1u);
  const auto& constants = diff["operators"][0]["constants"];
  ASSERT_EQ(constants.size(), 1u);
  EXPECT_EQ(constants[0]["name"], "wei");
  EXPECT_EQ(constants[0]["different"], 1);
  EXPECT_EQ(constants[0]["max_abs"], 2.0);  // 4 steps of 0.5
  // 5^2 + 10^2 + 7.5^2 + 10^2 over 2^2
  EXPECT_NEAR(constants[0]["sqnr_db"].get<double>(), 10 * std::log10(281.25 / 4), 1e-9);
  EXPECT_NE(DiffText(diff).find("wei: 1 of 4 values differ, by up to 2, SQNR 18.5 dB"), std::string::npos)
      << DiffText(diff);
}

TEST(ModelDiff, BiasesAreInUnitsOfInputAndWeights) {
  Pair changed;
  const int32_t bias[] = {100, 208};
  std::memcpy(changed.model().buffers[2]->data.data(), bias, sizeof(bias));
  const auto diff = DiffOf(changed);
  EXPECT_EQ(diff["operators"][0]["constants"][0]["max_abs"], 8 * 0.5 * 0.25);
}

TEST(ModelDiff, OtherUnitsOfTheSameWeightsAreADifference) {
  Pair changed;
  for (int i = 0; i < 4; ++i) changed.Weights()[i] /= 2;
  changed.model().tensors[1]->quantization->scale = {1.0f, 0.5f};
  // The bias is in units of the weights.
  const int32_t bias[] = {50, 100};
  std::memcpy(changed.model().buffers[2]->data.data(), bias, sizeof(bias));
  const auto diff = DiffOf(changed);
  EXPECT_FALSE(diff["equal"]);
  EXPECT_EQ(diff["operators"][0]["constants"][0]["different"], 0);
  EXPECT_TRUE(diff["operators"][0]["constants"][0]["sqnr_db"].is_null());
}

TEST(ModelDiff, OptionsThatNoOtherFieldShowsAreADifference) {
  Pair changed;
  changed.model().operators[1]->options.AsSlice()->begin[1] = 1;
  const auto diff = DiffOf(changed);
  ASSERT_EQ(diff["operators"].size(), 1u);
  EXPECT_EQ(diff["operators"][0]["differences"][0]["what"], "options");
}

TEST(ModelDiff, ScalesShapesAndProvenanceAreNamed) {
  Pair changed;
  for (int tensor : {3, 4}) changed.model().tensors[tensor]->quantization->scale = {0.2f};
  changed.model().provenance->recipe = {"min-max: no repair", "equalise: 3 channels"};
  const auto diff = DiffOf(changed);
  EXPECT_EQ(diff["operators"][0]["differences"][0]["what"], "scale");
  ASSERT_EQ(diff["model"].size(), 3u) << diff.dump(1);  // the file grew too
  EXPECT_EQ(diff["model"][0]["what"], "file_bytes");
  EXPECT_EQ(diff["model"][1]["what"], "outputs");
  EXPECT_EQ(diff["model"][2]["what"], "provenance.recipe");
}

TEST(ModelDiff, OperatorsWithoutACounterpartAreListed) {
  Pair changed;
  changed.model().operators[0]->name = "renamed";
  const auto diff = DiffOf(changed);
  ASSERT_EQ(diff["only_a"].size(), 1u);
  EXPECT_EQ(diff["only_a"][0]["name"], "op0");
  EXPECT_EQ(diff["only_b"][0]["name"], "renamed");
  EXPECT_EQ(diff["same_operators"], 1);
}

}  // namespace
}  // namespace qrun::cli
