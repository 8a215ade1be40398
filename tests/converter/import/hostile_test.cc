// Damaged files: any Status is right, a crash is not.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "converter/emit.h"
#include "converter/passes/passes.h"
#include "runtime/qrun.h"
#include "tests/converter/hostile_fields.h"
#include "tests/converter/naive_eval.h"
#include "tests/converter/onnx_model.h"

namespace qrun::converter {
namespace {

// One node of most families, with shape arithmetic.
OnnxModel ManyOperators() {
  OnnxModel model(13);
  model.Input("x", {-1, 3, 8, 8}).Output("out");
  model.Random("w1", {4, 3, 3, 3}, 1)
      .RandomNorm("bn", 4, 2)
      .Random("w2", {4, 1, 3, 3}, 3)
      .Random("w3", {4, 2, 2, 2}, 4);
  model.Node("Conv", {"x", "w1"}, {"c1"}).Ints("pads", {1, 1, 1, 1}).Ints("kernel_shape", {3, 3});
  model.Node("BatchNormalization", {"c1", "bn.0", "bn.1", "bn.2", "bn.3"}, {"b1"}).Float("epsilon", 1e-3f);
  model.Floats("six", {}, {6}).Floats("zero", {}, {0}).Node("Clip", {"b1", "zero", "six"}, {"r1"});
  model.Node("Conv", {"r1", "w2"}, {"c2"})
      .Int("group", 4)
      .Ints("strides", {2, 2})
      .String("auto_pad", "SAME_LOWER");
  model.Node("ConvTranspose", {"c2", "w3"}, {"t"}).Int("group", 2).Ints("strides", {2, 2});
  model.Node("MaxPool", {"t"}, {"p"})
      .Ints("kernel_shape", {3, 3})
      .Ints("strides", {2, 2})
      .Int("ceil_mode", 1);
  model.Ints("split", {2}, {1, 3}).Node("Split", {"p", "split"}, {"s1", "s2"}).Int("axis", 1);
  model.Node("Concat", {"s2", "s1"}, {"cat"}).Int("axis", 1);
  model.Ints("pads", {8}, {0, 0, 1, 1, 0, 0, 1, 1}).Node("Pad", {"cat", "pads"}, {"pad"});
  model.Ints("sizes", {4}, {1, 4, 12, 12})
      .Node("Resize", {"pad", "", "", "sizes"}, {"up"})
      .String("mode", "linear");
  model.Ints("st", {1}, {2}).Ints("en", {1}, {9}).Ints("ax", {1}, {3});
  model.Node("Slice", {"up", "st", "en", "ax"}, {"cut"});
  model.Node("Softmax", {"cut"}, {"soft"}).Int("axis", 1);
  model.Node("Shape", {"soft"}, {"shape"});
  model.Ints("i0", {}, {0}).Node("Gather", {"shape", "i0"}, {"n"}).Int("axis", 0);
  model.Ints("a0", {1}, {0}).Node("Unsqueeze", {"n", "a0"}, {"n1"});
  model.Ints("minus", {1}, {-1}).Node("Concat", {"n1", "minus"}, {"target"}).Int("axis", 0);
  model.Node("Reshape", {"soft", "target"}, {"flat"});
  model.Random("w4", {336, 5}, 5).Random("b4", {5}, 6).Node("Gemm", {"flat", "w4", "b4"}, {"out"});
  return model;
}

// What is emitted opens, and runs unless that would take long.
void ExpectRuns(const Graph& graph) {
  const auto emitted = EmitModel(graph, {});
  if (!emitted.ok()) {
    EXPECT_NE(emitted.error().code(), StatusCode::kInternal) << emitted.error().message();
    return;
  }
  const auto model = Model::FromBytes(emitted->bytes);
  if (!model.ok()) return;
  auto session = Session::Create(*model, {.max_arena_bytes = size_t{16} << 20});
  if (!session.ok()) return;
  int64_t macs = 0;
  for (const StepInfo& step : session->steps()) macs += step.macs;
  if (macs < 1 << 24) session->Run();
}

// Imports, and runs the passes on what imports.
bool Converts(const std::string& bytes) {
  Result<Graph> graph = ImportOnnxBytes(bytes, "", {}, nullptr);
  if (!graph.ok()) {
    EXPECT_NE(graph.error().code(), StatusCode::kInternal) << graph.error().message();
    EXPECT_FALSE(graph.error().message().empty());
    return false;
  }
  const Status status = RunPasses(*graph, {}, nullptr);
  EXPECT_NE(status.code(), StatusCode::kInternal) << status.message();
  if (status.ok()) ExpectRuns(*graph);
  return status.ok();
}

TEST(HostileFileTest, TheModelItselfConverts) { EXPECT_TRUE(Converts(ManyOperators().Bytes())); }

TEST(HostileFileTest, TruncatedAnywhere) {
  const std::string bytes = ManyOperators().Bytes();
  int converted = 0;
  for (size_t length = 0; length < bytes.size(); length += 1 + length / 400) {
    converted += Converts(bytes.substr(0, length));
  }
  EXPECT_EQ(converted, 0);
}

TEST(HostileFileTest, BytesChanged) {
  const std::string bytes = ManyOperators().Bytes();
  std::mt19937 random(20240);
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string damaged = bytes;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    refused += !Converts(damaged);
  }
  EXPECT_GT(refused, 100);
}

// Integers of the graph replaced by ones that are chosen to overflow.
TEST(HostileFileTest, ExtremeNumbers) {
  const int64_t extremes[] = {
      0, -1, 1, INT64_MAX, INT64_MIN, INT32_MAX, int64_t{INT32_MIN}, int64_t{1} << 32, -2, 7, 3, 1 << 24};
  std::mt19937 random(7);
  const OnnxModel model = ManyOperators();
  for (int round = 0; round < 3000; ++round) {
    OnnxModel damaged = model;
    onnx::GraphProto* graph = damaged.proto().mutable_graph();
    const int64_t value = extremes[random() % std::size(extremes)];
    if (random() % 2) {
      onnx::NodeProto* node = graph->mutable_node(static_cast<int>(random() % graph->node_size()));
      if (node->attribute_size() == 0) continue;
      onnx::AttributeProto* attribute =
          node->mutable_attribute(static_cast<int>(random() % node->attribute_size()));
      if (attribute->ints_size()) {
        attribute->set_ints(static_cast<int>(random() % attribute->ints_size()), value);
      } else {
        attribute->set_i(value);
      }
    } else {
      onnx::TensorProto* tensor =
          graph->mutable_initializer(static_cast<int>(random() % graph->initializer_size()));
      if (tensor->int64_data_size()) {
        tensor->set_int64_data(static_cast<int>(random() % tensor->int64_data_size()), value);
      } else if (tensor->dims_size()) {
        tensor->set_dims(static_cast<int>(random() % tensor->dims_size()), value);
      }
    }
    Converts(damaged.Bytes());
  }
}

TEST(HostileFileTest, EveryFieldBecomesHostile) {
  OnnxModel model = ManyOperators();
  int files = 0, converted = 0;
  ForEachHostileField(model.proto(), [&](const std::string& what) {
    SCOPED_TRACE(what);
    ++files;
    converted += Converts(model.Bytes());
  });
  std::printf("%d files, %d converted\n", files, converted);
  EXPECT_GT(converted, files / 20);
  EXPECT_LT(converted, files);
  EXPECT_EQ(model.Bytes(), ManyOperators().Bytes());
}

TEST(HostileFileTest, NotOnnxAtAll) {
  for (const std::string& bytes :
       {std::string(), std::string("hello world, this is a text file\n"), std::string(100, '\0'),
        std::string(1000, '\xff'), std::string("\x08\x07", 2)}) {
    const Result<Graph> graph = ImportOnnxBytes(bytes, "", {}, nullptr);
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().code(), StatusCode::kInvalidModel) << graph.error().message();
  }
}

TEST(HostileFileTest, NodesOutOfOrderOrWrittenTwice) {
  OnnxModel backwards(13);
  backwards.Input("x", {1, 2}).Output("y").Node("Relu", {"h"}, {"y"});
  backwards.Node("Relu", {"x"}, {"h"});
  EXPECT_FALSE(Converts(backwards.Bytes()));
  OnnxModel twice(13);
  twice.Input("x", {1, 2}).Output("y").Node("Relu", {"x"}, {"y"});
  twice.Node("Neg", {"x"}, {"y"});
  EXPECT_FALSE(Converts(twice.Bytes()));
}

TEST(HostileFileTest, ConstantsThatExplode) {
  OnnxModel model(13);
  model.Input("x", {1, 2}).Output("y").Ints("s", {4}, {1 << 20, 1 << 20, 1 << 20, 1 << 20});
  model.Node("ConstantOfShape", {"s"}, {"c"});
  model.Node("Add", {"x", "c"}, {"y"});
  EXPECT_FALSE(Converts(model.Bytes()));
  OnnxModel range(13);
  range.Input("x", {1, 2}).Output("y").Ints("a", {}, {0}).Ints("b", {}, {1LL << 39}).Ints("d", {}, {1});
  range.Node("Range", {"a", "b", "d"}, {"c"});
  range.Node("Add", {"x", "c"}, {"y"});
  EXPECT_FALSE(Converts(range.Bytes()));
}

}  // namespace
}  // namespace qrun::converter
