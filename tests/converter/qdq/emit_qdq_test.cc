// What EmitQdq refuses. What it writes is checked by tests/cli/emit_qdq_test.py, with another reader of ONNX.
#include "converter/qdq/emit_qdq.h"

#include <gtest/gtest.h>

#include "converter/qdq/qdq_graph.h"
#include "converter/quantize.h"
#include "tests/converter/toy_graph.h"

namespace qrun::converter {
namespace {

// x -> sigmoid -> y, quantised; `source` is the float graph.
Graph QuantizedSigmoid(Graph& source) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 2, 2, 2});
  const ValueId c = toy.Conv1x1("conv", x, 2, {1, 0, 0, 1}, {}, toy.Activation("c", {1, 2, 2, 2}));
  toy.graph.outputs = {
      toy.Unary("gate", fb::UnaryKind::Sigmoid, c, toy.Activation("y", {1, 2, 2, 2}, {0, 1}))};
  source = toy.graph;
  const Status status = QuantizeGraph(toy.graph, toy.ranges, {}, nullptr);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return toy.graph;
}

TEST(EmitQdq, WritesATableAsItsFunction) {
  Graph source;
  const Graph quantized = QuantizedSigmoid(source);
  const auto file = EmitQdq(quantized, source);
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromArray(file->data(), static_cast<int>(file->size())));
  int sigmoids = 0;
  for (const auto& node : model.graph().node()) sigmoids += node.op_type() == "Sigmoid";
  EXPECT_EQ(sigmoids, 1);
}

TEST(EmitQdq, RefusesATableOfAnUnknownFunction) {
  Graph source;
  const Graph quantized = QuantizedSigmoid(source);
  source.nodes.pop_back();
  const auto file = EmitQdq(quantized, source);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code(), StatusCode::kUnsupported);
  EXPECT_NE(file.error().message().find("'gate'"), std::string::npos) << file.error().message();
}

TEST(EmitQdq, RefusesAFusedGraph) {
  Graph source;
  Graph quantized = QuantizedSigmoid(source);
  quantized.nodes[0].options = fb::InvertedResidualT{};
  const auto file = EmitQdq(quantized, source);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code(), StatusCode::kInternal);
  EXPECT_NE(file.error().message().find("'conv'"), std::string::npos) << file.error().message();
}

TEST(PermutedBytes, TransposesWholeElements) {
  const std::vector<int16_t> src = {0, 1, 2, 3, 4, 5};
  const auto bytes = PermutedBytes(std::as_bytes(std::span(src)), {2, 3}, {1, 0}, sizeof(int16_t));
  const auto* dst = reinterpret_cast<const int16_t*>(bytes.data());
  EXPECT_EQ(std::vector<int16_t>(dst, dst + 6), (std::vector<int16_t>{0, 3, 1, 4, 2, 5}));
}

TEST(OnnxWriter, MakesNamesUnique) {
  OnnxWriter writer("g", "test", "1");
  EXPECT_EQ(writer.Name("a"), "a");
  EXPECT_EQ(writer.Name("a"), "a_2");
  EXPECT_EQ(writer.Name("a_2"), "a_2_2");
  EXPECT_EQ(writer.Name(""), "value");
}

}  // namespace
}  // namespace qrun::converter
