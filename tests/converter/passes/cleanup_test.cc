// remove_no_ops, fold_constants, merge_constants, remove_dead, to_depthwise.
#include "tests/converter/passes/pass_check.h"

namespace qrun::converter {
namespace {

// A Relu in front, so that what follows is neither graph input nor alone.
OnnxModel Start(const Shape& shape) {
  OnnxModel model(13);
  model.Input("x", shape).Output("y").Node("Neg", {"x"}, {"n"});
  return model;
}

TEST(RemoveNoOpsTest, OperatorsThatChangeNothing) {
  OnnxModel model = Start({1, 4, 3, 3});
  model.Node("MaxPool", {"n"}, {"a"}).Ints("kernel_shape", {1, 1});
  model.Node("Clip", {"a"}, {"b"});
  model.Ints("pads", {8}, std::vector<int64_t>(8, 0)).Node("Pad", {"b", "pads"}, {"c"});
  model.Floats("s", {4}, {1, 1, 1, 1}).Node("Resize", {"c", "", "s"}, {"d"});
  model.Node("Abs", {"d"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("remove_no_ops", graph), 4);
  EXPECT_EQ(graph.nodes.size(), 2u);
}

TEST(RemoveNoOpsTest, AnOutputKeepsItsName) {
  OnnxModel model = Start({1, 4});
  model.Node("Clip", {"n"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("remove_no_ops", graph), 1);
  EXPECT_EQ(graph.values[graph.outputs[0]].name, "y");
}

TEST(RemoveNoOpsTest, BetweenInputAndOutputOneStays) {
  OnnxModel model(13);
  model.Input("x", {1, 4}).Output("y").Node("Clip", {"x"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("remove_no_ops", graph), 0);
}

TEST(RemoveNoOpsTest, OperatorsThatDoSomethingStay) {
  OnnxModel model = Start({1, 4, 3, 3});
  model.Node("MaxPool", {"n"}, {"a"}).Ints("kernel_shape", {1, 1}).Ints("strides", {2, 2});
  model.Node("Relu", {"a"}, {"b"});
  model.Node("Transpose", {"b"}, {"y"}).Ints("perm", {0, 1, 3, 2});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("remove_no_ops", graph), 0);
}

Value Activation(const char* name, Shape shape) {
  Value value;
  value.name = name;
  value.shape = std::move(shape);
  return value;
}

TEST(FoldConstantsTest, EvaluatesWhatReadsConstantsOnly) {
  // The importer folds as it reads; this graph has its constant sub-graph put in by hand.
  Graph graph;
  const ValueId x = AddValue(graph, Activation("x", {1, 2}));
  const ValueId a = AddValue(graph, FloatConstant("a", {1, 2}, {1, 2}));
  const ValueId s = AddValue(graph, Activation("s", {1, 2}));
  const ValueId y = AddValue(graph, Activation("y", {1, 2}));
  fb::BinaryT add;
  graph.nodes.push_back({"square", "", add, {a, a}, {s}});
  graph.nodes.push_back({"sum", "", add, {x, s}, {y}});
  graph.inputs = {x};
  graph.outputs = {y};
  EXPECT_EQ(Apply("fold_constants", graph), 1);
  ASSERT_EQ(graph.nodes.size(), 1u);
  const Value& folded = graph.values[graph.nodes[0].inputs[1]];
  EXPECT_EQ(Floats(folded)[1], 4);
}

TEST(MergeConstantsTest, EqualBytesAndShapeOnly) {
  OnnxModel model = Start({1, 4});
  model.Floats("a", {4}, {1, 2, 3, 4})
      .Floats("b", {4}, {1, 2, 3, 4})
      .Floats("c", {4}, {1, 2, 3, 5})
      .Floats("d", {}, {1});
  model.Node("Mul", {"n", "a"}, {"1"});
  model.Node("Mul", {"1", "b"}, {"2"});
  model.Node("Mul", {"2", "c"}, {"3"});
  model.Node("Mul", {"3", "d"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("merge_constants", graph), 1);
  EXPECT_EQ(graph.nodes[1].inputs[1], graph.nodes[2].inputs[1]);
  EXPECT_NE(graph.nodes[1].inputs[1], graph.nodes[3].inputs[1]);
}

TEST(RemoveDeadTest, NodesThatLeadNowhereAndTheirValues) {
  OnnxModel model = Start({1, 4});
  model.Input("unused", {1, 3});
  model.Node("Exp", {"n"}, {"dead"});
  model.Node("Abs", {"dead"}, {"deader"});
  model.Node("Relu", {"n"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("remove_dead", graph), 2);
  EXPECT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.values.size(), 4u);  // x, unused, n, y
  EXPECT_EQ(graph.inputs.size(), 2u);
}

Graph Grouped(int64_t channels, int64_t oc, int64_t groups) {
  OnnxModel model(13);
  model.Input("x", {1, channels, 5, 5})
      .Output("y")
      .Random("w", {oc, channels / groups, 3, 2}, 1)
      .Random("b", {oc}, 2);
  model.Node("Conv", {"x", "w", "b"}, {"y"})
      .Int("group", groups)
      .Ints("strides", {2, 1})
      .Ints("pads", {1, 0, 0, 1})
      .Ints("dilations", {1, 2});
  return model.MustImport();
}

TEST(ToDepthwiseTest, OneFilterPerChannel) {
  Graph graph = Grouped(4, 4, 4);
  EXPECT_EQ(Apply("to_nhwc", graph), 0);
  EXPECT_EQ(Apply("to_depthwise", graph), 1);
  EXPECT_EQ(graph.values[graph.nodes[0].inputs[1]].shape, (Shape{3, 2, 4}));
}

TEST(ToDepthwiseTest, OtherGroupsStay) {
  for (const auto& [channels, oc, groups] : {std::tuple(4, 8, 4), {4, 4, 2}, {4, 4, 1}, {1, 1, 1}}) {
    Graph graph = Grouped(channels, oc, groups);
    EXPECT_EQ(Apply("to_nhwc", graph), 0);
    EXPECT_EQ(Apply("to_depthwise", graph), 0) << channels << " " << oc << " " << groups;
  }
}

TEST(ToDepthwiseTest, TransposedOnesStay) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 5, 5}).Output("y").Random("w", {4, 1, 3, 3}, 1);
  model.Node("ConvTranspose", {"x", "w"}, {"y"}).Int("group", 4).Ints("strides", {2, 2});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("to_nhwc", graph), 0);
  EXPECT_EQ(Apply("to_depthwise", graph), 0);
}

TEST(RunPassTest, UnknownNames) {
  Graph graph = Grouped(4, 4, 4);
  EXPECT_EQ(RunPass("no_such_pass", graph).error().code(), StatusCode::kInvalidArgument);
}

TEST(PassReportTest, CountsWhatWasDone) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 5, 5}).Output("y").Random("w", {3, 1, 3, 3}, 1).RandomNorm("bn", 3, 3);
  model.Node("Conv", {"x", "w"}, {"c"}).Int("group", 3);
  model.Node("BatchNormalization", {"c", "bn.0", "bn.1", "bn.2", "bn.3"}, {"b"});
  model.Node("Relu", {"b"}, {"y"});
  Graph graph = model.MustImport();
  PassReport report;
  ASSERT_TRUE(RunPasses(graph, {}, &report).ok());
  EXPECT_EQ(report.Summary(),
            "1 BatchNorm folded, 1 activations fused, 1 grouped convolutions turned into depthwise ones");
}

TEST(ValidateGraphTest, FindsABrokenGraph) {
  const Graph good = Grouped(4, 4, 4);
  EXPECT_TRUE(ValidateGraph(good).ok());
  Graph shape = good;
  shape.values[shape.outputs[0]].shape[2] += 1;
  EXPECT_EQ(ValidateGraph(shape).code(), StatusCode::kInternal);
  Graph order = good;
  order.nodes.insert(order.nodes.begin(),
                     {"early", "", Identity{}, {order.outputs[0]}, {AddValue(order, {})}});
  EXPECT_FALSE(ValidateGraph(order).ok());
  Graph index = good;
  index.nodes[0].inputs[0] = 1000;
  EXPECT_FALSE(ValidateGraph(index).ok());
  Graph bytes = good;
  bytes.values[bytes.nodes[0].inputs[1]].shape[0] = 5;
  EXPECT_FALSE(ValidateGraph(bytes).ok());
}

}  // namespace
}  // namespace qrun::converter
