// Published models, where they are at hand: ../shared/data beside the project.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "converter/import/onnx.h"
#include "converter/infer_shapes.h"
#include "converter/passes/fuse_inverted_residual.h"
#include "converter/passes/passes.h"
#include "tests/converter/onnx_model.h"

namespace qrun::converter {
namespace {

struct Model {
  const char* file;
  size_t nodes;    // after the passes
  int transposes;  // among them
  int blocks;      // that FuseInvertedResidual finds
};

class RealModelTest : public testing::TestWithParam<Model> {};

TEST_P(RealModelTest, ImportsAndSettlesWithoutTransposes) {
  const std::string path = std::string(QRUN_SOURCE_DIR) + "/../shared/data/" + GetParam().file;
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  Result<Graph> graph = ImportOnnx(path, {}, nullptr);
  ASSERT_TRUE(graph.ok()) << graph.error().message();
  const Status status = RunPasses(*graph, {}, nullptr);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(graph->nodes.size(), GetParam().nodes);
  EXPECT_EQ(CountNodes<fb::TransposeT>(*graph), GetParam().transposes);
  EXPECT_EQ(CountNodes<fb::UnaryT>(*graph), 0);  // every activation of these models is a clamp
  EXPECT_EQ(FuseInvertedResidual(*graph), GetParam().blocks);
  EXPECT_TRUE(ValidateGraph(*graph).ok());
}

INSTANTIATE_TEST_SUITE_P(SharedData, RealModelTest,
                         testing::Values(Model{"mobilenet_v2/torchvision_float.onnx", 66, 0, 17},
                                         Model{"mobilenet_v1/v1_0.5_160_float.onnx", 31, 0, 13},
                                         Model{"squeezenet/squeezenet1.1_float.onnx", 40, 0, 0},
                                         Model{"teachable_machine/rps_float.onnx", 67, 0, 17},
                                         Model{"mlperf_tiny/kws_float.onnx", 13, 0, 4},
                                         Model{"mlperf_tiny/resnet8_float.onnx", 16, 0, 0},
                                         Model{"mlperf_tiny/vww_float.onnx", 31, 0, 13},
                                         Model{"mlperf_tiny/ad_float.onnx", 10, 0, 0}),
                         [](const auto& info) {
                           std::string name = std::filesystem::path(info.param.file).stem().string();
                           std::replace_if(
                               name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); },
                               '_');
                           return name;
                         });

TEST(RealModelErrorTest, QuantisedModelsAreSentBack) {
  for (const char* file : {"mobilenet_v2/zoo_int8_qlinear.onnx", "mobilenet_v2/tf2_int8_qdq.onnx"}) {
    const std::string path = std::string(QRUN_SOURCE_DIR) + "/../shared/data/" + file;
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
    const Result<Graph> graph = ImportOnnx(path, {}, nullptr);
    ASSERT_FALSE(graph.ok());
    EXPECT_NE(graph.error().message().find("already quantised"), std::string::npos);
  }
}

}  // namespace
}  // namespace qrun::converter
