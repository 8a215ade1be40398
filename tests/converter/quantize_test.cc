#include "converter/quantize.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "converter/emit.h"
#include "converter/quant_math.h"
#include "tests/converter/toy_graph.h"

namespace qrun::converter {
namespace {

// Runs the quantiser; the graph must be accepted.
QuantizeReport Quantize(ToyGraph& toy, std::vector<std::string> keep_float = {}) {
  QuantizeReport report;
  const Status status = QuantizeGraph(toy.graph, toy.ranges, {std::move(keep_float)}, &report);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return report;
}

template <class T>
std::vector<const Node*> NodesOf(const Graph& graph) {
  std::vector<const Node*> found;
  for (const Node& node : graph.nodes) {
    if (std::holds_alternative<T>(node.options)) found.push_back(&node);
  }
  return found;
}

AffineParams ParamsOf(const Graph& graph, ValueId id) {
  const Value& value = graph.values[id];
  EXPECT_EQ(value.type, ElementType::kInt8) << value.name;
  EXPECT_TRUE(value.quant.has_value()) << value.name;
  if (!value.quant) return {};
  return {value.quant->scale[0], value.quant->zero_point[0]};
}

template <class T>
std::vector<T> Elements(const Value& value) {
  const auto* begin = reinterpret_cast<const T*>(value.data->data());
  return {begin, begin + value.data->size() / sizeof(T)};
}

TEST(QuantizeGraph, QuantisesAConvolution) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 2, 2, 2}, {-1.0f, 1.55f});
  const ValueId y = toy.Conv1x1("conv", x, 2, {1.27f, -0.635f, 0.0f, -2.54f}, {1.0f, -0.5f},
                                toy.Activation("y", {1, 2, 2, 2}, {0.0f, 2.55f}));
  toy.graph.outputs = {y};
  const QuantizeReport report = Quantize(toy);

  ASSERT_EQ(toy.graph.nodes.size(), 1u);
  const Node& conv = toy.graph.nodes[0];
  EXPECT_EQ(ParamsOf(toy.graph, x), (AffineParams{0.01f, -28}));
  EXPECT_EQ(ParamsOf(toy.graph, y), (AffineParams{0.01f, -128}));
  const Value& wei = toy.graph.values[conv.inputs[1]];
  EXPECT_EQ(Elements<int8_t>(wei), (std::vector<int8_t>{127, -64, 0, -127}));
  ASSERT_EQ(wei.quant->scale.size(), 2u);
  EXPECT_EQ(wei.quant->axis, 0);
  EXPECT_TRUE(wei.quant->zero_point.empty());
  const Value& bia = toy.graph.values[conv.inputs[2]];
  EXPECT_EQ(bia.type, ElementType::kInt32);
  EXPECT_EQ(Elements<int32_t>(bia),
            (std::vector<int32_t>{10000, -2500}));  // 1 / (0.01 * 0.01), -0.5 / (0.01 * 0.02)
  EXPECT_EQ(report.int8_operators, 1);
  EXPECT_EQ(report.weight_channels, 2);
  EXPECT_TRUE(report.kept_float.empty());
  EXPECT_EQ(report.activations.size(), 2u);
}

TEST(QuantizeGraph, DequantisesOnceForFloatOperators) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, 4});
  const ValueId y =
      toy.Conv1x1("conv", x, 4, std::vector<float>(16, 1.0f), {}, toy.Activation("y", {1, 1, 1, 4}));
  const ValueId p = toy.Op("softmax", fb::SoftmaxT{}, {y}, toy.Activation("p", {1, 1, 1, 4}, {0, 1}));
  const ValueId d = toy.Binary("div", fb::BinaryKind::Div, y, p, toy.Activation("d", {1, 1, 1, 4}));
  toy.graph.outputs = {p, d};
  const QuantizeReport report = Quantize(toy);

  const auto dequantize = NodesOf<fb::DequantizeT>(toy.graph);
  ASSERT_EQ(dequantize.size(), 1u);
  EXPECT_EQ(dequantize[0]->inputs[0], y);
  EXPECT_EQ(NodesOf<fb::SoftmaxT>(toy.graph)[0]->inputs[0], dequantize[0]->outputs[0]);
  EXPECT_EQ(NodesOf<fb::BinaryT>(toy.graph)[0]->inputs[0], dequantize[0]->outputs[0]);
  EXPECT_TRUE(NodesOf<fb::QuantizeT>(toy.graph).empty());
  EXPECT_EQ(toy.graph.values[p].type, ElementType::kFloat32);
  ASSERT_EQ(report.kept_float.size(), 2u);
  EXPECT_EQ(report.kept_float[0].name, "softmax");
  EXPECT_EQ(report.kept_float[0].op, "Softmax");
  EXPECT_NE(report.kept_float[1].reason.find("Div"), std::string::npos);
  EXPECT_EQ(report.dequantize_inserted, 1);
  EXPECT_TRUE(EmitModel(toy.graph, {}).ok());
}

TEST(QuantizeGraph, KeepsNamedNodesFloat) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, 2});
  const std::vector<float> wei = {1, 2, 3, 4};
  const ValueId a = toy.Conv1x1("first/conv", x, 2, wei, {}, toy.Activation("a", {1, 1, 1, 2}));
  const ValueId b = toy.Conv1x1("middle/conv", a, 2, wei, {}, toy.Activation("b", {1, 1, 1, 2}, {-2, 2}));
  const ValueId c = toy.Conv1x1("last/conv", b, 2, wei, {}, toy.Activation("c", {1, 1, 1, 2}));
  toy.graph.outputs = {c};
  const QuantizeReport report = Quantize(toy, {"^middle"});

  ASSERT_EQ(toy.graph.nodes.size(), 5u);
  EXPECT_TRUE(std::holds_alternative<fb::DequantizeT>(toy.graph.nodes[1].options));
  EXPECT_EQ(toy.graph.nodes[2].name, "middle/conv");
  EXPECT_EQ(toy.graph.values[toy.graph.nodes[2].inputs[1]].type, ElementType::kFloat32);
  EXPECT_TRUE(std::holds_alternative<fb::QuantizeT>(toy.graph.nodes[3].options));
  // The quantised copy has the parameters that the float value's range asks for.
  EXPECT_EQ(ParamsOf(toy.graph, toy.graph.nodes[3].outputs[0]), ParamsFromRange({-2, 2}));
  EXPECT_EQ(toy.graph.values[b].type, ElementType::kFloat32);
  ASSERT_EQ(report.kept_float.size(), 1u);
  EXPECT_NE(report.kept_float[0].reason.find("--keep-float"), std::string::npos);
}

TEST(QuantizeGraph, LeavesInputAndOutputFloatNextToFloatOperators) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, 2});
  const ValueId y = toy.Conv1x1("conv", x, 2, {1, 2, 3, 4}, {}, toy.Activation("y", {1, 1, 1, 2}));
  toy.graph.outputs = {y};
  Quantize(toy, {"conv"});
  EXPECT_EQ(toy.graph.nodes.size(), 1u);
  EXPECT_EQ(toy.graph.values[x].type, ElementType::kFloat32);
  EXPECT_EQ(toy.graph.values[y].type, ElementType::kFloat32);
}

TEST(QuantizeGraph, RefusesKeepFloatExpressionsThatMeanNothing) {
  for (const char* expression : {"no such node", "("}) {
    ToyGraph toy;
    const ValueId x = toy.Input("x", {1, 1, 1, 2});
    toy.graph.outputs = {toy.Conv1x1("conv", x, 2, {1, 2}, {}, toy.Activation("y", {1, 1, 1, 1}))};
    const Status status = QuantizeGraph(toy.graph, toy.ranges, {{expression}}, nullptr);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << expression;
    EXPECT_EQ(toy.graph.values[x].type, ElementType::kFloat32);
  }
}

TEST(QuantizeGraph, SharesParametersAcrossOperatorsThatMoveBytes) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 2, 2, 2});
  const ValueId y = toy.Conv1x1("conv", x, 2, {1, 2, 3, 4}, {}, toy.Activation("y", {1, 2, 2, 2}, {-3, 1}));
  const ValueId m = toy.MaxPool("pool", y, toy.Activation("m", {1, 2, 2, 2}, {-2, 1}));
  const ValueId r = toy.Op("reshape", fb::ReshapeT{}, {m}, toy.Activation("r", {1, 8}, {-2, 1}));
  fb::PadT pad;
  pad.before = {0, 0};
  pad.after = {0, 1};
  pad.value = 5.0f;
  const ValueId p = toy.Op("pad", pad, {r}, toy.Activation("p", {1, 9}, {-2, 5}));
  toy.graph.outputs = {p};
  Quantize(toy);
  const AffineParams shared = ParamsFromRange({-3, 5});  // the union of all four
  for (ValueId id : {y, m, r, p}) EXPECT_EQ(ParamsOf(toy.graph, id), shared) << toy.graph.values[id].name;
  EXPECT_EQ(ParamsOf(toy.graph, x), ParamsFromRange({-1, 1}));
  EXPECT_EQ(toy.graph.nodes.size(), 4u);
}

TEST(QuantizeGraph, UnifiesInputsOfConcatThatNothingElseReads) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, 2});
  const std::vector<float> wei = {1, 2, 3, 4};
  const ValueId alone = toy.Conv1x1("a", x, 2, wei, {}, toy.Activation("alone", {1, 1, 1, 2}, {-1, 1}));
  const ValueId pooled = toy.Conv1x1("b", x, 2, wei, {}, toy.Activation("pooled", {1, 1, 1, 2}, {-2, 2}));
  const ValueId pool = toy.MaxPool("pool", pooled, toy.Activation("pool", {1, 1, 1, 2}, {-2, 2}));
  const ValueId shared = toy.Conv1x1("c", x, 2, wei, {}, toy.Activation("shared", {1, 1, 1, 2}, {-4, 4}));
  const ValueId constant = toy.Floats("constant", {1, 1, 1, 1}, {8.0f});
  fb::ConcatT concat;
  concat.axis = 3;
  const ValueId cat =
      toy.Op("concat", concat, {alone, pool, shared, constant}, toy.Activation("cat", {1, 1, 1, 7}, {-4, 8}));
  const ValueId other = toy.Conv1x1("d", shared, 2, wei, {}, toy.Activation("other", {1, 1, 1, 2}));
  toy.graph.outputs = {cat, other};
  Quantize(toy);
  const AffineParams out = ParamsFromRange({-4, 8});
  EXPECT_EQ(ParamsOf(toy.graph, cat), out);
  EXPECT_EQ(ParamsOf(toy.graph, alone), out);
  EXPECT_EQ(ParamsOf(toy.graph, pool), out);
  EXPECT_EQ(ParamsOf(toy.graph, pooled), out);
  EXPECT_EQ(ParamsOf(toy.graph, shared), ParamsFromRange({-4, 4}));  // read by "d" too
  const Node& node = *NodesOf<fb::ConcatT>(toy.graph)[0];
  EXPECT_EQ(ParamsOf(toy.graph, node.inputs[3]), out);
  EXPECT_EQ(Elements<int8_t>(toy.graph.values[node.inputs[3]]), (std::vector<int8_t>{127}));
}

TEST(QuantizeGraph, TurnsUnaryIntoATable) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, 2});
  const ValueId y =
      toy.Conv1x1("conv", x, 2, {1, 2, 3, 4}, {}, toy.Activation("y", {1, 1, 1, 2}, {-8, 7.9375f}));
  const ValueId s =
      toy.Unary("sigmoid", fb::UnaryKind::Sigmoid, y, toy.Activation("s", {1, 1, 1, 2}, {0, 255.0f / 256}));
  toy.graph.outputs = {s};
  const QuantizeReport report = Quantize(toy);
  EXPECT_EQ(report.lookup_tables, 1);
  const Node& node = *NodesOf<fb::LookupTableT>(toy.graph)[0];
  const auto table = Elements<int8_t>(toy.graph.values[node.inputs[1]]);
  ASSERT_EQ(table.size(), 256u);
  EXPECT_EQ(table[128 + ParamsOf(toy.graph, y).zero_point], 0);  // sigmoid(0) = 0.5 = 128 / 256
  EXPECT_TRUE(EmitModel(toy.graph, {}).ok());
}

TEST(QuantizeGraph, QuantisesConstantsOfBinary) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, 2});
  const ValueId c = toy.Floats("c", {1, 1, 1, 2}, {0.5f, 2.55f});
  const ValueId y = toy.Binary("mul", fb::BinaryKind::Mul, x, c, toy.Activation("y", {1, 1, 1, 2}, {-3, 3}));
  toy.graph.outputs = {y};
  Quantize(toy);
  const ValueId constant = toy.graph.nodes[0].inputs[1];
  EXPECT_EQ(ParamsOf(toy.graph, constant), (AffineParams{0.01f, -128}));
  EXPECT_EQ(Elements<int8_t>(toy.graph.values[constant]), (std::vector<int8_t>{-78, 127}));
}

TEST(QuantizeGraph, KeepsFloatWhereCalibrationSawNonsense) {
  for (const Range bad : {Range{-1, 1, true}, Range{}, Range{0, 0x1p60f}}) {
    ToyGraph toy;
    const ValueId x = toy.Input("x", {1, 1, 1, 2});
    const ValueId y = toy.Conv1x1("conv", x, 2, {1, 2, 3, 4}, {}, toy.Activation("y", {1, 1, 1, 2}, bad));
    const ValueId z = toy.Conv1x1("next", y, 2, {1, 2, 3, 4}, {}, toy.Activation("z", {1, 1, 1, 2}));
    toy.graph.outputs = {z};
    const QuantizeReport report = Quantize(toy);
    ASSERT_EQ(report.kept_float.size(), 2u);
    EXPECT_NE(report.kept_float[0].reason.find("'y'"), std::string::npos);
  }
}

TEST(QuantizeGraph, KeepsFloatWhatCouldOverflow) {
  ToyGraph toy;
  const int64_t k = kMaxReductionLength + 1;
  const ValueId x = toy.Input("x", {1, k});
  const ValueId wei = toy.Floats("wei", {1, k}, std::vector<float>(static_cast<size_t>(k), 1.0f));
  toy.graph.outputs = {toy.Op("fc", fb::FullyConnectedT{}, {x, wei}, toy.Activation("y", {1, 1}))};
  const QuantizeReport report = Quantize(toy);
  ASSERT_EQ(report.kept_float.size(), 1u);
  EXPECT_NE(report.kept_float[0].reason.find("int32"), std::string::npos);
}

TEST(QuantizeGraph, KeepsCheapOperatorsBetweenFloatOnesFloat) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, 2});
  const ValueId y = toy.Conv1x1("conv", x, 2, {1, 2, 3, 4}, {}, toy.Activation("y", {1, 1, 1, 2}));
  const ValueId p = toy.Op("softmax", fb::SoftmaxT{}, {y}, toy.Activation("p", {1, 1, 1, 2}, {0, 1}));
  const ValueId r = toy.Op("reshape", fb::ReshapeT{}, {p}, toy.Activation("r", {1, 2}, {0, 1}));
  const ValueId a = toy.Unary("sqrt", fb::UnaryKind::Sqrt, r, toy.Activation("a", {1, 2}, {0, 1}));
  const ValueId s = toy.Op("softmax2", fb::SoftmaxT{}, {a}, toy.Activation("s", {1, 2}, {0, 1}));
  toy.graph.outputs = {s};
  const QuantizeReport report = Quantize(toy);
  EXPECT_EQ(report.int8_operators, 1);
  EXPECT_EQ(report.quantize_inserted, 0);
  EXPECT_EQ(report.dequantize_inserted, 1);
  EXPECT_EQ(report.kept_float.size(), 4u);
}

TEST(QuantizeGraph, RefusesASecondRun) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, 2});
  toy.graph.outputs = {toy.Conv1x1("conv", x, 2, {1, 2}, {}, toy.Activation("y", {1, 1, 1, 1}))};
  Quantize(toy);
  toy.ranges.resize(toy.graph.values.size());
  EXPECT_EQ(QuantizeGraph(toy.graph, toy.ranges, {}, nullptr).code(), StatusCode::kInternal);
}

TEST(QuantizeGraph, SymmetricActivationsHaveZeroPointZeroAndCoverTheirRange) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 2, 2, 3}, {-1, 3});
  const ValueId y =
      toy.Conv1x1("y", x, 3, std::vector<float>(6, 0.5f), {}, toy.Activation("y", {1, 2, 2, 2}, {0, 5}));
  toy.graph.outputs = {y};
  QuantizeOptions options;
  options.symmetric_activations = true;
  ASSERT_TRUE(QuantizeGraph(toy.graph, toy.ranges, options, nullptr).ok());
  for (const auto& [id, scale] : {std::pair{x, 3.0f / 127}, {y, 5.0f / 127}}) {
    EXPECT_EQ(toy.graph.values[id].quant->zero_point[0], 0);
    EXPECT_NEAR(toy.graph.values[id].quant->scale[0], scale, 1e-6f);
  }
}

TEST(WeightLevels, FirstAndLastLayersKeepEightBits) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 2, 2, 3});
  ValueId at = x;
  for (const char* name : {"first", "middle", "last"}) {
    at = toy.Conv1x1(name, at, 3, std::vector<float>(9, 0.5f), {}, toy.Activation(name, {1, 2, 2, 3}));
  }
  toy.graph.outputs = {toy.Unary("abs", fb::UnaryKind::Abs, at, toy.Activation("abs", {1, 2, 2, 3}))};
  EXPECT_EQ(WeightLevels(toy.graph, 4), (std::vector<int>{127, 7, 127, 0}));
  EXPECT_EQ(WeightLevels(toy.graph, 2), (std::vector<int>{127, 1, 127, 0}));
  EXPECT_EQ(WeightLevels(toy.graph, 8), (std::vector<int>{127, 127, 127, 0}));
}

}  // namespace
}  // namespace qrun::converter
