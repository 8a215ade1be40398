// Attributes that moved to inputs, and operators whose meaning changed between opsets.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/converter/naive_eval.h"
#include "tests/converter/onnx_model.h"

namespace qrun::converter {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(ClipTest, AttributesBeforeOpset11) {
  OnnxModel model(6 + 1);
  model.Input("x", {1, 4}).Output("y").Node("Clip", {"x"}, {"y"}).Float("min", -1).Float("max", 2);
  const fb::UnaryT& op = FindOptions<fb::UnaryT>(model.MustImport());
  EXPECT_EQ(op.kind, fb::UnaryKind::Clamp);
  EXPECT_EQ(op.alpha, -1);
  EXPECT_EQ(op.beta, 2);
}

TEST(ClipTest, InputsSinceOpset11) {
  OnnxModel model(11);
  model.Input("x", {1, 4}).Output("y").Floats("max", {}, {6}).Node("Clip", {"x", "", "max"}, {"y"});
  const Graph graph = model.MustImport();
  EXPECT_EQ(FindOptions<fb::UnaryT>(graph).alpha, -kInfinity);
  EXPECT_EQ(FindOptions<fb::UnaryT>(graph).beta, 6);
}

TEST(ClipTest, AttributesMeanNothingSinceOpset11) {
  OnnxModel model(13);
  model.Input("x", {1, 4}).Output("y").Node("Clip", {"x"}, {"y"}).Float("min", -1).Float("max", 2);
  const Graph graph = model.MustImport();
  EXPECT_EQ(FindOptions<fb::UnaryT>(graph).alpha, -kInfinity);
  EXPECT_EQ(FindOptions<fb::UnaryT>(graph).beta, kInfinity);
}

TEST(ClipTest, BoundComputedAtRunTimeIsRefused) {
  OnnxModel model(11);
  model.Input("x", {1, 4}).Input("lo", {1}).Output("y").Node("Clip", {"x", "lo"}, {"y"});
  const Result<Graph> graph = model.Import();
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().code(), StatusCode::kUnsupported);
  EXPECT_NE(graph.error().message().find("computed at run time"), std::string::npos)
      << graph.error().message();
}

TEST(SqueezeTest, AxesFromAttributeAndInput) {
  OnnxModel old(11);
  old.Input("x", {1, 3, 1, 1}).Output("y").Node("Squeeze", {"x"}, {"y"}).Ints("axes", {2, 3});
  EXPECT_EQ(OutputShape(old.MustImport()), (Shape{1, 3}));
  OnnxModel recent(13);
  recent.Input("x", {1, 3, 1, 1}).Output("y").Ints("axes", {1}, {-1}).Node("Squeeze", {"x", "axes"}, {"y"});
  EXPECT_EQ(OutputShape(recent.MustImport()), (Shape{1, 3, 1}));
}

TEST(SqueezeTest, WithoutAxesTheBatchStays) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 1, 1}).Output("y").Node("Squeeze", {"x"}, {"y"});
  EXPECT_EQ(OutputShape(model.MustImport()), (Shape{1, 3}));
}

TEST(SqueezeTest, RemovingTheBatchIsRefused) {
  OnnxModel model(11);
  model.Input("x", {1, 3}).Output("y").Node("Squeeze", {"x"}, {"y"}).Ints("axes", {0});
  EXPECT_FALSE(model.Import().ok());
}

TEST(UnsqueezeTest, AxesCountInTheOutput) {
  OnnxModel model(13);
  model.Input("x", {1, 3}).Output("y").Ints("axes", {2}, {-1, 1}).Node("Unsqueeze", {"x", "axes"}, {"y"});
  EXPECT_EQ(OutputShape(model.MustImport()), (Shape{1, 1, 3, 1}));
}

// Softmax over [1,2,2] with x = log of 1 2 3 4: opset 12 normalises all behind axis 1, opset 13 one axis.
std::vector<float> LogOf1234() { return {0, std::log(2.0f), std::log(3.0f), std::log(4.0f)}; }

TEST(SoftmaxTest, FlattensBeforeOpset13) {
  OnnxModel model(12);
  model.Input("x", {1, 2, 2}).Output("y").Node("Softmax", {"x"}, {"y"});
  EXPECT_LT(MaxDifference({0.1f, 0.2f, 0.3f, 0.4f}, EvalOne(model.MustImport(), LogOf1234())), 1e-6);
}

TEST(SoftmaxTest, TakesTheLastAxisSinceOpset13) {
  OnnxModel model(13);
  model.Input("x", {1, 2, 2}).Output("y").Node("Softmax", {"x"}, {"y"});
  EXPECT_LT(MaxDifference({1 / 3.0f, 2 / 3.0f, 3 / 7.0f, 4 / 7.0f}, EvalOne(model.MustImport(), LogOf1234())),
            1e-6);
}

TEST(SoftmaxTest, TakesTheAxisNamed) {
  OnnxModel model(13);
  model.Input("x", {1, 2, 2}).Output("y").Node("Softmax", {"x"}, {"y"}).Int("axis", 1);
  EXPECT_LT(MaxDifference({1 / 4.0f, 2 / 6.0f, 3 / 4.0f, 4 / 6.0f}, EvalOne(model.MustImport(), LogOf1234())),
            1e-6);
}

TEST(LogSoftmaxTest, IsTheLogarithm) {
  OnnxModel model(13);
  model.Input("x", {1, 4}).Output("y").Node("LogSoftmax", {"x"}, {"y"});
  const std::vector<float> want = {std::log(0.1f), std::log(0.2f), std::log(0.3f), std::log(0.4f)};
  EXPECT_LT(MaxDifference(want, EvalOne(model.MustImport(), LogOf1234())), 1e-6);
}

TEST(PadTest, AttributesBeforeOpset11) {
  OnnxModel model(10);
  model.Input("x", {1, 1, 2, 2})
      .Output("y")
      .Node("Pad", {"x"}, {"y"})
      .Ints("pads", {0, 0, 1, 0, 0, 0, 0, 1})
      .Float("value", 5);
  const Graph graph = model.MustImport();
  EXPECT_EQ(OutputShape(graph), (Shape{1, 1, 3, 3}));
  EXPECT_EQ(EvalOne(graph, {1, 2, 3, 4}), (std::vector<float>{5, 5, 5, 1, 2, 5, 3, 4, 5}));
}

TEST(PadTest, InputsSinceOpset11) {
  OnnxModel model(11);
  model.Input("x", {1, 1, 2, 2})
      .Output("y")
      .Ints("pads", {8}, {0, 0, 1, 0, 0, 0, 0, 1})
      .Floats("value", {}, {5});
  model.Node("Pad", {"x", "pads", "value"}, {"y"});
  EXPECT_EQ(EvalOne(model.MustImport(), {1, 2, 3, 4}), (std::vector<float>{5, 5, 5, 1, 2, 5, 3, 4, 5}));
}

TEST(PadTest, AxesSinceOpset18AndNegativePadsCut) {
  OnnxModel model(18);
  model.Input("x", {1, 1, 2, 2}).Output("y").Ints("pads", {2}, {-1, 1}).Ints("axes", {1}, {-1});
  model.Node("Pad", {"x", "pads", "", "axes"}, {"y"});
  EXPECT_EQ(EvalOne(model.MustImport(), {1, 2, 3, 4}), (std::vector<float>{2, 0, 4, 0}));
}

TEST(PadTest, OtherModesAreRefused) {
  OnnxModel model(10);
  model.Input("x", {1, 1, 2, 2})
      .Output("y")
      .Node("Pad", {"x"}, {"y"})
      .Ints("pads", {0, 0, 1, 0, 0, 0, 0, 1})
      .String("mode", "reflect");
  const Result<Graph> graph = model.Import();
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.error().message().find("reflect"), std::string::npos);
}

OnnxModel NormModel(int64_t opset, int outputs) {
  OnnxModel model(opset);
  model.Input("x", {1, 2, 1, 2}).Output("y").RandomNorm("bn", 2, 1);
  std::vector<std::string> names = {"y", "mean", "var", "saved_mean", "saved_var"};
  names.resize(outputs);
  model.Node("BatchNormalization", {"x", "bn.0", "bn.1", "bn.2", "bn.3"}, names).Float("epsilon", 0.5f);
  return model;
}

TEST(BatchNormTest, EveryOpsetReads) {
  for (int64_t opset : {7, 9, 14, 15, 22}) {
    const Graph graph = NormModel(opset, 1).MustImport();
    EXPECT_EQ(FindOptions<BatchNorm>(graph).epsilon, 0.5f) << "opset " << opset;
  }
}

TEST(BatchNormTest, SpareOutputsOfOldOpsetsMayBeNamed) { EXPECT_TRUE(NormModel(7, 5).Import().ok()); }

TEST(BatchNormTest, UseOfASpareOutputIsRefused) {
  OnnxModel model = NormModel(7, 2);
  model.Node("Relu", {"mean"}, {"z"});
  model.Output("z");
  EXPECT_FALSE(model.Import().ok());
}

TEST(BatchNormTest, TrainingModeIsRefused) {
  OnnxModel model(15);
  model.Input("x", {1, 2, 1, 2}).Output("y").RandomNorm("bn", 2, 1);
  model.Node("BatchNormalization", {"x", "bn.0", "bn.1", "bn.2", "bn.3"}, {"y"}).Int("training_mode", 1);
  const Result<Graph> graph = model.Import();
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.error().message().find("training"), std::string::npos);
}

TEST(BatchNormTest, PerPixelNormalisationOfOpset7IsRefused) {
  OnnxModel model(7);
  model.Input("x", {1, 2, 1, 2}).Output("y").RandomNorm("bn", 2, 1);
  model.Node("BatchNormalization", {"x", "bn.0", "bn.1", "bn.2", "bn.3"}, {"y"}).Int("spatial", 0);
  EXPECT_FALSE(model.Import().ok());
}

TEST(DropoutTest, IsTheIdentityInBothForms) {
  OnnxModel old(7);
  old.Input("x", {1, 2}).Output("y").Node("Dropout", {"x"}, {"d", "mask"}).Float("ratio", 0.5f);
  old.Node("Neg", {"d"}, {"y"});
  EXPECT_EQ(EvalOne(old.MustImport(), {1, 2}), (std::vector<float>{-1, -2}));
  OnnxModel recent(12);
  recent.Input("x", {1, 2}).Output("y").Floats("ratio", {}, {0.5f}).Node("Dropout", {"x", "ratio"}, {"d"});
  recent.Node("Neg", {"d"}, {"y"});
  EXPECT_EQ(EvalOne(recent.MustImport(), {1, 2}), (std::vector<float>{-1, -2}));
}

TEST(SliceTest, AttributesBeforeOpset10InputsSince) {
  const std::vector<float> x = {0, 1, 2, 3, 4, 5};
  OnnxModel old(9);
  old.Input("x", {1, 6})
      .Output("y")
      .Node("Slice", {"x"}, {"y"})
      .Ints("starts", {1})
      .Ints("ends", {-1})
      .Ints("axes", {1});
  EXPECT_EQ(EvalOne(old.MustImport(), x), (std::vector<float>{1, 2, 3, 4}));
  OnnxModel recent(10);
  recent.Input("x", {1, 6}).Output("y").Ints("s", {1}, {-5}).Ints("e", {1}, {1 << 30}).Ints("a", {1}, {-1});
  recent.Ints("t", {1}, {2}).Node("Slice", {"x", "s", "e", "a", "t"}, {"y"});
  EXPECT_EQ(EvalOne(recent.MustImport(), x), (std::vector<float>{1, 3, 5}));
}

TEST(SplitTest, PartsFromAttributeInputOrCount) {
  const std::vector<float> x = {0, 1, 2, 3, 4};
  OnnxModel old(11);
  old.Input("x", {1, 5}).Output("b").Node("Split", {"x"}, {"a", "b"}).Int("axis", 1).Ints("split", {2, 3});
  EXPECT_EQ(EvalOne(old.MustImport(), x), (std::vector<float>{2, 3, 4}));
  OnnxModel recent(13);
  recent.Input("x", {1, 5})
      .Output("b")
      .Ints("split", {2}, {4, 1})
      .Node("Split", {"x", "split"}, {"a", "b"})
      .Int("axis", 1);
  EXPECT_EQ(EvalOne(recent.MustImport(), x), (std::vector<float>{4}));
  OnnxModel counted(18);
  counted.Input("x", {1, 5})
      .Output("b")
      .Node("Split", {"x"}, {"a", "b"})
      .Int("axis", 1)
      .Int("num_outputs", 2);
  EXPECT_EQ(EvalOne(counted.MustImport(), x), (std::vector<float>{3, 4}));
}

TEST(ReduceTest, AxesFromAttributeAndInput) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8};
  OnnxModel old(13);
  old.Input("x", {1, 2, 2, 2})
      .Output("y")
      .Node("ReduceMean", {"x"}, {"y"})
      .Ints("axes", {2, 3})
      .Int("keepdims", 0);
  EXPECT_EQ(OutputShape(old.MustImport()), (Shape{1, 2}));
  EXPECT_EQ(EvalOne(old.MustImport(), x), (std::vector<float>{2.5f, 6.5f}));
  OnnxModel recent(18);
  recent.Input("x", {1, 2, 2, 2})
      .Output("y")
      .Ints("axes", {2}, {-1, -2})
      .Node("ReduceMax", {"x", "axes"}, {"y"});
  EXPECT_EQ(OutputShape(recent.MustImport()), (Shape{1, 2, 1, 1}));
  EXPECT_EQ(EvalOne(recent.MustImport(), x), (std::vector<float>{4, 8}));
  OnnxModel sum(13);
  sum.Input("x", {1, 2, 2, 2})
      .Output("y")
      .Ints("axes", {1}, {1})
      .Node("ReduceSum", {"x", "axes"}, {"y"})
      .Int("keepdims", 0);
  EXPECT_EQ(OutputShape(sum.MustImport()), (Shape{1, 2, 2}));
  EXPECT_EQ(EvalOne(sum.MustImport(), x), (std::vector<float>{6, 8, 10, 12}));
}

TEST(ReduceTest, OverTheBatchIsRefused) {
  OnnxModel model(13);
  model.Input("x", {1, 2, 2}).Output("y").Node("ReduceMean", {"x"}, {"y"});
  EXPECT_FALSE(model.Import().ok());
}

}  // namespace
}  // namespace qrun::converter
