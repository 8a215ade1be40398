#include "converter/emit.h"

#include <gtest/gtest.h>

#include <cstring>

#include "schema/verify.h"
#include "tests/converter/toy_graph.h"

namespace qrun::converter {
namespace {

// The file at an address that VerifyModel accepts.
class AlignedModel {
 public:
  explicit AlignedModel(const std::vector<std::byte>& bytes) : storage_(bytes.size() / 64 + 1) {
    std::memcpy(storage_.data(), bytes.data(), bytes.size());
    result_ = VerifyModel({reinterpret_cast<const std::byte*>(storage_.data()), bytes.size()});
  }
  const Result<const fb::Model*>& result() const { return result_; }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> storage_;
  Result<const fb::Model*> result_ = Status::Internal("not read");
};

ToyGraph TwoConvolutions() {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 2, 2, 3});
  toy.graph.values[x].source_layout = fb::SourceLayout::Nchw;
  toy.Floats("unused", {1}, {5.0f});
  const std::vector<float> wei = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const ValueId y = toy.Conv1x1("first", x, 3, wei, {1, 2, 3}, toy.Activation("y", {1, 2, 2, 3}));
  const ValueId z = toy.Conv1x1("second", y, 3, wei, {}, toy.Activation("z", {1, 2, 2, 3}));
  std::get<fb::Conv2DT>(toy.graph.nodes[1].options).clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
  toy.graph.outputs = {z};
  return toy;
}

TEST(EmitModel, RoundTrips) {
  const ToyGraph toy = TwoConvolutions();
  ModelMetadata metadata;
  metadata.producer = "test 1";
  metadata.labels = {"a", "b", "c"};
  metadata.arena_bytes = 4096;
  metadata.provenance.emplace().source_name = "toy.onnx";
  auto& preprocessing = metadata.preprocessing.emplace();
  preprocessing.resize = 3;
  preprocessing.crop_h = preprocessing.crop_w = 2;
  preprocessing.mean = {0.5f, 0.25f, 0.125f};
  preprocessing.std = {1.0f, 2.0f, 4.0f};
  const auto emitted = EmitModel(toy.graph, metadata);
  ASSERT_TRUE(emitted.ok()) << emitted.error().ToString();

  const AlignedModel aligned(emitted->bytes);
  ASSERT_TRUE(aligned.result().ok()) << aligned.result().error().ToString();
  const fb::Model& model = **aligned.result();
  EXPECT_EQ(model.name()->str(), "toy");
  EXPECT_EQ(model.producer()->str(), "test 1");
  EXPECT_EQ(model.labels()->size(), 3u);
  EXPECT_EQ(model.arena_bytes(), 4096u);
  EXPECT_EQ(model.provenance()->source_name()->str(), "toy.onnx");
  EXPECT_EQ(model.preprocessing()->mean()->Get(1), 0.25f);
  ASSERT_EQ(model.operators()->size(), 2u);
  EXPECT_EQ(model.operators()->Get(0)->name()->str(), "first");
  EXPECT_EQ(model.operators()->Get(0)->options_as_Conv2D()->clamp(), nullptr);
  EXPECT_EQ(model.operators()->Get(1)->options_as_Conv2D()->clamp()->max(), 6.0f);
  const fb::Tensor& x = *model.tensors()->Get(model.inputs()->Get(0));
  EXPECT_EQ(x.name()->str(), "x");
  EXPECT_EQ(x.source_layout(), fb::SourceLayout::Nchw);
}

TEST(EmitModel, MapsValuesToTensorsAndLeavesOutUnusedOnes) {
  const ToyGraph toy = TwoConvolutions();
  const auto emitted = EmitModel(toy.graph, {});
  ASSERT_TRUE(emitted.ok());
  const AlignedModel aligned(emitted->bytes);
  ASSERT_TRUE(aligned.result().ok());
  const fb::Model& model = **aligned.result();
  ASSERT_EQ(emitted->tensor_of_value.size(), toy.graph.values.size());
  for (size_t id = 0; id < toy.graph.values.size(); ++id) {
    const int tensor = emitted->tensor_of_value[id];
    if (toy.graph.values[id].name == "unused") {
      EXPECT_EQ(tensor, -1);
    } else {
      ASSERT_GE(tensor, 0);
      EXPECT_EQ(model.tensors()->Get(tensor)->name()->str(), toy.graph.values[id].name);
    }
  }
}

TEST(EmitModel, StoresEqualConstantsOnce) {
  const ToyGraph toy = TwoConvolutions();
  const auto emitted = EmitModel(toy.graph, {});
  ASSERT_TRUE(emitted.ok());
  const AlignedModel aligned(emitted->bytes);
  ASSERT_TRUE(aligned.result().ok());
  // The empty buffer, the weights that both convolutions have, one bias.
  EXPECT_EQ((*aligned.result())->buffers()->size(), 3u);
}

TEST(EmitModel, GivesTheSameBytesForTheSameGraph) {
  const auto a = EmitModel(TwoConvolutions().graph, {});
  const auto b = EmitModel(TwoConvolutions().graph, {});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_TRUE(a->bytes == b->bytes);
}

TEST(EmitModel, MapsInnerTensorsOfABlock) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 4, 4, 2});
  const ValueId filtered = toy.Activation("filtered", {1, 4, 4, 2});
  const ValueId depthwise = toy.Floats("depthwise", {1, 1, 2}, {1, 2});
  const ValueId project = toy.Floats("project", {3, 1, 1, 2}, {1, 2, 3, 4, 5, 6});
  fb::InvertedResidualT block;
  block.depthwise = std::make_unique<fb::DepthwiseConv2DT>();
  block.project = std::make_unique<fb::Conv2DT>();
  block.filtered = filtered;
  const ValueId y = toy.Op("block", block, {x, kNoValue, kNoValue, depthwise, kNoValue, project, kNoValue},
                           toy.Activation("y", {1, 4, 4, 3}));
  toy.graph.outputs = {y};
  const auto emitted = EmitModel(toy.graph, {});
  ASSERT_TRUE(emitted.ok());
  const AlignedModel aligned(emitted->bytes);
  ASSERT_TRUE(aligned.result().ok()) << aligned.result().error().ToString();
  const fb::Model& model = **aligned.result();
  const auto* options = model.operators()->Get(0)->options_as_InvertedResidual();
  EXPECT_EQ(options->expanded(), -1);
  EXPECT_EQ(options->projected(), -1);
  EXPECT_EQ(model.tensors()->Get(options->filtered())->name()->str(), "filtered");
}

TEST(EmitModel, RefusesWhatTheFormatDoesNotHave) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 4});
  toy.graph.outputs = {toy.Op("leftover", Identity{}, {x}, toy.Activation("y", {1, 4}))};
  auto emitted = EmitModel(toy.graph, {});
  ASSERT_FALSE(emitted.ok());
  EXPECT_EQ(emitted.error().code(), StatusCode::kUnsupported);
  EXPECT_NE(emitted.error().message().find("leftover"), std::string::npos);

  toy.graph.values[x].type = ElementType::kInt64;
  emitted = EmitModel(toy.graph, {});
  ASSERT_FALSE(emitted.ok());
  EXPECT_NE(emitted.error().message().find("int64"), std::string::npos);
}

TEST(EmitModel, ReportsABrokenGraph) {
  ToyGraph toy = TwoConvolutions();
  toy.graph.nodes[0].inputs[0] = 99;
  EXPECT_EQ(EmitModel(toy.graph, {}).error().code(), StatusCode::kInternal);
  toy = TwoConvolutions();
  toy.graph.values[toy.graph.nodes[0].inputs[1]].shape = {1, 1, 1, 3};
  EXPECT_EQ(EmitModel(toy.graph, {}).error().code(), StatusCode::kInternal);
}

}  // namespace
}  // namespace qrun::converter
