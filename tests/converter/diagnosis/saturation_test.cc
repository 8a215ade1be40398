#include "converter/diagnosis/saturation.h"

#include <gtest/gtest.h>

#include "tests/converter/toy_graph.h"

namespace qrun::converter {
namespace {

// A 1x1 convolution of int8 weights [oc, 1, 1, ic] and bias over an input with the zero point.
Graph Int8Conv(const std::vector<int8_t>& wei, int64_t ic, const std::vector<int32_t>& bia, int zero_point) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, ic});
  const auto oc = static_cast<int64_t>(wei.size()) / ic;
  toy.graph.outputs = {toy.Conv1x1("conv", x, static_cast<int>(ic), std::vector<float>(wei.size()),
                                   std::vector<float>(bia.size()), toy.Activation("y", {1, 1, 1, oc}))};
  const auto set = [](Value& value, ElementType type, auto& elements) {
    const auto bytes = std::as_bytes(std::span(elements));
    value.type = type;
    value.data = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  };
  const Node& node = toy.graph.nodes[0];
  toy.graph.values[x].type = ElementType::kInt8;
  toy.graph.values[x].quant = QuantParams{{0.1f}, {zero_point}, -1};
  set(toy.graph.values[node.inputs[1]], ElementType::kInt8, wei);
  set(toy.graph.values[node.inputs[2]], ElementType::kInt32, bia);
  return toy.graph;
}

TEST(Saturation, LargestSumIsReachedByTheWorstInput) {
  // q - zp in [-118, 137]: 3 * 137 - 2 * -118 = 647, and 3 * -118 - 2 * 137 = -628, then the bias.
  const Graph graph = Int8Conv({3, -2}, 2, {10}, -10);
  EXPECT_EQ(ProveSaturation(graph, graph.nodes[0])->largest_sum, 657);
  const Graph negative = Int8Conv({3, -2}, 2, {-100}, -10);
  EXPECT_EQ(ProveSaturation(negative, negative.nodes[0])->largest_sum, 728);
}

TEST(Saturation, AccumulatorThatCanOverflowIsNotSafe) {
  const Graph safe = Int8Conv({127}, 1, {INT32_MAX - 127 * 255}, -128);
  EXPECT_EQ(ProveSaturation(safe, safe.nodes[0])->largest_sum, INT32_MAX);
  EXPECT_TRUE(ProveSaturation(safe, safe.nodes[0])->accumulator_safe());
  const Graph over = Int8Conv({127}, 1, {INT32_MAX - 127 * 255 + 1}, -128);
  EXPECT_FALSE(ProveSaturation(over, over.nodes[0])->accumulator_safe());
}

TEST(Saturation, PairsAreSafeUpToTheLastStep) {
  // 255 * 128 = 32640 fits int16, 255 * 129 does not; signs do not cancel; an odd weight has no neighbour.
  const Graph graph = Int8Conv({64, 64, 127,      // safe
                                65, 64, 0,        // 129
                                -64, -64, 0,      // safe
                                -100, -29, 0,     // -129
                                127, -127, 127},  // safe: one of each sign
                               3, {0, 0, 0, 0, 0}, 0);
  const auto proof = ProveSaturation(graph, graph.nodes[0]);
  EXPECT_EQ(proof->channels, 5);
  EXPECT_EQ(proof->pair_safe_channels, 3);
}

TEST(Saturation, SaysNothingOfFloat) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 1, 1, 2});
  toy.graph.outputs = {toy.Conv1x1("conv", x, 2, {1, 2}, {}, toy.Activation("y", {1, 1, 1, 1}))};
  EXPECT_FALSE(ProveSaturation(toy.graph, toy.graph.nodes[0]).has_value());
}

}  // namespace
}  // namespace qrun::converter
