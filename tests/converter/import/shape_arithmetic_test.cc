// Sub-graphs that compute shapes leave no operator behind.
#include <gtest/gtest.h>

#include "tests/converter/naive_eval.h"
#include "tests/converter/onnx_model.h"

namespace qrun::converter {
namespace {

TEST(ShapeArithmeticTest, FlattenAsExportersSpellIt) {
  OnnxModel model(11);
  model.Input("x", {-1, 2, 3, 4}).Output("y");
  model.Node("Shape", {"x"}, {"shape"});
  model.Ints("zero", {}, {0}).Node("Gather", {"shape", "zero"}, {"n"});
  model.Node("Unsqueeze", {"n"}, {"n1"}).Ints("axes", {0});
  model.Ints("rest", {1}, {-1}).Node("Concat", {"n1", "rest"}, {"target"}).Int("axis", 0);
  model.Node("Reshape", {"x", "target"}, {"y"});
  const Graph graph = model.MustImport();
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(OutputShape(graph), (Shape{1, 24}));
}

TEST(ShapeArithmeticTest, ChannelShuffleAsExportersSpellIt) {
  OnnxModel model(13);
  model.Input("x", {-1, 4, 2, 2}).Output("y");
  model.Node("Shape", {"x"}, {"shape"});
  for (int i = 0; i < 4; ++i) {
    const std::string s = std::to_string(i);
    model.Ints("i" + s, {}, {i}).Node("Gather", {"shape", "i" + s}, {"d" + s});
  }
  model.Ints("two", {}, {2}).Node("Div", {"d1", "two"}, {"half"});
  model.Node("Cast", {"half"}, {"half64"}).Int("to", onnx::TensorProto::INT64);
  model.Ints("axis0", {1}, {0});
  for (const char* name : {"d0", "two", "half64", "d2", "d3", "d1"}) {
    model.Node("Unsqueeze", {name, "axis0"}, {std::string(name) + "_1"});
  }
  model.Node("Concat", {"d0_1", "two_1", "half64_1", "d2_1", "d3_1"}, {"split"}).Int("axis", 0);
  model.Node("Reshape", {"x", "split"}, {"a"});
  model.Node("Transpose", {"a"}, {"b"}).Ints("perm", {0, 2, 1, 3, 4});
  model.Node("Concat", {"d0_1", "d1_1", "d2_1", "d3_1"}, {"merged"}).Int("axis", 0);
  model.Node("Reshape", {"b", "merged"}, {"y"});
  const Graph graph = model.MustImport();
  EXPECT_EQ(graph.nodes.size(), 3u);
  const std::vector<float> y = EvalOne(graph, {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3});
  EXPECT_EQ(y, (std::vector<float>{0, 0, 0, 0, 2, 2, 2, 2, 1, 1, 1, 1, 3, 3, 3, 3}));
}

TEST(ShapeArithmeticTest, ShapeTakesBoundsSinceOpset15) {
  OnnxModel model(15);
  model.Input("x", {1, 2, 3, 4}).Output("y").Node("Shape", {"x"}, {"hw"}).Int("start", -2);
  model.Ints("front", {2}, {1, 2}).Node("Concat", {"front", "hw"}, {"s"}).Int("axis", 0);
  model.Node("Reshape", {"x", "s"}, {"r"});
  model.Node("Relu", {"r"}, {"y"});
  EXPECT_EQ(OutputShape(model.MustImport()), (Shape{1, 2, 3, 4}));
}

// The padding list of PyTorch: zeros made, joined, turned backwards by pairs, cast.
TEST(ShapeArithmeticTest, PadsComputed) {
  OnnxModel model(11);
  model.Input("x", {1, 1, 2, 2}).Output("y");
  model.Ints("pads", {4}, {1, 0, 0, 2}).Ints("count", {1}, {4});
  model.Node("ConstantOfShape", {"count"}, {"zeros"});
  model.Node("Cast", {"zeros"}, {"zeros64"}).Int("to", onnx::TensorProto::INT64);
  model.Node("Concat", {"pads", "zeros64"}, {"eight"}).Int("axis", 0);
  model.Ints("pairs", {2}, {-1, 2}).Node("Reshape", {"eight", "pairs"}, {"matrix"});
  model.Ints("s", {1}, {-1}).Ints("e", {1}, {INT64_MIN + 1}).Ints("a", {1}, {0}).Ints("t", {1}, {-1});
  model.Node("Slice", {"matrix", "s", "e", "a", "t"}, {"back"});
  model.Node("Transpose", {"back"}, {"turned"}).Ints("perm", {1, 0});
  model.Ints("line", {1}, {-1}).Node("Reshape", {"turned", "line"}, {"flat"});
  model.Node("Cast", {"flat"}, {"flat64"}).Int("to", onnx::TensorProto::INT64);
  model.Node("Pad", {"x", "flat64"}, {"y"});
  const Graph graph = model.MustImport();
  ASSERT_EQ(graph.nodes.size(), 1u);
  const fb::PadT& pad = FindOptions<fb::PadT>(graph);
  EXPECT_EQ(pad.before, (std::vector<int>{0, 0, 0, 1}));
  EXPECT_EQ(pad.after, (std::vector<int>{0, 0, 2, 0}));
}

TEST(ShapeArithmeticTest, RangeEqualWhereExpand) {
  OnnxModel model(13);
  model.Input("x", {1, 6}).Output("y");
  model.Ints("0", {}, {0})
      .Ints("2", {}, {2})
      .Ints("1", {}, {1})
      .Node("Range", {"0", "2", "1"}, {"r"});                           // 0 1
  model.Node("Equal", {"r", "0"}, {"is0"});                             // 1 0
  model.Ints("-1", {}, {-1}).Node("Where", {"is0", "1", "-1"}, {"w"});  // 1 -1
  model.Ints("shape", {1}, {2}).Node("Expand", {"1", "shape"}, {"ones"});
  model.Node("Mul", {"w", "ones"}, {"target"});
  model.Node("Reshape", {"x", "target"}, {"h"});
  model.Node("Relu", {"h"}, {"y"});
  EXPECT_EQ(OutputShape(model.MustImport()), (Shape{1, 6}));
}

TEST(ShapeArithmeticTest, DivisionByZeroIsAnError) {
  OnnxModel model(13);
  model.Input("x", {1, 6}).Output("y").Ints("a", {1}, {6}).Ints("b", {1}, {0}).Node("Div", {"a", "b"}, {"q"});
  model.Node("Reshape", {"x", "q"}, {"y"});
  const Result<Graph> graph = model.Import();
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.error().message().find("division by zero"), std::string::npos);
}

TEST(GatherTest, OneIndexOfAnActivationIsASlice) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 2})
      .Output("y")
      .Ints("i", {}, {-1})
      .Node("Gather", {"x", "i"}, {"y"})
      .Int("axis", 1);
  const Graph graph = model.MustImport();
  EXPECT_EQ(OutputShape(graph), (Shape{1, 2}));
  EXPECT_EQ(EvalOne(graph, {1, 2, 3, 4, 5, 6}), (std::vector<float>{5, 6}));
}

}  // namespace
}  // namespace qrun::converter
