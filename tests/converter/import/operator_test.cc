// What single operators become: values worked by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/converter/naive_eval.h"
#include "tests/converter/onnx_model.h"

namespace qrun::converter {
namespace {

std::vector<float> Counting(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i));
  return values;
}

// y[out] summed from where each input pixel goes: the definition of a transposed convolution.
std::vector<float> ScatterConvTranspose(const std::vector<float>& x, Shape in, const std::vector<float>& w,
                                        Shape wei, int64_t groups, int64_t stride, int64_t dilation,
                                        int64_t pad, Shape out) {
  std::vector<float> y(ElementCount(out));
  const int64_t group_ic = in[1] / groups, group_oc = wei[1];
  for (int64_t c = 0; c < in[1]; ++c) {
    for (int64_t o = 0; o < group_oc; ++o) {
      const int64_t oc = c / group_ic * group_oc + o;
      for (int64_t h = 0; h < in[2]; ++h) {
        for (int64_t v = 0; v < in[3]; ++v) {
          for (int64_t kh = 0; kh < wei[2]; ++kh) {
            for (int64_t kw = 0; kw < wei[3]; ++kw) {
              const int64_t yh = h * stride - pad + kh * dilation, yw = v * stride - pad + kw * dilation;
              if (yh < 0 || yw < 0 || yh >= out[2] || yw >= out[3]) continue;
              y[(oc * out[2] + yh) * out[3] + yw] +=
                  x[(c * in[2] + h) * in[3] + v] * w[((c * group_oc + o) * wei[2] + kh) * wei[3] + kw];
            }
          }
        }
      }
    }
  }
  return y;
}

struct TransposeCase {
  int64_t groups, stride, dilation, pad, output_padding;
};

class ConvTransposeTest : public testing::TestWithParam<TransposeCase> {};

TEST_P(ConvTransposeTest, EqualsScattering) {
  const auto [groups, stride, dilation, pad, output_padding] = GetParam();
  const Shape in = {1, 4, 3, 5}, wei = {4, 3, 3, 2};
  OnnxModel model(11);
  model.Input("x", in).Output("y").Random("w", wei, 3);
  model.Node("ConvTranspose", {"x", "w"}, {"y"})
      .Int("group", groups)
      .Ints("strides", {stride, stride})
      .Ints("dilations", {dilation, dilation})
      .Ints("pads", {pad, pad, pad, pad})
      .Ints("output_padding", {output_padding, output_padding});
  const Graph graph = model.MustImport();
  // Named one by one: Clang 14 cannot capture structured bindings.
  const auto extent = [stride = stride, dilation = dilation, pad = pad, output_padding = output_padding](
                          int64_t i, int64_t k) {
    return stride * (i - 1) + output_padding + (k - 1) * dilation + 1 - 2 * pad;
  };
  const Shape out = {1, 3 * groups, extent(3, 3), extent(5, 2)};
  ASSERT_EQ(OutputShape(graph), out);
  const std::vector<float> x = RandomFloats(ElementCount(in), 5);
  std::vector<float> want = ScatterConvTranspose(x, in, RandomFloats(ElementCount(wei), 3), wei, groups,
                                                 stride, dilation, pad, out);
  EXPECT_LT(MaxDifference(want, EvalOne(graph, x)), 1e-6);
  want[0] += 1e-3f;
  EXPECT_GT(MaxDifference(want, EvalOne(graph, x)), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Cases, ConvTransposeTest,
                         testing::Values(TransposeCase{1, 1, 1, 0, 0}, TransposeCase{1, 2, 1, 1, 1},
                                         TransposeCase{2, 2, 1, 0, 0}, TransposeCase{4, 3, 1, 0, 2},
                                         TransposeCase{1, 2, 2, 1, 0}, TransposeCase{2, 1, 1, 2, 0}),
                         [](const auto& info) {
                           const TransposeCase& c = info.param;
                           return "groups" + std::to_string(c.groups) + "_stride" + std::to_string(c.stride) +
                                  "_dilation" + std::to_string(c.dilation) + "_pad" + std::to_string(c.pad) +
                                  "_output_padding" + std::to_string(c.output_padding);
                         });

TEST(ConvTransposeAutoPadTest, SameGivesStrideTimesTheInput) {
  OnnxModel model(11);
  model.Input("x", {1, 1, 4, 4}).Output("y").Random("w", {1, 1, 3, 3}, 1);
  model.Node("ConvTranspose", {"x", "w"}, {"y"}).Ints("strides", {2, 2}).String("auto_pad", "SAME_UPPER");
  const Graph graph = model.MustImport();
  EXPECT_EQ(OutputShape(graph), (Shape{1, 1, 8, 8}));
  const fb::Conv2DT& op = FindOptions<fb::Conv2DT>(graph);
  EXPECT_EQ(op.input_dilation_h, 2);
  // One row of the full 9 is cut: total padding 1, its half rounded down (0) at the beginning.
  EXPECT_EQ(op.pad_top, 2);
  EXPECT_EQ(op.pad_bottom, 1);
}

TEST(ConvTest, AutoPadPutsTheOddPixelWhereItSays) {
  for (const bool upper : {true, false}) {
    OnnxModel model(11);
    model.Input("x", {1, 1, 6, 6}).Output("y").Random("w", {1, 1, 3, 3}, 1);
    model.Node("Conv", {"x", "w"}, {"y"})
        .Ints("strides", {2, 2})
        .String("auto_pad", upper ? "SAME_UPPER" : "SAME_LOWER");
    const Graph graph = model.MustImport();
    EXPECT_EQ(OutputShape(graph), (Shape{1, 1, 3, 3}));
    EXPECT_EQ(FindOptions<fb::Conv2DT>(graph).pad_top, upper ? 0 : 1);
    EXPECT_EQ(FindOptions<fb::Conv2DT>(graph).pad_bottom, upper ? 1 : 0);
  }
}

TEST(ConvTest, ValidIgnoresPads) {
  OnnxModel model(11);
  model.Input("x", {1, 1, 6, 6}).Output("y").Random("w", {1, 1, 3, 3}, 1);
  model.Node("Conv", {"x", "w"}, {"y"}).String("auto_pad", "VALID").Ints("pads", {1, 1, 1, 1});
  EXPECT_EQ(OutputShape(model.MustImport()), (Shape{1, 1, 4, 4}));
}

TEST(ConvTest, SignalsAreImagesOfOneRow) {
  OnnxModel model(11);
  model.Input("x", {1, 1, 4}).Output("y").Floats("w", {1, 1, 3}, {1, 10, 100});
  model.Node("Conv", {"x", "w"}, {"y"}).Ints("pads", {1, 0}).Ints("strides", {1});
  const Graph graph = model.MustImport();
  EXPECT_EQ(OutputShape(graph), (Shape{1, 1, 3}));
  EXPECT_EQ(EvalOne(graph, {1, 2, 3, 4}), (std::vector<float>{210, 321, 432}));
}

TEST(ConvTest, VolumesAreRefused) {
  OnnxModel model(11);
  model.Input("x", {1, 1, 4, 4, 4})
      .Output("y")
      .Random("w", {1, 1, 3, 3, 3}, 1)
      .Node("Conv", {"x", "w"}, {"y"});
  const Result<Graph> graph = model.Import();
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().code(), StatusCode::kUnsupported);
}

TEST(ConvTest, WeightsThatDoNotFitAreRefused) {
  OnnxModel model(11);
  model.Input("x", {1, 3, 4, 4}).Output("y").Random("w", {1, 2, 3, 3}, 1).Node("Conv", {"x", "w"}, {"y"});
  const Result<Graph> graph = model.Import();
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.error().message().find("3 input channels"), std::string::npos) << graph.error().message();
}

OnnxModel PoolModel(const char* op, int64_t extent, int64_t ceil_mode, int64_t pad, int64_t include) {
  OnnxModel model(11);
  model.Input("x", {1, 1, 1, extent}).Output("y");
  model.Node(op, {"x"}, {"y"})
      .Ints("kernel_shape", {1, 3})
      .Ints("strides", {1, 2})
      .Ints("pads", {0, pad, 0, pad})
      .Int("ceil_mode", ceil_mode)
      .Int("count_include_pad", include);
  return model;
}

TEST(PoolTest, CeilModeAddsAWindow) {
  EXPECT_EQ(EvalOne(PoolModel("MaxPool", 6, 0, 0, 0).MustImport(), {1, 2, 3, 4, 5, 6}),
            (std::vector<float>{3, 5}));
  EXPECT_EQ(EvalOne(PoolModel("MaxPool", 6, 1, 0, 0).MustImport(), {1, 2, 3, 4, 5, 6}),
            (std::vector<float>{3, 5, 6}));
  // The window that hangs over has two pixels, and the average is over these.
  EXPECT_EQ(EvalOne(PoolModel("AveragePool", 6, 1, 0, 0).MustImport(), {1, 2, 3, 4, 5, 6}),
            (std::vector<float>{2, 4, 5.5f}));
  EXPECT_EQ(EvalOne(PoolModel("AveragePool", 6, 1, 0, 1).MustImport(), {1, 2, 3, 4, 5, 6}),
            (std::vector<float>{2, 4, 5.5f}));
}

TEST(PoolTest, CeilModeLeavesOutAWindowThatStartsInThePadding) {
  // (5 + 2 - 3) / 2 + 1 = 3 either way; with 4 pixels rounding up gives a third window at pixel 3, inside.
  EXPECT_EQ(OutputShape(PoolModel("MaxPool", 5, 1, 1, 0).MustImport()), (Shape{1, 1, 1, 3}));
  EXPECT_EQ(OutputShape(PoolModel("MaxPool", 4, 1, 1, 0).MustImport()), (Shape{1, 1, 1, 3}));
  OnnxModel model(
      11);  // kernel 1, stride 2, one padded pixel behind: a window at pixel 4 of 4 would see none
  model.Input("x", {1, 1, 1, 4}).Output("y");
  model.Node("MaxPool", {"x"}, {"y"})
      .Ints("kernel_shape", {1, 2})
      .Ints("strides", {1, 4})
      .Ints("pads", {0, 0, 0, 1})
      .Int("ceil_mode", 1);
  EXPECT_EQ(OutputShape(model.MustImport()), (Shape{1, 1, 1, 1}));
}

TEST(PoolTest, CountIncludePad) {
  EXPECT_EQ(EvalOne(PoolModel("AveragePool", 5, 0, 1, 0).MustImport(), {3, 3, 3, 3, 3}),
            (std::vector<float>{3, 3, 3}));
  EXPECT_EQ(EvalOne(PoolModel("AveragePool", 5, 0, 1, 1).MustImport(), {3, 3, 3, 3, 3}),
            (std::vector<float>{2, 3, 2}));
}

TEST(PoolTest, CountedPaddingUnderCeilModeIsRefused) {
  EXPECT_TRUE(PoolModel("AveragePool", 5, 1, 1, 1).Import().ok());  // nothing hangs over
  EXPECT_FALSE(PoolModel("AveragePool", 6, 1, 1, 1).Import().ok());
}

TEST(GemmTest, FoldsAlphaBetaAndTransB) {
  OnnxModel model(11);
  model.Input("x", {1, 2}).Output("y").Floats("w", {3, 2}, {1, 2, 3, 4, 5, 6}).Floats("b", {1, 3}, {1, 2, 3});
  model.Node("Gemm", {"x", "w", "b"}, {"y"}).Int("transB", 1).Float("alpha", 2).Float("beta", 10);
  EXPECT_EQ(EvalOne(model.MustImport(), {1, 1}), (std::vector<float>{16, 34, 52}));
}

TEST(GemmTest, WithoutTransBAndWithAScalarBias) {
  OnnxModel model(11);
  model.Input("x", {1, 2}).Output("y").Floats("w", {2, 3}, {1, 2, 3, 4, 5, 6}).Floats("b", {}, {1});
  model.Node("Gemm", {"x", "w", "b"}, {"y"});
  EXPECT_EQ(EvalOne(model.MustImport(), {1, 10}), (std::vector<float>{42, 53, 64}));
}

TEST(GemmTest, TransAIsRefused) {
  OnnxModel model(11);
  model.Input("x", {1, 1})
      .Output("y")
      .Floats("w", {1, 3}, {1, 2, 3})
      .Node("Gemm", {"x", "w"}, {"y"})
      .Int("transA", 1);
  EXPECT_FALSE(model.Import().ok());
}

TEST(MatMulTest, ConstantFromTheRightOnly) {
  OnnxModel model(13);
  model.Input("x", {1, 2, 2}).Output("y").Floats("w", {2, 1}, {1, 10}).Node("MatMul", {"x", "w"}, {"y"});
  EXPECT_EQ(EvalOne(model.MustImport(), {1, 2, 3, 4}), (std::vector<float>{21, 43}));
  OnnxModel both(13);
  both.Input("x", {1, 2, 2}).Output("y").Node("MatMul", {"x", "x"}, {"y"});
  EXPECT_FALSE(both.Import().ok());
}

TEST(PReluTest, OneSlopeIsLeakyRelu) {
  OnnxModel model(11);
  model.Input("x", {1, 2, 1, 1})
      .Output("y")
      .Floats("s", {2, 1, 1}, {0.5f, 0.5f})
      .Node("PRelu", {"x", "s"}, {"y"});
  const Graph graph = model.MustImport();
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(FindOptions<fb::UnaryT>(graph).kind, fb::UnaryKind::LeakyRelu);
  EXPECT_EQ(FindOptions<fb::UnaryT>(graph).alpha, 0.5f);
}

TEST(PReluTest, SlopePerChannel) {
  OnnxModel model(11);
  model.Input("x", {1, 2, 1, 2})
      .Output("y")
      .Floats("s", {2, 1, 1}, {0.5f, 0.25f})
      .Node("PRelu", {"x", "s"}, {"y"});
  EXPECT_EQ(EvalOne(model.MustImport(), {4, -4, -4, 4}), (std::vector<float>{4, -2, -1, 4}));
}

TEST(PowTest, ExponentsWithAForm) {
  for (const auto& [exponent, want] :
       {std::pair(2.0f, 16.0f), {0.5f, 2.0f}, {1.0f, 4.0f}, {-1.0f, 0.25f}, {3.0f, 64.0f}}) {
    OnnxModel model(13);
    model.Input("x", {1, 1}).Output("y").Floats("e", {}, {exponent}).Node("Pow", {"x", "e"}, {"p"});
    model.Node("Abs", {"p"}, {"y"});
    EXPECT_EQ(EvalOne(model.MustImport(), {4}), std::vector<float>{want}) << exponent;
  }
  OnnxModel model(13);
  model.Input("x", {1, 1}).Output("y").Floats("e", {}, {2.5f}).Node("Pow", {"x", "e"}, {"y"});
  EXPECT_FALSE(model.Import().ok());
}

TEST(DepthToSpaceTest, BothModesAndTheWayBack) {
  OnnxModel dcr(13);
  dcr.Input("x", {1, 8, 1, 1}).Output("y").Node("DepthToSpace", {"x"}, {"y"}).Int("blocksize", 2);
  EXPECT_EQ(EvalOne(dcr.MustImport(), Counting(8)), (std::vector<float>{0, 2, 4, 6, 1, 3, 5, 7}));
  OnnxModel crd(13);
  crd.Input("x", {1, 8, 1, 1})
      .Output("y")
      .Node("DepthToSpace", {"x"}, {"y"})
      .Int("blocksize", 2)
      .String("mode", "CRD");
  EXPECT_EQ(EvalOne(crd.MustImport(), Counting(8)), Counting(8));
  OnnxModel back(13);
  back.Input("x", {1, 2, 2, 2}).Output("y").Node("SpaceToDepth", {"x"}, {"y"}).Int("blocksize", 2);
  EXPECT_EQ(EvalOne(back.MustImport(), {0, 2, 4, 6, 1, 3, 5, 7}), Counting(8));
}

Result<Graph> ResizeTo(int64_t out, const char* mode, const char* coordinates, const char* nearest) {
  OnnxModel model(13);
  model.Input("x", {1, 1, 1, 4}).Output("y").Ints("sizes", {4}, {1, 1, 1, out});
  model.Node("Resize", {"x", "", "", "sizes"}, {"y"})
      .String("mode", mode)
      .String("coordinate_transformation_mode", coordinates)
      .String("nearest_mode", nearest);
  return model.Import();
}

TEST(ResizeTest, ModesOfTheFile) {
  using fb::ResizeCoordinates;
  const auto coordinates = [](const Result<Graph>& graph) {
    return FindOptions<fb::Resize2DT>(*graph).coordinates;
  };
  EXPECT_EQ(coordinates(ResizeTo(7, "linear", "half_pixel", "floor")), ResizeCoordinates::HalfPixel);
  EXPECT_EQ(coordinates(ResizeTo(7, "linear", "pytorch_half_pixel", "floor")), ResizeCoordinates::HalfPixel);
  EXPECT_EQ(coordinates(ResizeTo(7, "linear", "asymmetric", "floor")), ResizeCoordinates::Asymmetric);
  EXPECT_EQ(coordinates(ResizeTo(7, "linear", "align_corners", "floor")), ResizeCoordinates::AlignCorners);
  EXPECT_EQ(coordinates(ResizeTo(7, "nearest", "asymmetric", "floor")), ResizeCoordinates::Asymmetric);
  EXPECT_EQ(coordinates(ResizeTo(7, "nearest", "half_pixel", "round_prefer_floor")),
            ResizeCoordinates::HalfPixel);
}

TEST(ResizeTest, WholeFactorsReadTheSamePixelsInSeveralModes) {
  // Twice as large, both roundings of half_pixel pick x / 2.
  EXPECT_TRUE(ResizeTo(8, "nearest", "half_pixel", "round_prefer_ceil").ok());
}

TEST(ResizeTest, ModesWithoutAFormAreRefused) {
  EXPECT_FALSE(ResizeTo(7, "nearest", "asymmetric", "ceil").ok());
  EXPECT_FALSE(ResizeTo(7, "cubic", "half_pixel", "floor").ok());
  EXPECT_FALSE(ResizeTo(7, "linear", "tf_crop_and_resize", "floor").ok());
}

TEST(ResizeTest, ScalesOfEveryOpset) {
  const std::vector<float> want = {1, 1, 2, 2};
  OnnxModel seven(7);
  seven.Input("x", {1, 1, 1, 2}).Output("y").Node("Upsample", {"x"}, {"y"}).FloatList("scales", {1, 1, 1, 2});
  EXPECT_EQ(EvalOne(seven.MustImport(), {1, 2}), want);
  for (const auto& [opset, op] : {std::pair(9, "Upsample"), {10, "Resize"}}) {
    OnnxModel model(opset);
    model.Input("x", {1, 1, 1, 2}).Output("y").Floats("s", {4}, {1, 1, 1, 2}).Node(op, {"x", "s"}, {"y"});
    EXPECT_EQ(EvalOne(model.MustImport(), {1, 2}), want) << op;
  }
  OnnxModel eleven(11);
  eleven.Input("x", {1, 1, 1, 2}).Output("y").Floats("roi", {0}, {}).Floats("s", {4}, {1, 1, 1, 2});
  eleven.Node("Resize", {"x", "roi", "s"}, {"y"});
  EXPECT_EQ(EvalOne(eleven.MustImport(), {1, 2}), want);
  OnnxModel eighteen(18);
  eighteen.Input("x", {1, 1, 1, 2})
      .Output("y")
      .Floats("s", {1}, {2})
      .Node("Resize", {"x", "", "s"}, {"y"})
      .Ints("axes", {3});
  EXPECT_EQ(EvalOne(eighteen.MustImport(), {1, 2}), want);
}

TEST(GeluTest, OnlyTheExactOne) {
  OnnxModel model(20);
  model.Input("x", {1, 2}).Output("y").Node("Gelu", {"x"}, {"y"});
  EXPECT_EQ(FindOptions<fb::UnaryT>(model.MustImport()).kind, fb::UnaryKind::Gelu);
  OnnxModel tanh(20);
  tanh.Input("x", {1, 2}).Output("y").Node("Gelu", {"x"}, {"y"}).String("approximate", "tanh");
  EXPECT_FALSE(tanh.Import().ok());
}

struct UnaryCase {
  const char* op;
  double (*formula)(double);
};

class UnaryTest : public testing::TestWithParam<UnaryCase> {};

TEST_P(UnaryTest, FollowsItsFormula) {
  OnnxModel model(18);
  model.Input("x", {1, 5}).Output("y").Node(GetParam().op, {"x"}, {"y"});
  const std::vector<float> x = {0.25f, 1, 2, 3.5f, 0.75f};
  std::vector<float> want;
  for (float v : x) want.push_back(static_cast<float>(GetParam().formula(v)));
  EXPECT_LT(MaxDifference(want, EvalOne(model.MustImport(), x)), 1e-6) << GetParam().op;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, UnaryTest,
    testing::Values(UnaryCase{"Exp", [](double x) { return std::exp(x); }},
                    UnaryCase{"Log", [](double x) { return std::log(x); }},
                    UnaryCase{"Sqrt", [](double x) { return std::sqrt(x); }},
                    UnaryCase{"Neg", [](double x) { return -x; }},
                    UnaryCase{"Floor", [](double x) { return std::floor(x); }},
                    UnaryCase{"Reciprocal", [](double x) { return 1 / x; }},
                    UnaryCase{"Sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
                    UnaryCase{"Tanh", [](double x) { return std::tanh(x); }},
                    UnaryCase{"Softplus", [](double x) { return std::log(1 + std::exp(x)); }},
                    UnaryCase{"HardSwish", [](double x) { return x * std::min(1.0, x / 6 + 0.5); }},
                    UnaryCase{"HardSigmoid", [](double x) { return std::min(1.0, 0.2 * x + 0.5); }},
                    UnaryCase{"Selu", [](double x) { return 1.05070102214813232421875 * x; }},
                    UnaryCase{"Elu", [](double x) { return x; }},
                    UnaryCase{"Erf", [](double x) { return std::erf(x); }}),
    [](const auto& info) { return std::string(info.param.op); });

}  // namespace
}  // namespace qrun::converter
