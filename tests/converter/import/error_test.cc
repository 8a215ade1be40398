// Files that cannot be converted: what the messages say.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/converter/naive_eval.h"
#include "tests/converter/onnx_model.h"

namespace qrun::converter {
namespace {

bool Mentions(const Result<Graph>& graph, const std::string& text) {
  return !graph.ok() && graph.error().message().find(text) != std::string::npos;
}

OnnxModel ReluModel(const Shape& shape) {
  OnnxModel model(13);
  model.Input("x", shape).Output("y").Node("Relu", {"x"}, {"y"});
  return model;
}

TEST(ImportErrorTest, ListsEveryNodeThatCannotBeConverted) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 4, 4}).Output("d");
  model.Node("LRN", {"x"}, {"a"}).Int("size", 5);
  model.Node("Relu", {"a"}, {"b"});
  model.Node("Bernoulli", {"b"}, {"c"});
  model.Node("FancyOp", {"c"}, {"d"}).Domain("com.example");
  const Result<Graph> graph = model.Import();
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().code(), StatusCode::kUnsupported);
  EXPECT_TRUE(Mentions(graph, "3 of 4 nodes")) << graph.error().message();
  EXPECT_TRUE(Mentions(graph, "LRN 'LRN_a': local response"));
  EXPECT_TRUE(Mentions(graph, "Bernoulli 'Bernoulli_c': this operator is not supported"));
  EXPECT_TRUE(Mentions(graph, "FancyOp 'FancyOp_d': operator of domain 'com.example'"));
}

TEST(ImportErrorTest, QuantisedModelsAreSentBack) {
  for (const char* op : {"QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger", "QLinearAdd"}) {
    OnnxModel model(13);
    model.Input("x", {1, 4}).Output("z").Node("Relu", {"x"}, {"y"});
    model.Node(op, {"y"}, {"z"});
    const Result<Graph> graph = model.Import();
    EXPECT_TRUE(Mentions(graph, "already quantised")) << op;
    EXPECT_EQ(graph.error().code(), StatusCode::kUnsupported);
  }
}

TEST(ImportErrorTest, OpsetsOutsideTheRange) {
  for (int64_t opset : {1, 6, 23, 99}) {
    OnnxModel model(opset);
    model.Input("x", {1, 4}).Output("y").Node("Relu", {"x"}, {"y"});
    EXPECT_TRUE(Mentions(model.Import(), "7 to 22 are read")) << opset;
  }
}

TEST(ImportErrorTest, MissingFile) {
  const Result<Graph> graph = ImportOnnx("/nonexistent/model.onnx", {}, nullptr);
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().code(), StatusCode::kIo);
  EXPECT_TRUE(Mentions(graph, "/nonexistent/model.onnx"));
}

TEST(ImportShapeTest, AnyBatchIsReadAsOne) {
  for (int64_t batch : {-1, 0, 1, 8}) {
    ImportReport report;
    const Result<Graph> graph = ReluModel({batch, 3}).Import({}, &report);
    ASSERT_TRUE(graph.ok()) << graph.error().message();
    EXPECT_EQ(graph->values[graph->inputs[0]].shape, (Shape{1, 3}));
    EXPECT_EQ(report.notes.size(), batch == 8 ? 1u : 0u);
  }
}

TEST(ImportShapeTest, AFixedBatchInAReshapeBecomesOne) {
  OnnxModel model(13);
  model.Input("x", {8, 2, 3}).Output("y").Ints("s", {2}, {8, 6}).Node("Reshape", {"x", "s"}, {"y"});
  EXPECT_EQ(OutputShape(model.MustImport()), (Shape{1, 6}));
}

TEST(ImportShapeTest, AFixedBatchThatIsBuiltInIsExplained) {
  OnnxModel model(13);
  model.Input("x", {8, 2, 3}).Output("y").Ints("s", {3}, {4, 2, 6}).Node("Reshape", {"x", "s"}, {"y"});
  EXPECT_TRUE(Mentions(model.Import(), "fixes the batch to 8"));
}

TEST(ImportShapeTest, OpenExtentsNeedAShape) {
  const OnnxModel model = ReluModel({-1, 3, -2, -3});
  const Result<Graph> open = model.Import();
  EXPECT_TRUE(Mentions(open, "--input-shape"));
  EXPECT_TRUE(Mentions(open, "'x'"));
  EXPECT_TRUE(Mentions(open, "2 ('d2'), 3 ('d3')"));
  for (const char* name : {"", "x"}) {
    const Result<Graph> graph = model.Import({.input_shape = {{name, {4, 3, 32, 16}}}});
    ASSERT_TRUE(graph.ok());
    EXPECT_EQ(OutputShape(*graph), (Shape{1, 3, 32, 16}));
  }
  EXPECT_TRUE(Mentions(model.Import({.input_shape = {{"z", {1, 3, 32, 16}}}}), "names 'z'"));
  EXPECT_FALSE(model.Import({.input_shape = {{"x", {1, 3, 0, 16}}}}).ok());
}

TEST(ImportShapeTest, BatchMustStayFirstAndWhole) {
  OnnxModel transposed(13);
  transposed.Input("x", {1, 4}).Output("y").Node("Transpose", {"x"}, {"y"});
  EXPECT_TRUE(Mentions(transposed.Import(), "batch"));
  OnnxModel merged(13);
  merged.Input("x", {1, 4, 3}).Output("y").Node("Flatten", {"x"}, {"y"}).Int("axis", 2);
  EXPECT_TRUE(Mentions(merged.Import(), "batch"));
  OnnxModel joined(13);
  joined.Input("x", {1, 4}).Output("y").Node("Concat", {"x", "x"}, {"y"}).Int("axis", 0);
  EXPECT_TRUE(Mentions(joined.Import(), "batch"));
}

TEST(ImportInputTest, WeightsListedAsInputsAreNotInputs) {
  OnnxModel model(7);
  model.Input("w", {4, 2}).Input("x", {1, 2}).Output("y").Random("w", {4, 2}, 1);
  model.Node("Gemm", {"x", "w"}, {"y"}).Int("transB", 1);
  EXPECT_EQ(model.MustImport().inputs.size(), 1u);
}

TEST(ImportOutputTest, OutputsKeepTheirNames) {
  OnnxModel model(13);
  model.Input("x", {1, 2}).Output("y").Output("z").Output("x");
  model.Node("Relu", {"x"}, {"y"});
  model.Node("Identity", {"y"}, {"z"});
  const Graph graph = model.MustImport();
  ASSERT_EQ(graph.outputs.size(), 3u);
  EXPECT_EQ(graph.values[graph.outputs[0]].name, "y");
  EXPECT_EQ(graph.values[graph.outputs[1]].name, "z");
  EXPECT_EQ(graph.values[graph.outputs[2]].name, "x");
  EXPECT_NE(graph.outputs[0], graph.outputs[1]);
  EXPECT_NE(graph.outputs[2], graph.inputs[0]);
}

TEST(ImportReportTest, SaysWhatWasRead) {
  OnnxModel model(13);
  model.Input("x", {1, 2}).Output("y").Random("w", {4, 2}, 1);
  model.Node("Gemm", {"x", "w"}, {"h"}).Int("transB", 1);
  model.Node("Relu", {"h"}, {"y"});
  ImportReport report;
  ASSERT_TRUE(model.Import({}, &report).ok());
  EXPECT_EQ(report.opset, 13);
  EXPECT_EQ(report.producer, "test");
  EXPECT_EQ(report.parameters, 8);
  EXPECT_EQ(report.operators.at("Gemm"), 1);
}

// Weights of one number in the forms that a tensor can take.
float WeightOf(const onnx::TensorProto& tensor, const std::string& directory = "") {
  OnnxModel model(13);
  model.Input("x", {1, 1}).Output("y").Node("Mul", {"x", "w"}, {"y"});
  *model.proto().mutable_graph()->add_initializer() = tensor;
  const Result<Graph> graph = ImportOnnxBytes(model.Bytes(), directory, {}, nullptr);
  if (!graph.ok()) throw std::runtime_error(graph.error().message());
  return EvalOne(*graph, {1})[0];
}

onnx::TensorProto Scalar(int type) {
  onnx::TensorProto tensor;
  tensor.set_name("w");
  tensor.set_data_type(type);
  tensor.add_dims(1);
  return tensor;
}

TEST(ImportTensorTest, EveryFloatTypeAndField) {
  onnx::TensorProto tensor = Scalar(onnx::TensorProto::FLOAT);
  tensor.add_float_data(1.5f);
  EXPECT_EQ(WeightOf(tensor), 1.5f);
  tensor = Scalar(onnx::TensorProto::DOUBLE);
  tensor.add_double_data(1.5);
  EXPECT_EQ(WeightOf(tensor), 1.5f);
  tensor = Scalar(onnx::TensorProto::FLOAT16);
  tensor.add_int32_data(0x3e00);
  EXPECT_EQ(WeightOf(tensor), 1.5f);
  tensor.clear_int32_data();
  tensor.set_raw_data(std::string("\x01\x80", 2));  // the least negative subnormal
  EXPECT_EQ(WeightOf(tensor), -0x1p-24f);
  tensor = Scalar(onnx::TensorProto::BFLOAT16);
  tensor.set_raw_data(std::string("\xc0\x3f", 2));
  EXPECT_EQ(WeightOf(tensor), 1.5f);
}

TEST(ImportTensorTest, LengthMustMatchTheShape) {
  onnx::TensorProto tensor = Scalar(onnx::TensorProto::FLOAT);
  tensor.set_raw_data("12345678");
  EXPECT_THROW(WeightOf(tensor), std::runtime_error);
  tensor.clear_raw_data();
  EXPECT_THROW(WeightOf(tensor), std::runtime_error);
}

class ExternalDataTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        testing::TempDir() + "/external_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(directory_);
    std::ofstream file(directory_ + "/weights.bin", std::ios::binary);
    const float values[2] = {7, 2.5f};
    file.write(reinterpret_cast<const char*>(values), sizeof(values));
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static onnx::TensorProto External(const std::string& location, const std::string& offset) {
    onnx::TensorProto tensor = Scalar(onnx::TensorProto::FLOAT);
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair(std::string("location"), location), {"offset", offset}}) {
      onnx::StringStringEntryProto* entry = tensor.add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
    return tensor;
  }

  std::string directory_;
};

TEST_F(ExternalDataTest, NextToTheModel) {
  EXPECT_EQ(WeightOf(External("weights.bin", "4"), directory_), 2.5f);
}

TEST_F(ExternalDataTest, OutsideOfTheDirectoryIsRefused) {
  for (const std::string& location :
       {std::string("../weights.bin"), directory_ + "/weights.bin", std::string("a/../../weights.bin"),
        std::string(), std::string("w\0x", 3)}) {
    EXPECT_THROW(WeightOf(External(location, "0"), directory_), std::runtime_error) << location;
  }
}

TEST_F(ExternalDataTest, BadRangesAreRefused) {
  for (const char* offset : {"5", "8", "99999999999999999999", "-4", "x", "18446744073709551612"}) {
    EXPECT_THROW(WeightOf(External("weights.bin", offset), directory_), std::runtime_error) << offset;
  }
  EXPECT_THROW(WeightOf(External("absent.bin", "0"), directory_), std::runtime_error);
  EXPECT_THROW(WeightOf(External("weights.bin", "0"), ""), std::runtime_error);
}

}  // namespace
}  // namespace qrun::converter
