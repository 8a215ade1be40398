// Preprocessing folded into the first convolution: equal in real numbers to the graph that it came from, and
// left out wherever it cannot be.
#include "converter/fold_preprocessing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "converter/emit.h"
#include "converter/quantize.h"
#include "runtime/image/preprocess.h"
#include "runtime/qrun.h"
#include "tests/converter/noise.h"
#include "tests/converter/toy_graph.h"

namespace qrun::converter {
namespace {

constexpr int kSize = 9;

fb::PreprocessingT Torch() {
  fb::PreprocessingT preprocessing;
  preprocessing.rule = fb::ResizeRule::None;
  preprocessing.crop_h = preprocessing.crop_w = kSize;
  preprocessing.mean = {0.485f, 0.456f, 0.406f};
  preprocessing.std = {0.229f, 0.224f, 0.225f};
  return preprocessing;
}

// image [1,9,9,3] -> 3x3 convolution with stride 2 to 4 channels -> clamp at 0.
ToyGraph Stem(int pad = 1, bool bias = true) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, kSize, kSize, 3}, {-2.2f, 2.7f});
  fb::Conv2DT conv;
  conv.stride_h = conv.stride_w = 2;
  conv.pad_top = conv.pad_left = conv.pad_bottom = conv.pad_right = pad;
  conv.clamp = std::make_unique<fb::Clamp>(0.0f, INFINITY);
  std::vector<ValueId> inputs = {x, toy.Floats("w", {4, 3, 3, 3}, Uniform(108, 0.5f, 1))};
  if (bias) inputs.push_back(toy.Floats("b", {4}, {0.5f, -0.25f, 0, 1}));
  const int64_t extent = (kSize + 2 * pad - 3) / 2 + 1;
  const ValueId y =
      toy.Op("conv", std::move(conv), inputs, toy.Activation("y", {1, extent, extent, 4}, {0, 9}));
  toy.graph.outputs = {y};
  return toy;
}

// A picture with all levels of grey in every channel, or nearly so.
image::Image Picture() {
  image::Image picture{.width = kSize, .height = kSize, .channels = 3, .pixels = {}};
  for (int i = 0; i < kSize * kSize * 3; ++i) picture.pixels.push_back(static_cast<uint8_t>(i * 151 % 256));
  return picture;
}

image::PreprocessSpec SpecOf(const fb::PreprocessingT& p) {
  image::PreprocessSpec spec;
  spec.rule = image::PreprocessSpec::kNone;
  spec.crop_h = spec.crop_w = kSize;
  spec.mean = p.mean;
  spec.std = p.std;
  return spec;
}

std::vector<float> ValuesOf(const fb::PreprocessingT& p) {
  std::vector<float> values(Picture().pixels.size());
  image::NormalizeF32(Picture(), SpecOf(p), values.data());
  return values;
}

Model ModelOf(const Graph& graph) {
  const auto file = EmitModel(graph, {});
  EXPECT_TRUE(file.ok()) << file.error().message();
  auto model = Model::FromBytes(file->bytes);
  EXPECT_TRUE(model.ok()) << model.error().message();
  return *model;
}

// What the graph makes of values; `input` receives the bytes of its input.
std::vector<float> Outputs(const Graph& graph, const std::vector<float>& values, const char* isa = "",
                           std::vector<std::byte>* input = nullptr) {
  auto session = Session::Create(ModelOf(graph), {.isa = isa});
  EXPECT_TRUE(session.ok()) << session.error().message();
  EXPECT_TRUE(session->SetInput(0, values).ok());
  if (input != nullptr) input->assign(session->InputBytes(0).begin(), session->InputBytes(0).end());
  session->Run();
  std::vector<float> result(static_cast<size_t>(session->outputs()[0].ElementCount()));
  EXPECT_TRUE(session->GetOutput(0, result).ok());
  return result;
}

double Largest(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

Graph Quantized(const ToyGraph& toy, const FoldedPreprocessing& folded,
                const std::vector<std::string>& keep_float = {}) {
  Graph graph = toy.graph;
  std::vector<Range> ranges = toy.ranges;
  ranges.resize(graph.values.size());
  ranges[graph.inputs[0]] = folded.range;
  QuantizeOptions options;
  options.keep_float = keep_float;
  const Status status = QuantizeGraph(graph, ranges, options, nullptr);
  EXPECT_TRUE(status.ok()) << status.message();
  FinishFolding(graph, folded);
  return graph;
}

TEST(FoldPreprocessing, ChangesNothingInRealNumbersBordersIncluded) {
  for (int pad : {0, 1, 2}) {
    for (bool bias : {true, false}) {
      ToyGraph toy = Stem(pad, bias);
      const std::vector<float> want = Outputs(toy.graph, ValuesOf(Torch()));
      const auto folded = FoldPreprocessing(toy.graph, Torch());
      ASSERT_TRUE(folded);
      const std::vector<float> pixels = ValuesOf(folded->preprocessing);
      EXPECT_LT(Largest(want, Outputs(toy.graph, pixels)), 1e-4);
      if (pad == 0) continue;
      // The bound sees a border that is padded with one grey for all channels.
      std::get<fb::Conv2DT>(toy.graph.nodes[0].options).pad_values.clear();
      EXPECT_GT(Largest(want, Outputs(toy.graph, pixels)), 1e-2);
    }
  }
}

TEST(FoldPreprocessing, Int8HoldsThePixelsOnEveryIsa) {
  ToyGraph toy = Stem();
  const std::vector<float> values = ValuesOf(Torch()), want = Outputs(toy.graph, values);
  const auto folded = FoldPreprocessing(toy.graph, Torch());
  ASSERT_TRUE(folded);
  const Graph graph = Quantized(toy, *folded);
  std::vector<std::byte> input;
  const std::vector<float> reference = Outputs(graph, values, "ref", &input);
  const image::Image picture = Picture();
  for (size_t i = 0; i < input.size(); ++i) {
    ASSERT_EQ(static_cast<int8_t>(input[i]), picture.pixels[i] - 128) << i;
  }
  EXPECT_LT(Largest(want, reference), 0.05);  // a step of the output is 9 / 255
  for (const IsaInfo& isa : Isas()) {
    if (!isa.can_run) continue;
    EXPECT_EQ(reference, Outputs(graph, values, isa.name.c_str())) << isa.name;
  }
  // Preprocessing makes the same bytes without a float on the way.
  const TensorInfo info = ModelOf(graph).inputs()[0];
  std::vector<int8_t> bytes(input.size());
  image::NormalizeS8(picture, SpecOf(Torch()),
                     {info.scale, info.zero_point, info.channel_scale, info.channel_offset}, bytes.data());
  EXPECT_EQ(std::memcmp(bytes.data(), input.data(), bytes.size()), 0);
}

TEST(FoldPreprocessing, AConvolutionThatStaysFloatTakesTheValues) {
  ToyGraph toy = Stem();
  const std::vector<float> values = ValuesOf(Torch()), want = Outputs(toy.graph, values);
  const auto folded = FoldPreprocessing(toy.graph, Torch());
  ASSERT_TRUE(folded);
  const Graph graph = Quantized(toy, *folded, {"conv"});
  EXPECT_EQ(graph.values[graph.inputs[0]].type, ElementType::kFloat32);
  EXPECT_LT(Largest(want, Outputs(graph, values)), 1e-4);
}

TEST(FoldPreprocessing, LeavesAloneWhatItCannotFold) {
  const auto folds = [](ToyGraph toy, const fb::PreprocessingT& preprocessing) {
    const size_t values = toy.graph.values.size();
    const bool did = FoldPreprocessing(toy.graph, preprocessing).has_value();
    EXPECT_EQ(did, toy.graph.values.size() != values);
    return did;
  };
  EXPECT_TRUE(folds(Stem(), Torch()));
  fb::PreprocessingT negative = Torch(), outside = Torch();
  negative.std[1] = -0.2f;
  EXPECT_FALSE(folds(Stem(), negative));
  outside.mean[2] = 1.5f;
  EXPECT_FALSE(folds(Stem(), outside));
  ToyGraph twice = Stem();
  const ValueId pooled = twice.MaxPool("pool", twice.graph.inputs[0], twice.Activation("p", {1, 9, 9, 3}));
  twice.graph.outputs.push_back(pooled);
  EXPECT_FALSE(folds(std::move(twice), Torch()));
  ToyGraph output = Stem();
  output.graph.outputs.push_back(output.graph.inputs[0]);
  EXPECT_FALSE(folds(std::move(output), Torch()));
  ToyGraph other;
  const ValueId x = other.Input("x", {1, 9, 9, 3});
  other.graph.outputs = {other.MaxPool("pool", x, other.Activation("p", {1, 9, 9, 3}))};
  EXPECT_FALSE(folds(std::move(other), Torch()));
  ToyGraph transposed = Stem();
  std::get<fb::Conv2DT>(transposed.graph.nodes[0].options).input_dilation_h = 2;
  EXPECT_FALSE(folds(std::move(transposed), Torch()));
}

}  // namespace
}  // namespace qrun::converter
