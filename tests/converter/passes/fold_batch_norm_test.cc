#include "tests/converter/passes/pass_check.h"

namespace qrun::converter {
namespace {

OnnxModel ConvNorm(bool bias) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 5, 5})
      .Output("y")
      .Random("w", {4, 3, 3, 3}, 1)
      .Random("b", {4}, 2)
      .RandomNorm("bn", 4, 3);
  model.Node("Conv", bias ? std::vector<std::string>{"x", "w", "b"} : std::vector<std::string>{"x", "w"},
             {"c"});
  model.Node("BatchNormalization", {"c", "bn.0", "bn.1", "bn.2", "bn.3"}, {"y"});
  return model;
}

TEST(FoldBatchNormTest, IntoAConvolution) {
  for (bool bias : {false, true}) {
    Graph graph = ConvNorm(bias).MustImport();
    EXPECT_EQ(Apply("fold_batch_norm", graph), 1);
    EXPECT_EQ(graph.nodes.size(), 1u);
    EXPECT_EQ(graph.values[graph.nodes[0].outputs[0]].name, "y");
  }
}

TEST(FoldBatchNormTest, TheComparisonSeesAWrongWeight) {
  const Graph before = ConvNorm(true).MustImport();
  Graph after = before;
  ASSERT_TRUE(RunPass("fold_batch_norm", after).ok());
  Value& wei = after.values[after.nodes[0].inputs[1]];
  std::vector<float> elements(Floats(wei).begin(), Floats(wei).end());
  elements[0] += 1e-3f;
  wei = FloatConstant(wei.name, wei.shape, elements);
  EXPECT_GT(Difference(before, after), 1e-5);
}

TEST(FoldBatchNormTest, IntoGroupedAndTransposedConvolutions) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 5, 5}).Output("y").Random("w", {4, 3, 2, 2}, 1).RandomNorm("bn", 6, 3);
  model.Node("ConvTranspose", {"x", "w"}, {"c"}).Int("group", 2).Ints("strides", {2, 2});
  model.Node("BatchNormalization", {"c", "bn.0", "bn.1", "bn.2", "bn.3"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_batch_norm", graph), 1);
}

TEST(FoldBatchNormTest, IntoAFullyConnected) {
  OnnxModel model(13);
  model.Input("x", {1, 3})
      .Output("y")
      .Random("w", {3, 4}, 1)
      .RandomNorm("bn", 4, 3)
      .Node("Gemm", {"x", "w"}, {"c"});
  model.Node("BatchNormalization", {"c", "bn.0", "bn.1", "bn.2", "bn.3"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_batch_norm", graph), 1);
}

TEST(FoldBatchNormTest, NotIntoAMatrixProductWithChannelsLast) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 3})
      .Output("y")
      .Random("w", {3, 4}, 1)
      .RandomNorm("bn", 4, 3)
      .Node("MatMul", {"x", "w"}, {"c"});
  model.Node("BatchNormalization", {"c", "bn.0", "bn.1", "bn.2", "bn.3"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_batch_norm", graph), 0);
}

TEST(FoldBatchNormTest, NotWhereTheConvolutionHasAnotherReader) {
  OnnxModel model = ConvNorm(true);
  model.Node("Relu", {"c"}, {"z"});
  model.Output("z");
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_batch_norm", graph), 0);
}

TEST(FoldBatchNormTest, NotWhereTheConvolutionIsAnOutput) {
  OnnxModel model = ConvNorm(true);
  model.Output("c");
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_batch_norm", graph), 0);
}

TEST(FoldBatchNormTest, NotBehindAnActivation) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 5, 5}).Output("y").Random("w", {4, 3, 3, 3}, 1).RandomNorm("bn", 4, 3);
  model.Node("Conv", {"x", "w"}, {"c"});
  model.Node("Relu", {"c"}, {"r"});
  model.Node("BatchNormalization", {"r", "bn.0", "bn.1", "bn.2", "bn.3"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_batch_norm", graph), 0);
  EXPECT_EQ(Apply("fuse_activations", graph), 1);
  EXPECT_EQ(Apply("fold_batch_norm", graph), 0);  // the convolution has a clamp now
}

TEST(FoldBatchNormTest, SharedWeightsAreFoldedApart) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 5, 5}).Output("y").Output("z").Random("w", {3, 3, 1, 1}, 1).RandomNorm("bn", 3, 3);
  model.Node("Conv", {"x", "w"}, {"c"});
  model.Node("BatchNormalization", {"c", "bn.0", "bn.1", "bn.2", "bn.3"}, {"y"});
  model.Node("Conv", {"y", "w"}, {"z"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_batch_norm", graph), 1);
}

TEST(FoldBatchNormTest, KeepsWhatItKnewOfTraining) {
  OnnxModel model = ConvNorm(true);
  model.Floats("s", {1, 4, 1, 1}, {-2, 1, 0.5f, 3}).Floats("t", {1, 4, 1, 1}, {1, 2, 3, 4});
  model.Node("Mul", {"y", "s"}, {"scaled"});
  model.Node("Add", {"scaled", "t"}, {"shifted"});
  model.Node("Relu", {"shifted"}, {"z"});
  model.Output("z");
  Graph source = model.MustImport();
  source.outputs.erase(source.outputs.begin());  // y: it is read once
  const auto elements = [&](const std::string& name) {
    for (const Value& value : source.values) {
      if (value.name == name) return std::vector<float>(Floats(value).begin(), Floats(value).end());
    }
    return std::vector<float>();
  };
  const auto gamma = elements("bn.0"), beta = elements("bn.1"), scale = elements("s"), shift = elements("t");
  const Graph graph = Canonical(source);
  ASSERT_EQ(graph.nodes.size(), 1u);
  const auto& norm = graph.nodes[0].norm;
  ASSERT_NE(norm, nullptr);
  EXPECT_EQ(norm->mean, elements("bn.2"));
  EXPECT_EQ(norm->variance, elements("bn.3"));
  for (size_t c = 0; c < 4; ++c) {
    EXPECT_NEAR(norm->output_mean[c], beta[c] * scale[c] + shift[c], 1e-5);
    EXPECT_NEAR(norm->output_std[c], std::abs(gamma[c] * scale[c]), 1e-4);  // epsilon is 1e-5
  }
}

TEST(LowerBatchNormTest, OnImagesADepthwiseConvolution) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 5, 5}).Output("y").RandomNorm("bn", 4, 3);
  model.Node("BatchNormalization", {"x", "bn.0", "bn.1", "bn.2", "bn.3"}, {"b"});
  model.Node("Relu", {"b"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("lower_batch_norm", graph), 1);
  const Graph canonical = Canonical(model.MustImport());
  ASSERT_EQ(canonical.nodes.size(), 1u);
  EXPECT_EQ(FindOptions<fb::DepthwiseConv2DT>(canonical).clamp->min(), 0);
  ASSERT_NE(canonical.nodes[0].norm, nullptr);
  EXPECT_EQ(canonical.nodes[0].norm->output_mean.size(), 4u);
}

TEST(LowerBatchNormTest, OnOtherRanksMulAndAdd) {
  for (const Shape& shape : {Shape{1, 4}, Shape{1, 4, 3}}) {
    OnnxModel model(13);
    model.Input("x", shape).Output("y").RandomNorm("bn", 4, 3);
    model.Node("BatchNormalization", {"x", "bn.0", "bn.1", "bn.2", "bn.3"}, {"y"});
    Graph graph = model.MustImport();
    EXPECT_EQ(Apply("lower_batch_norm", graph), 1);
    EXPECT_EQ(CountNodes<fb::BinaryT>(graph), 2);
    Canonical(model.MustImport());
  }
}

}  // namespace
}  // namespace qrun::converter
