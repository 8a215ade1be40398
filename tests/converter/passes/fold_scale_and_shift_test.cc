#include "tests/converter/passes/pass_check.h"

namespace qrun::converter {
namespace {

// Conv(3 -> 4) followed by op with a constant of this shape.
Graph ConvThen(const char* op, const Shape& shape) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 4, 4}).Output("y").Random("w", {4, 3, 3, 3}, 1).Random("c", shape, 2);
  model.Node("Conv", {"x", "w"}, {"h"}).Ints("pads", {1, 1, 1, 1});
  model.Node(op, {"h", "c"}, {"y"});
  return model.MustImport();
}

TEST(FoldScaleAndShiftTest, PerChannelAndScalar) {
  for (const char* op : {"Mul", "Add", "Sub", "Div"}) {
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{4, 1, 1}, Shape{1, 4, 1, 1}, Shape{1, 1, 1, 1}}) {
      Graph graph = ConvThen(op, shape);
      EXPECT_EQ(Apply("fold_scale_and_shift", graph), 1) << op << ShapeString(shape);
      EXPECT_EQ(graph.nodes.size(), 1u);
    }
  }
}

TEST(FoldScaleAndShiftTest, NotPerPixelNorOtherKinds) {
  Graph columns = ConvThen("Add", {4});  // along the width, which also has 4
  EXPECT_EQ(Apply("fold_scale_and_shift", columns), 0);
  Graph full = ConvThen("Mul", {4, 4, 4});
  EXPECT_EQ(Apply("fold_scale_and_shift", full), 0);
  Graph max = ConvThen("Max", {4, 1, 1});
  EXPECT_EQ(Apply("fold_scale_and_shift", max), 0);
}

TEST(FoldScaleAndShiftTest, TheBiasOfALinearLayerOnSequences) {
  OnnxModel model(13);
  model.Input("x", {1, 5, 3})
      .Output("y")
      .Random("w", {3, 4}, 1)
      .Random("b", {4}, 2)
      .Node("MatMul", {"x", "w"}, {"h"});
  model.Node("Add", {"b", "h"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_scale_and_shift", graph), 1);
}

TEST(FoldScaleAndShiftTest, NotWithASecondReader) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 4, 4}).Output("y").Random("w", {4, 3, 3, 3}, 1).Floats("c", {}, {2});
  model.Node("Conv", {"x", "w"}, {"h"});
  model.Node("Mul", {"h", "c"}, {"m"});
  model.Node("Add", {"m", "h"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_scale_and_shift", graph), 0);
}

TEST(FoldScaleAndShiftTest, TheActivationBehindStays) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 4, 4}).Output("y").Random("w", {4, 3, 3, 3}, 1).Random("c", {4, 1, 1}, 2);
  model.Node("Conv", {"x", "w"}, {"h"});
  model.Node("Add", {"h", "c"}, {"a"});
  model.Node("Relu", {"a"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fuse_activations", graph), 1);  // into the Add
  EXPECT_EQ(Apply("fold_scale_and_shift", graph), 1);
  ASSERT_NE(FindOptions<fb::Conv2DT>(graph).clamp, nullptr);
}

// conv -> add -> norm -> mul: whatever stands between, one convolution remains.
TEST(FoldScaleAndShiftTest, ChainsFoldCompletely) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 4, 4}).Output("y").Random("w", {4, 3, 3, 3}, 1).Random("c", {4, 1, 1}, 2);
  model.RandomNorm("bn", 4, 3).Floats("s", {}, {3});
  model.Node("Conv", {"x", "w"}, {"h"});
  model.Node("Add", {"h", "c"}, {"a"});
  model.Node("BatchNormalization", {"a", "bn.0", "bn.1", "bn.2", "bn.3"}, {"b"});
  model.Node("Mul", {"b", "s"}, {"m"});
  model.Node("Relu", {"m"}, {"y"});
  EXPECT_EQ(Canonical(model.MustImport()).nodes.size(), 1u);
}

}  // namespace
}  // namespace qrun::converter
