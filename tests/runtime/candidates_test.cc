// Which candidate a plan takes, by rule or because the caller passes others over: the answer is the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/qrun.h"
#include "tests/model_builder.h"

namespace qrun {
namespace {

using tests::ModelBuilder;

// Expand 1x1, depthwise 3x3, project 1x1, add: `channels` expanded over `size` x `size` pixels.
std::vector<std::byte> Block(int size, int channels) {
  constexpr int kC = 8;
  const auto weights = [](int count, int seed) {
    std::vector<int8_t> values(count);
    for (int i = 0; i < count; ++i) values[i] = static_cast<int8_t>((i * 41 + seed * 17) % 255 - 127);
    return values;
  };
  ModelBuilder b;
  const int x = b.Int8("x", {1, size, size, kC}, 0.05f, 4), y = b.Int8("y", {1, size, size, kC}, 0.09f, 1);
  fb::InvertedResidualT block;
  block.expand = std::make_unique<fb::Conv2DT>();
  block.depthwise = std::make_unique<fb::DepthwiseConv2DT>();
  block.depthwise->pad_top = block.depthwise->pad_left = 1;
  block.depthwise->pad_bottom = block.depthwise->pad_right = 1;
  block.project = std::make_unique<fb::Conv2DT>();
  block.residual = true;
  block.expanded = b.Int8("e", {1, size, size, channels}, 0.03f, -128);
  block.filtered = b.Int8("d", {1, size, size, channels}, 0.03f, -128);
  block.projected = b.Int8("p", {1, size, size, kC}, 0.07f, 9);
  b.Op(std::move(block),
       {x, b.Int8Constant("we", {channels, 1, 1, kC}, weights(channels * kC, 1), {0.01f}), -1,
        b.Int8Constant("wd", {3, 3, channels}, weights(9 * channels, 2), {0.004f}), -1,
        b.Int8Constant("wp", {kC, 1, 1, channels}, weights(kC * channels, 3), {0.01f}), -1},
       y);
  return b.Finish({x}, {y});
}

struct Outcome {
  std::vector<std::byte> output;
  std::vector<StepInfo> steps;
};

Outcome RunModel(const std::vector<std::byte>& bytes, const SessionOptions& options) {
  auto model = Model::FromBytes(bytes);
  EXPECT_TRUE(model.ok()) << model.error().message();
  auto session = Session::Create(*model, options);
  EXPECT_TRUE(session.ok()) << session.error().message();
  std::vector<float> values(static_cast<size_t>(session->inputs()[0].ElementCount()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = 3.0f * std::sin(static_cast<float>(i));
  EXPECT_TRUE(session->SetInput(0, values).ok());
  session->Run();
  const auto output = session->OutputBytes(0);
  return {{output.begin(), output.end()}, session->steps()};
}

SessionOptions On(const std::string& isa) {
  SessionOptions options;
  options.isa = isa;
  return options;
}

bool IsFused(const Outcome& outcome) { return outcome.steps.size() == 1; }

TEST(Candidates, ManyChannelsOfFewPixelsRunAsPartsWhereThatIsFaster) {
  const std::vector<std::byte> few_pixels = Block(3, 16 * 9), more_pixels = Block(3, 16 * 9 - 1);
  const Outcome expected = RunModel(few_pixels, On("ref")), more_expected = RunModel(more_pixels, On("ref"));
  for (const IsaInfo& isa : Isas()) {
    if (!isa.can_run) continue;
    const Outcome few = RunModel(few_pixels, On(isa.name)), more = RunModel(more_pixels, On(isa.name));
    EXPECT_EQ(IsFused(few), isa.name != "avx2" && isa.name != "sse4_1") << isa.name;
    EXPECT_TRUE(IsFused(more)) << isa.name;
    EXPECT_EQ(few.output, expected.output) << isa.name;
    // The rule is the plan's own; who chooses for himself may have it fused, with the same bytes.
    SessionOptions choosing = On(isa.name);
    choosing.passes_over = [](int, std::string_view) { return false; };
    const Outcome fused = RunModel(few_pixels, choosing);
    EXPECT_TRUE(IsFused(fused)) << isa.name;
    EXPECT_EQ(fused.output, expected.output) << isa.name;
    EXPECT_EQ(more.output, more_expected.output) << isa.name;
  }
}

TEST(Candidates, OnesThatAreNotTheLastCanBePassedOver) {
  const std::vector<std::byte> model = Block(6, 20);
  const Outcome own = RunModel(model, {});
  ASSERT_TRUE(IsFused(own));
  std::vector<std::string> asked;
  SessionOptions options;
  options.passes_over = [&](int op_index, std::string_view candidate) {
    EXPECT_EQ(op_index, 0);
    asked.emplace_back(candidate);
    return true;
  };
  const Outcome parts = RunModel(model, options);
  EXPECT_EQ(asked, std::vector<std::string>{"depth_first"});
  EXPECT_EQ(parts.steps.size(), 4u);
  EXPECT_EQ(parts.output, own.output);
  options.passes_over = [](int, std::string_view) { return false; };
  EXPECT_TRUE(IsFused(RunModel(model, options)));
  // Weights on file are those of the plan's own choice.
  options.weight_cache = ".";
  auto both = Session::Create(*Model::FromBytes(model), options);
  ASSERT_FALSE(both.ok());
  EXPECT_EQ(both.error().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace qrun
