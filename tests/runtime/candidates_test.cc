// Which candidate a plan takes, by rule or because the caller passes others over: the answer is the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "runtime/qrun.h"
#include "tests/model_builder.h"

namespace qrun {
namespace {

using tests::ModelBuilder;

// Expand 1x1, depthwise, project 1x1, add: `channels` expanded over `size` x `size` pixels, filters of
// `kernel` squared.
std::vector<std::byte> Block(int size, int channels, int kernel = 3) {
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
  block.depthwise->pad_top = block.depthwise->pad_left = kernel / 2;
  block.depthwise->pad_bottom = block.depthwise->pad_right = kernel / 2;
  block.project = std::make_unique<fb::Conv2DT>();
  block.residual = true;
  block.expanded = b.Int8("e", {1, size, size, channels}, 0.03f, -128);
  block.filtered = b.Int8("d", {1, size, size, channels}, 0.03f, -128);
  block.projected = b.Int8("p", {1, size, size, kC}, 0.07f, 9);
  b.Op(std::move(block),
       {x, b.Int8Constant("we", {channels, 1, 1, kC}, weights(channels * kC, 1), {0.01f}), -1,
        b.Int8Constant("wd", {kernel, kernel, channels}, weights(kernel * kernel * channels, 2), {0.004f}),
        -1, b.Int8Constant("wp", {kC, 1, 1, channels}, weights(kC * channels, 3), {0.01f}), -1},
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

// Whether the plan runs the block in parts is for runs_as_parts(isa) to say. The rule is the plan's own; who
// chooses for himself may have it fused, with the same bytes.
template <class RunsAsParts>
void ExpectParts(const std::vector<std::byte>& block, const RunsAsParts& runs_as_parts) {
  const Outcome expected = RunModel(block, On("ref"));
  for (const IsaInfo& isa : Isas()) {
    if (!isa.can_run) continue;
    SCOPED_TRACE(isa.name);
    const Outcome planned = RunModel(block, On(isa.name));
    EXPECT_EQ(IsFused(planned), !runs_as_parts(isa.name));
    EXPECT_EQ(planned.output, expected.output);
    SessionOptions choosing = On(isa.name);
    choosing.passes_over = [](int, std::string_view) { return false; };
    const Outcome fused = RunModel(block, choosing);
    EXPECT_TRUE(IsFused(fused));
    EXPECT_EQ(fused.output, expected.output);
  }
}

bool Never(const std::string&) { return false; }

TEST(Candidates, ManyChannelsOfFewPixelsRunAsPartsWhereThatIsFaster) {
  const auto multiplies_words = [](const std::string& isa) { return isa == "avx2" || isa == "sse4_1"; };
  ExpectParts(Block(3, 16 * 9), multiplies_words);
  ExpectParts(Block(3, 16 * 9 - 1), Never);
  const auto or_512_bits = [&](const std::string& isa) { return multiplies_words(isa) || isa == "avx512"; };
  ExpectParts(Block(6, 16 * 36), or_512_bits);
  ExpectParts(Block(6, 16 * 36 - 1), Never);
}

TEST(Candidates, SmallBlocksOfFiltersWithoutCellsRunAsParts) {
  const auto lacks_5x5 = [](const std::string& isa) {
    return isa == "avxvnni" || isa == "avx512" || isa == "avx2" || isa == "sse4_1";
  };
  ExpectParts(Block(9, 40, 5), lacks_5x5);
  ExpectParts(Block(9, 40, 7), [](const std::string& isa) { return isa != "ref"; });
  // What parts would store is many times what the block needs.
  ExpectParts(Block(96, 64, 5), Never);
  ExpectParts(Block(96, 64, 7), Never);
}

std::vector<int8_t> Weights(int count) {
  std::vector<int8_t> values(count);
  for (int i = 0; i < count; ++i) values[i] = static_cast<int8_t>((i * 41 + 17) % 255 - 127);
  return values;
}

// A convolution from `in` [h, w, c] with weights `wei` [oc, kh, kw, c / groups], with a bias.
struct Convolution {
  std::vector<int> in, wei;
  fb::Conv2DT options;
};

std::vector<std::byte> ModelOf(const Convolution& c, bool is_float) {
  const fb::Conv2DT& o = c.options;
  const auto extent = [](int in, int kernel, int gap, int stride, int dilation, int before, int after) {
    return ((in - 1) * gap + 1 + before + after - (kernel - 1) * dilation - 1) / stride + 1;
  };
  const int oc = c.wei[0];
  const std::vector<int> src = {1, c.in[0], c.in[1], c.in[2]};
  const std::vector<int> dst = {
      1, extent(c.in[0], c.wei[1], o.input_dilation_h, o.stride_h, o.dilation_h, o.pad_top, o.pad_bottom),
      extent(c.in[1], c.wei[2], o.input_dilation_w, o.stride_w, o.dilation_w, o.pad_left, o.pad_right), oc};
  const std::vector<int8_t> wei = Weights(oc * c.wei[1] * c.wei[2] * c.wei[3]);
  ModelBuilder b;
  if (is_float) {
    std::vector<float> bias;
    for (int i = 0; i < oc; ++i) bias.push_back(static_cast<float>(i % 7) - 3);
    const int x = b.Float("x", src), y = b.Float("y", dst);
    b.Op(o, {x, b.FloatConstant("w", c.wei, {wei.begin(), wei.end()}), b.FloatConstant("b", {oc}, bias)}, y);
    return b.Finish({x}, {y});
  }
  std::vector<float> scales;
  std::vector<int32_t> bias;
  for (int i = 0; i < oc; ++i) {
    scales.push_back(0.005f + 0.001f * static_cast<float>(i % 5));
    bias.push_back(i * 331 % 4001 - 2000);
  }
  const int x = b.Int8("x", src, 0.03f, 11), y = b.Int8("y", dst, 0.3f, -7);
  b.Op(o, {x, b.Int8Constant("w", c.wei, wei, scales, 0), b.Int32Constant("b", {oc}, bias)}, y);
  return b.Finish({x}, {y});
}

// `model`, of one operator, runs on `candidate` everywhere; and where that is passed over, with the same
// bytes.
void ExpectCandidate(const std::vector<std::byte>& model, const std::string& candidate) {
  SessionOptions last = On("ref");
  last.passes_over = [](int, std::string_view) { return true; };
  last.reproducible_float = true;
  const Outcome want = RunModel(model, last);
  EXPECT_NE(want.steps[0].candidate, candidate + "/ref");
  EXPECT_TRUE(
      std::any_of(want.output.begin(), want.output.end(), [&](std::byte b) { return b != want.output[0]; }));
  for (const IsaInfo& isa : Isas()) {
    if (!isa.can_run) continue;
    for (int threads : {1, 3}) {
      for (int batch : {1, 2}) {
        SessionOptions options = On(isa.name);
        options.reproducible_float = true;
        options.threads = threads;
        options.batch = batch;
        const Outcome got = RunModel(model, options);
        EXPECT_EQ(got.steps[0].candidate, candidate + "/" + isa.name);
        last.batch = batch;
        EXPECT_EQ(got.output, RunModel(model, last).output) << isa.name << " batch " << batch;
      }
    }
  }
}

fb::Conv2DT Upsampling(int gap_h, int gap_w, std::vector<int> pad) {
  fb::Conv2DT o;
  o.input_dilation_h = gap_h;
  o.input_dilation_w = gap_w;
  o.pad_top = pad[0];
  o.pad_left = pad[1];
  o.pad_bottom = pad[2];
  o.pad_right = pad[3];
  return o;
}

TEST(Candidates, TransposedConvolutionsLeaveGapsOut) {
  fb::Conv2DT groups = Upsampling(2, 2, {2, 2, 2, 2});
  groups.groups = 3;
  groups.clamp = std::make_unique<fb::Clamp>(-1.0f, 20.0f);
  const Convolution cases[] = {{{5, 6, 4}, {10, 4, 4, 4}, Upsampling(2, 2, {2, 2, 2, 2})},
                               {{5, 3, 19}, {7, 3, 3, 19}, Upsampling(2, 2, {1, 1, 2, 2})},
                               {{3, 4, 5}, {33, 5, 2, 5}, Upsampling(3, 2, {4, 1, 3, 0})},
                               {{4, 4, 3}, {5, 2, 3, 3}, Upsampling(1, 3, {0, 2, 1, 2})},
                               {{4, 5, 6}, {4, 4, 4, 6}, Upsampling(2, 2, {-1, 0, -2, 3})},
                               {{1, 2, 3}, {4, 3, 3, 3}, Upsampling(2, 2, {7, 2, 2, 5})},
                               {{4, 5, 6}, {9, 4, 4, 2}, groups}};
  for (const Convolution& c : cases) {
    ExpectCandidate(ModelOf(c, false), "conv2d_phases_s8");
    ExpectCandidate(ModelOf(c, true), "conv2d_phases_f32");
  }
  // Without a tap for some outputs, or with strides, the gaps are multiplied.
  fb::Conv2DT strided = Upsampling(2, 2, {1, 1, 1, 1});
  strided.stride_h = 2;
  for (const Convolution& c : {Convolution{{4, 4, 3}, {5, 1, 1, 3}, Upsampling(2, 2, {0, 0, 0, 0})},
                               Convolution{{4, 4, 3}, {5, 3, 3, 3}, strided}}) {
    EXPECT_EQ(RunModel(ModelOf(c, false), On("ref")).steps[0].candidate, "conv2d_s8/ref");
  }
}

TEST(Candidates, DepthwiseWithAMultiplierRepeatsChannels) {
  for (int multiplier : {2, 3, 8}) {
    for (int channels : {2, 13, 40}) {
      for (int stride : {1, 2}) {
        fb::Conv2DT o;
        o.groups = channels;
        o.stride_h = o.stride_w = stride;
        o.pad_top = o.pad_left = o.pad_right = 1;
        o.clamp = std::make_unique<fb::Clamp>(-5.0f, 25.0f);
        ExpectCandidate(ModelOf({{7, 9, channels}, {channels * multiplier, 3, 3, 1}, o}, false),
                        "dwconv2d_repeated_s8");
      }
    }
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
