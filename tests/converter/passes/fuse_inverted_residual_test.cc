#include "converter/passes/fuse_inverted_residual.h"

#include "tests/converter/passes/pass_check.h"

namespace qrun::converter {
namespace {

struct Block {
  bool expand = true, residual = true;
  int64_t filter = 3;
  const char* activation = "Clip";  // behind the depthwise convolution
  const char* expand_activation = "Clip";
  bool add_from_elsewhere = false;
  std::string extra_output = {};  // a value in between that is also a graph output
};

void Activate(OnnxModel& model, const std::string& kind, const std::string& src, const std::string& dst) {
  std::vector<std::string> inputs = {src};
  if (kind == "Clip") inputs.insert(inputs.end(), {"0", "6"});
  model.Node(kind, inputs, {dst});
}

// [4 -> 8 ->] depthwise -> 4 [+ x], with Relu6 or other functions in between.
OnnxModel BlockModel(const Block& block) {
  OnnxModel model(13);
  const int64_t c = block.expand ? 8 : 4;
  model.Input("in", {1, 4, 6, 6}).Output("y").Floats("0", {}, {0}).Floats("6", {}, {6});
  model.Random("w1", {c, 4, 1, 1}, 1)
      .Random("b1", {c}, 2)
      .Random("w2", {c, 1, block.filter, block.filter}, 3);
  model.Random("b2", {c}, 4).Random("w3", {4, c, 1, 1}, 5);
  model.Node("Abs", {"in"}, {"x"});
  if (block.expand) {
    model.Node("Conv", {"x", "w1", "b1"}, {"e"});
    Activate(model, block.expand_activation, "e", "e6");
  }
  const int64_t pad = block.filter / 2;
  model.Node("Conv", {block.expand ? "e6" : "x", "w2", "b2"}, {"d"})
      .Int("group", c)
      .Ints("pads", {pad, pad, pad, pad});
  Activate(model, block.activation, "d", "d6");
  model.Node("Conv", {"d6", "w3"}, {block.residual ? "p" : "y"});
  if (block.residual) model.Node("Add", {block.add_from_elsewhere ? "in" : "x", "p"}, {"y"});
  if (!block.extra_output.empty()) model.Output(block.extra_output);
  return model;
}

// Blocks fused; the values must stay and the graph be valid.
int Fuse(const Block& block, Graph* out = nullptr) {
  const Graph before = Canonical(BlockModel(block).MustImport());
  Graph graph = before;
  const int count = FuseInvertedResidual(graph);
  const Status status = ValidateGraph(graph);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_LT(Difference(before, graph), 1e-6);
  if (out) *out = graph;
  return count;
}

TEST(FuseInvertedResidualTest, AllParts) {
  Graph graph;
  EXPECT_EQ(Fuse({}, &graph), 1);
  ASSERT_EQ(graph.nodes.size(), 2u);
  const auto& op = FindOptions<fb::InvertedResidualT>(graph);
  EXPECT_TRUE(op.expand && op.residual);
  EXPECT_EQ(graph.values[op.expanded].shape, (Shape{1, 6, 6, 8}));
  EXPECT_EQ(graph.values[op.filtered].shape, (Shape{1, 6, 6, 8}));
  EXPECT_EQ(graph.values[op.projected].shape, (Shape{1, 6, 6, 4}));
  EXPECT_EQ(graph.values[graph.nodes[1].outputs[0]].name, "y");
}

TEST(FuseInvertedResidualTest, WithoutExpandOrResidual) {
  Graph graph;
  EXPECT_EQ(Fuse({.expand = false}, &graph), 1);
  EXPECT_FALSE(FindOptions<fb::InvertedResidualT>(graph).expand);
  EXPECT_EQ(FindOptions<fb::InvertedResidualT>(graph).expanded, -1);
  EXPECT_EQ(Fuse({.residual = false}, &graph), 1);
  EXPECT_EQ(FindOptions<fb::InvertedResidualT>(graph).projected, -1);
}

TEST(FuseInvertedResidualTest, AnAddOfSomethingElseStaysOutside) {
  Graph graph;
  EXPECT_EQ(Fuse({.add_from_elsewhere = true}, &graph), 1);
  EXPECT_FALSE(FindOptions<fb::InvertedResidualT>(graph).residual);
  EXPECT_EQ(CountNodes<fb::BinaryT>(graph), 1);
}

TEST(FuseInvertedResidualTest, FunctionsBetweenTheParts) {
  for (const bool behind_expand : {false, true}) {
    for (const bool behind_depthwise : {false, true}) {
      Graph graph;
      EXPECT_EQ(Fuse({.activation = behind_depthwise ? "HardSwish" : "Clip",
                      .expand_activation = behind_expand ? "HardSwish" : "Clip"},
                     &graph),
                1);
      ASSERT_EQ(graph.nodes.size(), 2u);
      const auto& op = FindOptions<fb::InvertedResidualT>(graph);
      ASSERT_EQ(op.expand_function != nullptr, behind_expand);
      ASSERT_EQ(op.depthwise_function != nullptr, behind_depthwise);
      EXPECT_EQ(graph.nodes[1].inputs.size(), 7u);  // float: no tables
      EXPECT_EQ(op.expand->clamp == nullptr, behind_expand);
      if (behind_expand) {
        EXPECT_EQ(op.expand_function->function->kind, fb::UnaryKind::HardSwish);
        EXPECT_EQ(graph.values[op.expand_function->result].shape, (Shape{1, 6, 6, 8}));
        EXPECT_NE(op.expand_function->result, op.expanded);
      }
    }
  }
}

TEST(FuseInvertedResidualTest, TablesBecomeInputs) {
  Graph graph = Canonical(BlockModel({.activation = "HardSwish"}).MustImport());
  for (Node& node : graph.nodes) {
    if (!std::holds_alternative<fb::UnaryT>(node.options) || node.source_op != "HardSwish") continue;
    Value table;
    table.name = "table";
    table.shape = {256};
    table.type = ElementType::kInt8;
    table.data = std::make_shared<const std::vector<std::byte>>(256);
    node.options = fb::LookupTableT{};
    node.inputs.push_back(AddValue(graph, table));
  }
  EXPECT_EQ(FuseInvertedResidual(graph), 1);
  const auto& op = FindOptions<fb::InvertedResidualT>(graph);
  ASSERT_TRUE(op.depthwise_function);
  EXPECT_FALSE(op.expand_function);
  EXPECT_FALSE(op.depthwise_function->function);
  const std::vector<ValueId>& inputs = graph.nodes[1].inputs;
  ASSERT_EQ(inputs.size(), 9u);
  EXPECT_EQ(inputs[7], kNoValue);
  EXPECT_EQ(graph.values[inputs[8]].name, "table");
}

TEST(FuseInvertedResidualTest, AFunctionThatOthersReadStaysOutside) {
  Graph graph;
  EXPECT_EQ(Fuse({.expand_activation = "HardSwish", .extra_output = "e6"}, &graph), 1);
  EXPECT_FALSE(FindOptions<fb::InvertedResidualT>(graph).expand);
  EXPECT_FALSE(FindOptions<fb::InvertedResidualT>(graph).expand_function);
  EXPECT_EQ(Fuse({.expand_activation = "HardSwish", .extra_output = "e"}, &graph), 1);
  EXPECT_FALSE(FindOptions<fb::InvertedResidualT>(graph).expand);
  EXPECT_EQ(Fuse({.activation = "HardSwish", .extra_output = "d"}), 0);
  EXPECT_EQ(Fuse({.activation = "HardSwish", .extra_output = "d6"}), 0);
}

TEST(FuseInvertedResidualTest, NotWithFiltersOfOnePixel) { EXPECT_EQ(Fuse({.filter = 1}), 0); }

TEST(FuseInvertedResidualTest, ValuesThatOthersReadStay) {
  Graph graph;
  EXPECT_EQ(Fuse({.extra_output = "d6"}), 0);
  EXPECT_EQ(Fuse({.extra_output = "e6"}, &graph), 1);  // without the expand step
  EXPECT_FALSE(FindOptions<fb::InvertedResidualT>(graph).expand);
  EXPECT_EQ(Fuse({.extra_output = "p"}, &graph), 1);  // without the add
  EXPECT_FALSE(FindOptions<fb::InvertedResidualT>(graph).residual);
}

TEST(FuseInvertedResidualTest, QuantisationOfTheInnerValuesStays) {
  Graph graph = Canonical(BlockModel({}).MustImport());
  float scale = 1;
  for (Value& value : graph.values) {
    if (value.is_constant()) continue;
    value.type = ElementType::kInt8;
    value.quant = QuantParams{.scale = {scale *= 0.5f}, .zero_point = {3}};
  }
  const Graph before = graph;
  EXPECT_EQ(FuseInvertedResidual(graph), 1);
  const auto& op = FindOptions<fb::InvertedResidualT>(graph);
  for (int id : {op.expanded, op.filtered, op.projected}) {
    EXPECT_EQ(graph.values[id].quant->scale, before.values[id].quant->scale);
    EXPECT_EQ(graph.values[id].type, ElementType::kInt8);
  }
}

TEST(FuseInvertedResidualTest, ChainsTakeEachConvolutionOnce) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 6, 6}).Output("y");
  std::string from = "x";
  for (int i = 0; i < 3; ++i) {
    const std::string s = std::to_string(i);
    model.Random("d" + s, {4, 1, 3, 3}, 10 + i).Random("p" + s, {4, 4, 1, 1}, 20 + i);
    model.Node("Conv", {from, "d" + s}, {"dw" + s}).Int("group", 4).Ints("pads", {1, 1, 1, 1});
    from = i == 2 ? "y" : "pw" + s;
    model.Node("Conv", {"dw" + s, "p" + s}, {from});
  }
  Graph graph = Canonical(model.MustImport());
  const Graph before = graph;
  EXPECT_EQ(FuseInvertedResidual(graph), 3);
  EXPECT_EQ(graph.nodes.size(), 3u);
  EXPECT_TRUE(ValidateGraph(graph).ok());
  EXPECT_LT(Difference(before, graph), 1e-6);
}

TEST(FuseInvertedResidualTest, AStemIsAFirstStageATransposedConvolutionIsNot) {
  for (const bool transposed : {false, true}) {
    OnnxModel model(13);
    model.Input("x", {1, 3, 8, 8})
        .Output("y")
        .Random("s", transposed ? Shape{3, 4, 3, 3} : Shape{4, 3, 3, 3}, 1);
    model.Random("d", {4, 1, 3, 3}, 2).Random("p", {5, 4, 1, 1}, 3);
    model.Node(transposed ? "ConvTranspose" : "Conv", {"x", "s"}, {"stem"}).Ints("strides", {2, 2});
    model.Node("Conv", {"stem", "d"}, {"dw"}).Int("group", 4);
    model.Node("Conv", {"dw", "p"}, {"y"});
    const Graph before = Canonical(model.MustImport());
    Graph graph = before;
    EXPECT_EQ(FuseInvertedResidual(graph), 1);
    EXPECT_EQ(graph.nodes.size(), transposed ? 2u : 1u);
    EXPECT_TRUE(ValidateGraph(graph).ok());
    EXPECT_LT(Difference(before, graph), 1e-6);
  }
}

TEST(FuseInvertedResidualTest, DeadInnerValuesAreKeptByRemoveDead) {
  Graph graph;
  ASSERT_EQ(Fuse({}, &graph), 1);
  Result<int> count = RunPass("remove_dead", graph);
  ASSERT_TRUE(count.ok());
  const auto& op = FindOptions<fb::InvertedResidualT>(graph);
  EXPECT_EQ(graph.values[op.expanded].shape, (Shape{1, 6, 6, 8}));
  EXPECT_TRUE(ValidateGraph(graph).ok());
}

}  // namespace
}  // namespace qrun::converter
