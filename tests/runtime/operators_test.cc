// Every operator of the file, through Model and Session, against values worked by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/qrun.h"
#include "tests/model_builder.h"
#include "tests/runtime/guarded_runs.h"

namespace qrun {
namespace {

using tests::ModelBuilder;

// Runs a model with one input on float values and returns the first output as real numbers. The model must
// also run between guard pages, as two items with more threads.
std::vector<float> RunModel(const std::vector<std::byte>& bytes, const std::vector<float>& input,
                            SessionOptions options = {}) {
  auto model = Model::FromBytes(bytes);
  if (!model.ok()) {
    ADD_FAILURE() << model.error().message();
    return {};
  }
  auto session = Session::Create(*model, options);
  if (!session.ok()) {
    ADD_FAILURE() << session.error().message();
    return {};
  }
  const Status set = session->SetInput(0, input);
  EXPECT_TRUE(set.ok()) << set.message();
  session->Run();
  std::vector<float> output(static_cast<size_t>(session->outputs()[0].ElementCount()));
  const Status get = session->GetOutput(0, output);
  EXPECT_TRUE(get.ok()) << get.message();
  EXPECT_EQ(tests::RunGuarded(*model, /*batch=*/2).failure, "");
  return output;
}

using Floats = std::vector<float>;

constexpr int kNone = -1;

// int8 activations with scale 1 and zero point 0 hold small whole numbers exactly.
TEST(Operators, Conv2D) {
  // One 2x2 filter of weights 1, 2, 3, 4 over a 3x3 image, bias 10; the right and bottom edge padded.
  const Floats image = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const Floats expected = {10 + 1 + 4 + 12 + 20,  10 + 2 + 6 + 15 + 24,  10 + 3 + 18,  // row 0
                           10 + 4 + 10 + 21 + 32, 10 + 5 + 12 + 24 + 36, 10 + 6 + 27,
                           10 + 7 + 16,           10 + 8 + 18,           10 + 9};
  fb::Conv2DT conv;
  conv.pad_bottom = conv.pad_right = 1;
  ModelBuilder f;
  const int fx = f.Float("x", {1, 3, 3, 1});
  const int fy = f.Float("y", {1, 3, 3, 1});
  f.Op(conv, {fx, f.FloatConstant("w", {1, 2, 2, 1}, {1, 2, 3, 4}), f.FloatConstant("b", {1}, {10})}, fy);
  EXPECT_EQ(RunModel(f.Finish({fx}, {fy}), image), expected);

  ModelBuilder q;
  const int qx = q.Int8("x", {1, 3, 3, 1}, 1, -7);
  const int qy = q.Int8("y", {1, 3, 3, 1}, 1, 5);
  q.Op(conv, {qx, q.Int8Constant("w", {1, 2, 2, 1}, {1, 2, 3, 4}, {1.0f}), q.Int32Constant("b", {1}, {10})},
       qy);
  EXPECT_EQ(RunModel(q.Finish({qx}, {qy}), image), expected);
}

TEST(Operators, Conv2DRoundsHalfToEvenAndClamps) {
  // 1x1, weight 1, output scale 2: x/2 rounds to the even neighbour; Relu6-like clamp [0, 6].
  ModelBuilder q;
  const int x = q.Int8("x", {1, 1, 8, 1}, 1, 0);
  const int y = q.Int8("y", {1, 1, 8, 1}, 2, -128);
  fb::Conv2DT conv;
  conv.clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
  q.Op(conv, {x, q.Int8Constant("w", {1, 1, 1, 1}, {1}, {1.0f}), kNone}, y);
  EXPECT_EQ(RunModel(q.Finish({x}, {y}), {-5, 0, 1, 3, 5, 7, 100, 2}), (Floats{0, 0, 0, 4, 4, 6, 6, 2}));
}

TEST(Operators, Conv2DGroupsAndStride) {
  // Two groups of one channel: weights 2 and -3, stride 2.
  const Floats image = {1, 10, 2, 20, 3, 30};  // 1x3 pixels, 2 channels
  fb::Conv2DT conv;
  conv.stride_w = 2;
  conv.groups = 2;
  ModelBuilder f;
  const int x = f.Float("x", {1, 1, 3, 2}), y = f.Float("y", {1, 1, 2, 2});
  f.Op(conv, {x, f.FloatConstant("w", {2, 1, 1, 1}, {2, -3}), kNone}, y);
  EXPECT_EQ(RunModel(f.Finish({x}, {y}), image), (Floats{2, -30, 6, -90}));
}

TEST(Operators, Conv2DInputDilationIsTransposedConvolution) {
  // [1, 2] spread to [1, 0, 2], filter [1, 10] (already flipped), full padding of 1: 10, 1, 20, 2.
  fb::Conv2DT conv;
  conv.input_dilation_w = 2;
  conv.pad_left = conv.pad_right = 1;
  ModelBuilder q;
  const int x = q.Int8("x", {1, 1, 2, 1}, 1, 3), y = q.Int8("y", {1, 1, 4, 1}, 1, 0);
  q.Op(conv, {x, q.Int8Constant("w", {1, 1, 2, 1}, {1, 10}, {1.0f}), kNone}, y);
  EXPECT_EQ(RunModel(q.Finish({x}, {y}), {1, 2}), (Floats{10, 1, 20, 2}));

  ModelBuilder f;
  const int fx = f.Float("x", {1, 1, 2, 1}), fy = f.Float("y", {1, 1, 4, 1});
  f.Op(conv, {fx, f.FloatConstant("w", {1, 1, 2, 1}, {1, 10}), kNone}, fy);
  EXPECT_EQ(RunModel(f.Finish({fx}, {fy}), {1, 2}), (Floats{10, 1, 20, 2}));
}

TEST(Operators, DepthwiseConv2D) {
  // Two channels, 1x3 filters [1,2,3] and [0,1,0], padded left and right.
  const Floats image = {1, 10, 2, 20, 3, 30};
  const Floats expected = {2 * 1 + 3 * 2, 10, 1 + 4 + 9, 20, 2 + 6, 30};
  fb::DepthwiseConv2DT conv;
  conv.pad_left = conv.pad_right = 1;
  ModelBuilder f;
  const int fx = f.Float("x", {1, 1, 3, 2}), fy = f.Float("y", {1, 1, 3, 2});
  f.Op(conv, {fx, f.FloatConstant("w", {1, 3, 2}, {1, 0, 2, 1, 3, 0}), kNone}, fy);
  EXPECT_EQ(RunModel(f.Finish({fx}, {fy}), image), expected);

  ModelBuilder q;
  const int qx = q.Int8("x", {1, 1, 3, 2}, 1, 9), qy = q.Int8("y", {1, 1, 3, 2}, 1, -4);
  // Per-channel scales: channel 1's weight 4 at scale 0.25 is 1.
  q.Op(conv, {qx, q.Int8Constant("w", {1, 3, 2}, {1, 0, 2, 4, 3, 0}, {1.0f, 0.25f}, 2), kNone}, qy);
  EXPECT_EQ(RunModel(q.Finish({qx}, {qy}), image), expected);
}

TEST(Operators, FullyConnected) {
  fb::FullyConnectedT fc;
  fc.clamp = std::make_unique<fb::Clamp>(-20.0f, 100.0f);
  ModelBuilder f;
  const int fx = f.Float("x", {1, 3}), fy = f.Float("y", {1, 2});
  f.Op(fc, {fx, f.FloatConstant("w", {2, 3}, {1, 2, 3, -4, -5, -6}), f.FloatConstant("b", {2}, {0.5f, 1})},
       fy);
  EXPECT_EQ(RunModel(f.Finish({fx}, {fy}), {1, 2, 3}), (Floats{14.5f, -20}));

  ModelBuilder q;
  const int qx = q.Int8("x", {1, 3}, 1, 100), qy = q.Int8("y", {1, 2}, 0.5f, 0);
  q.Op(fc,
       {qx, q.Int8Constant("w", {2, 3}, {1, 2, 3, -4, -5, -6}, {0.5f, 1.0f}, 0),
        q.Int32Constant("b", {2}, {1, 1})},
       qy);
  EXPECT_EQ(RunModel(q.Finish({qx}, {qy}), {1, 2, 3}), (Floats{7.5f, -20}));
}

TEST(Operators, BinaryBroadcasts) {
  fb::BinaryT add;
  // b holds one value per channel, as a squeeze-and-excite gate does.
  ModelBuilder f;
  const int x = f.Float("x", {1, 1, 2, 2}), y = f.Float("y", {1, 1, 2, 2});
  fb::BinaryT mul;
  mul.kind = fb::BinaryKind::Mul;
  f.Op(mul, {x, f.FloatConstant("s", {1, 1, 1, 2}, {2, 3})}, y);
  EXPECT_EQ(RunModel(f.Finish({x}, {y}), {1, 2, 3, 4}), (Floats{2, 6, 6, 12}));

  // b has one value per pixel: broadcast along the channels.
  ModelBuilder p;
  const int px = p.Float("x", {1, 1, 2, 2}), py = p.Float("y", {1, 1, 2, 2});
  p.Op(add, {px, p.FloatConstant("s", {1, 1, 2, 1}, {10, 20})}, py);
  EXPECT_EQ(RunModel(p.Finish({px}, {py}), {1, 2, 3, 4}), (Floats{11, 12, 23, 24}));

  // Alternating axes: b [2, 1, 2] against a [2, 2, 2] cannot be two runs.
  ModelBuilder m;
  const int mx = m.Float("x", {1, 2, 2, 2}), my = m.Float("y", {1, 2, 2, 2});
  fb::BinaryT sub;
  sub.kind = fb::BinaryKind::Sub;
  m.Op(sub, {mx, m.FloatConstant("s", {1, 2, 1, 2}, {1, 2, 3, 4})}, my);
  EXPECT_EQ(RunModel(m.Finish({mx}, {my}), {10, 10, 10, 10, 10, 10, 10, 10}),
            (Floats{9, 8, 9, 8, 7, 6, 7, 6}));
}

TEST(Operators, BinaryInt8RescalesBothSides) {
  // 0.5 * qa + 0.25 * qb with an output scale of 1: 3 + 1.25 = 4.25 -> 4; ties go to even: 2 + 0.5 -> 2.
  for (auto [kind, expected] :
       {std::pair{fb::BinaryKind::Add, Floats{4, 2, -4}}, std::pair{fb::BinaryKind::Sub, Floats{2, 2, -2}}}) {
    ModelBuilder q;
    const int x = q.Int8("x", {1, 3}, 0.5f, 4), y = q.Int8("y", {1, 3}, 1, -3);
    const int b = q.Int8Constant("b", {1, 3}, {5, 2, -4}, {0.25f});
    fb::BinaryT op;
    op.kind = kind;
    q.Op(op, {x, b}, y);
    EXPECT_EQ(RunModel(q.Finish({x}, {y}), {3, 2, -3}), expected) << fb::EnumNameBinaryKind(kind);
  }
  ModelBuilder q;
  const int x = q.Int8("x", {1, 3}, 0.5f, 4), y = q.Int8("y", {1, 3}, 0.25f, -3);
  fb::BinaryT op;
  op.kind = fb::BinaryKind::Mul;
  q.Op(op, {x, x}, y);
  EXPECT_EQ(RunModel(q.Finish({x}, {y}), {1.5f, -2, 3}), (Floats{2.25f, 4, 9}));
}

TEST(Operators, Pool2D) {
  fb::Pool2DT pool;
  pool.kernel_h = pool.kernel_w = 2;
  pool.stride_h = pool.stride_w = 2;
  pool.pad_right = pool.pad_bottom = 1;
  const Floats image = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (auto [kind, include, expected] :
       {std::tuple{fb::PoolKind::Max, false, Floats{5, 6, 8, 9}},
        std::tuple{fb::PoolKind::Average, false, Floats{3, 4.5f, 7.5f, 9}},
        std::tuple{fb::PoolKind::Average, true, Floats{3, 2.25f, 3.75f, 2.25f}}}) {
    pool.kind = kind;
    pool.count_include_pad = include;
    ModelBuilder f;
    const int fx = f.Float("x", {1, 3, 3, 1}), fy = f.Float("y", {1, 2, 2, 1});
    f.Op(pool, {fx}, fy);
    EXPECT_EQ(RunModel(f.Finish({fx}, {fy}), image), expected);
    ModelBuilder q;
    const int qx = q.Int8("x", {1, 3, 3, 1}, 0.25f, 3), qy = q.Int8("y", {1, 2, 2, 1}, 0.25f, 3);
    q.Op(pool, {qx}, qy);
    EXPECT_EQ(RunModel(q.Finish({qx}, {qy}), image), expected);
  }
}

TEST(Operators, Unary) {
  const struct {
    fb::UnaryKind kind;
    float alpha, beta;
    Floats expected;  // of -4, -1, 0, 1, 4
  } cases[] = {
      {fb::UnaryKind::Clamp, -2, 3, {-2, -1, 0, 1, 3}},
      {fb::UnaryKind::LeakyRelu, 0.5f, 0, {-2, -0.5f, 0, 1, 4}},
      {fb::UnaryKind::HardSigmoid, 0.25f, 0.5f, {0, 0.25f, 0.5f, 0.75f, 1}},
      {fb::UnaryKind::HardSwish, 0, 0, {0, -1.0f / 3, 0, 2.0f / 3, 4}},
      {fb::UnaryKind::Sigmoid, 0, 0, {0.01798621f, 0.26894142f, 0.5f, 0.73105858f, 0.98201379f}},
      {fb::UnaryKind::Silu, 0, 0, {-0.07194484f, -0.26894142f, 0, 0.73105858f, 3.92805516f}},
      {fb::UnaryKind::Tanh, 0, 0, {-0.99932930f, -0.76159416f, 0, 0.76159416f, 0.99932930f}},
      {fb::UnaryKind::Elu, 2, 0, {-1.96336872f, -1.26424112f, 0, 1, 4}},
      {fb::UnaryKind::Selu,
       1.67326324f,
       1.05070099f,
       {-1.72589854f, -1.11133070f, 0, 1.05070099f, 4.20280396f}},
      {fb::UnaryKind::Exp, 0, 0, {0.01831564f, 0.36787944f, 1, 2.71828183f, 54.5981500f}},
      {fb::UnaryKind::Abs, 0, 0, {4, 1, 0, 1, 4}},
      {fb::UnaryKind::Neg, 0, 0, {4, 1, 0, -1, -4}},
      {fb::UnaryKind::Gelu, 0, 0, {-0.00012669f, -0.15865525f, 0, 0.84134475f, 3.99987331f}},
      {fb::UnaryKind::Softplus, 0, 0, {0.01814993f, 0.31326169f, 0.69314718f, 1.31326169f, 4.01814993f}},
      {fb::UnaryKind::Floor, 0, 0, {-4, -1, 0, 1, 4}},
  };
  for (const auto& c : cases) {
    ModelBuilder f;
    const int x = f.Float("x", {1, 5}), y = f.Float("y", {1, 5});
    fb::UnaryT unary;
    unary.kind = c.kind;
    unary.alpha = c.alpha;
    unary.beta = c.beta;
    f.Op(unary, {x}, y);
    const Floats result = RunModel(f.Finish({x}, {y}), {-4, -1, 0, 1, 4});
    for (int i = 0; i < 5; ++i) {
      EXPECT_NEAR(result[i], c.expected[i], 2e-6f * std::max(1.0f, std::fabs(c.expected[i])))
          << fb::EnumNameUnaryKind(c.kind) << " at " << i;
    }
  }
}

TEST(Operators, UnaryOfPositiveNumbers) {
  for (auto [kind, expected] : {std::pair{fb::UnaryKind::Sqrt, Floats{0.5f, 1, 2}},
                                std::pair{fb::UnaryKind::Log, Floats{-1.38629436f, 0, 1.38629436f}},
                                std::pair{fb::UnaryKind::Reciprocal, Floats{4, 1, 0.25f}}}) {
    ModelBuilder f;
    const int x = f.Float("x", {1, 3}), y = f.Float("y", {1, 3});
    fb::UnaryT unary;
    unary.kind = kind;
    f.Op(unary, {x}, y);
    const Floats result = RunModel(f.Finish({x}, {y}), {0.25f, 1, 4});
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(result[i], expected[i], 2e-6f) << fb::EnumNameUnaryKind(kind);
  }
}

TEST(Operators, LookupTable) {
  std::vector<int8_t> table(256);
  for (int i = 0; i < 256; ++i) table[i] = static_cast<int8_t>(127 - i);  // q -> -1 - q
  ModelBuilder q;
  const int x = q.Int8("x", {1, 4}, 1, 0), y = q.Int8("y", {1, 4}, 1, 0);
  q.Op(fb::LookupTableT(), {x, q.Int8Constant("t", {256}, table, {1.0f})}, y);
  EXPECT_EQ(RunModel(q.Finish({x}, {y}), {-128, -1, 0, 127}), (Floats{127, 0, -1, -128}));
}

TEST(Operators, SoftmaxSumsToOne) {
  ModelBuilder f;
  const int x = f.Float("x", {1, 3}), y = f.Float("y", {1, 3});
  f.Op(fb::SoftmaxT(), {x}, y);
  const std::vector<std::byte> model = f.Finish({x}, {y});
  const Floats result = RunModel(model, {0, std::log(2.0f), std::log(5.0f)});
  EXPECT_NEAR(result[0], 0.125f, 1e-6f);
  EXPECT_NEAR(result[1], 0.25f, 1e-6f);
  EXPECT_NEAR(result[2], 0.625f, 1e-6f);
  // Far apart and large: no overflow.
  EXPECT_EQ(RunModel(model, {1000, -1000, 0}), (Floats{1, 0, 0}));
}

TEST(Operators, QuantizeDequantizeRequantize) {
  // float -> int8 (scale 0.5, zp 10) -> int8 (scale 2, zp -1) -> float.
  ModelBuilder m;
  const int x = m.Float("x", {1, 6}), a = m.Int8("a", {1, 6}, 0.5f, 10), b = m.Int8("b", {1, 6}, 2, -1),
            y = m.Float("y", {1, 6});
  m.Op(fb::QuantizeT(), {x}, a);
  m.Op(fb::RequantizeT(), {a}, b);
  m.Op(fb::DequantizeT(), {b}, y);
  // 0.25 is a tie at scale 0.5 and goes to 0; 3 at scale 2 is a tie (1.5) and goes to 2 * 2 = 4; 1000
  // saturates at (127 - 10) / 2 = 58.5, which at scale 2 is a quarter above 29 steps.
  EXPECT_EQ(RunModel(m.Finish({x}, {y}), {0.25f, 3, -3, 1000, -1000, 4.9f}), (Floats{0, 4, -4, 58, -68, 4}));
}

TEST(Operators, ConcatRescalesInt8Inputs) {
  ModelBuilder q;
  const int x = q.Int8("x", {1, 2, 1, 2}, 1, 0), half = q.Int8("half", {1, 2, 1, 2}, 0.5f, 7);
  const int y = q.Int8("y", {1, 2, 1, 4}, 1, 1);
  q.Op(fb::RequantizeT(), {x}, half);
  fb::ConcatT concat;
  concat.axis = 3;
  q.Op(concat, {x, half}, y);
  EXPECT_EQ(RunModel(q.Finish({x}, {y}), {1, 2, 3, 4}), (Floats{1, 2, 1, 2, 3, 4, 3, 4}));
}

TEST(Operators, SlicePadTransposeReshape) {
  ModelBuilder f;
  const int x = f.Float("x", {1, 2, 3}), s = f.Float("s", {1, 2, 2}), p = f.Float("p", {1, 3, 2}),
            t = f.Float("t", {1, 2, 3}), r = f.Float("r", {1, 6});
  fb::SliceT slice;
  slice.begin = {0, 0, 0};
  slice.stride = {1, 1, 2};
  f.Op(slice, {x}, s);  // columns 0 and 2
  fb::PadT pad;
  pad.before = {0, 1, 0};
  pad.after = {0, 0, 0};
  pad.value = 9;
  f.Op(pad, {s}, p);  // a row of 9 above
  fb::TransposeT transpose;
  transpose.perm = {0, 2, 1};
  f.Op(transpose, {p}, t);
  f.Op(fb::ReshapeT(), {t}, r);
  EXPECT_EQ(RunModel(f.Finish({x}, {r}), {1, 2, 3, 4, 5, 6}), (Floats{9, 1, 4, 9, 3, 6}));
}

TEST(Operators, Resize2D) {
  const Floats image = {0, 4, 8, 12};  // 2x2
  const auto resize = [&](fb::ResizeKind kind, fb::ResizeCoordinates coordinates, int size) {
    fb::Resize2DT options;
    options.kind = kind;
    options.coordinates = coordinates;
    ModelBuilder f;
    const int fx = f.Float("x", {1, 2, 2, 1}), fy = f.Float("y", {1, 1 + size / 2, size, 1});
    f.Op(options, {fx}, fy);
    ModelBuilder q;
    const int qx = q.Int8("x", {1, 2, 2, 1}, 1, -3), qy = q.Int8("y", {1, 1 + size / 2, size, 1}, 1, -3);
    q.Op(options, {qx}, qy);
    const Floats result = RunModel(f.Finish({fx}, {fy}), image);
    EXPECT_EQ(RunModel(q.Finish({qx}, {qy}), image), result);
    return Floats(result.begin(), result.begin() + size);
  };
  EXPECT_EQ(resize(fb::ResizeKind::Nearest, fb::ResizeCoordinates::Asymmetric, 4), (Floats{0, 0, 4, 4}));
  EXPECT_EQ(resize(fb::ResizeKind::Linear, fb::ResizeCoordinates::AlignCorners, 5), (Floats{0, 1, 2, 3, 4}));
  EXPECT_EQ(resize(fb::ResizeKind::Linear, fb::ResizeCoordinates::HalfPixel, 4), (Floats{0, 1, 3, 4}));
}

// Expand 1x1 (Relu6), depthwise, project, residual, with functions behind the first two, as one operator or
// as separate ones.
struct BlockModel {
  static constexpr int kC = 5, kExpanded = 13, kSize = 6;
  bool int8 = true, expand_function = false, depthwise_function = false;
  int kernel = 3;

  std::vector<std::byte> Build(bool fused) const {
    ModelBuilder b;
    const std::vector<int> wide = {1, kSize, kSize, kExpanded}, narrow = {1, kSize, kSize, kC};
    const int taps = kernel * kernel;
    const int x = Activation(b, "x", narrow, 0.05f, 4);
    const int we = Weights(b, "we", {kExpanded, 1, 1, kC}, kExpanded * kC, 1, 0.01f);
    const int be = int8 ? b.Int32Constant("be", {kExpanded}, std::vector<int32_t>(kExpanded, 300))
                        : b.FloatConstant("be", {kExpanded}, std::vector<float>(kExpanded, 0.15f));
    const int wd = Weights(b, "wd", {kernel, kernel, kExpanded}, taps * kExpanded, 2, 0.036f / taps);
    const int wp = Weights(b, "wp", {kC, 1, 1, kExpanded}, kC * kExpanded, 3, 0.01f);
    const int e = Activation(b, "e", wide, 6.0f / 255, -128), d = Activation(b, "d", wide, 6.0f / 255, -128);
    const int p = Activation(b, "p", narrow, 0.07f, 9), y = Activation(b, "y", narrow, 0.09f, 1);
    fb::InvertedResidualT block;
    block.expand = std::make_unique<fb::Conv2DT>();
    block.expand->clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
    block.depthwise = std::make_unique<fb::DepthwiseConv2DT>();
    block.depthwise->pad_top = block.depthwise->pad_left = kernel / 2;
    block.depthwise->pad_bottom = block.depthwise->pad_right = kernel / 2;
    block.depthwise->clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
    block.project = std::make_unique<fb::Conv2DT>();
    block.residual = true;
    block.expanded = e;
    block.filtered = d;
    block.projected = p;
    std::vector<int> tables = {-1, -1};
    fb::UnaryT unary;
    unary.kind = fb::UnaryKind::Sigmoid;
    const auto function = [&](const std::string& name, int& table) {
      auto result = std::make_unique<fb::PartFunctionT>();
      result->result = Activation(b, name, wide, 0.01f, -20);
      if (int8) {
        std::vector<int8_t> entries(256);
        for (int i = 0; i < 256; ++i) entries[i] = static_cast<int8_t>((i * 53 + 7) % 256 - 128);
        table = b.Int8Constant(name + "/table", {256}, entries, {0.01f});
      } else {
        result->function = std::make_unique<fb::UnaryT>(unary);
      }
      return result;
    };
    if (expand_function) block.expand_function = function("ef", tables[0]);
    if (depthwise_function) block.depthwise_function = function("df", tables[1]);
    if (fused) {
      std::vector<int> inputs = {x, we, be, wd, -1, wp, -1};
      if (int8 && (expand_function || depthwise_function)) {
        inputs.insert(inputs.end(), tables.begin(), tables.end());
      }
      b.Op(std::move(block), inputs, y);
      return b.Finish({x}, {y});
    }
    const auto apply = [&](const fb::PartFunctionT* f, int table, int src) {
      if (f == nullptr) return src;
      if (int8) b.Op(fb::LookupTableT(), {src, table}, f->result);
      if (!int8) b.Op(*f->function, {src}, f->result);
      return f->result;
    };
    b.Op(*block.expand, {x, we, be}, e);
    b.Op(*block.depthwise, {apply(block.expand_function.get(), tables[0], e), wd, -1}, d);
    b.Op(*block.project, {apply(block.depthwise_function.get(), tables[1], d), wp, -1}, p);
    b.Op(fb::BinaryT(), {p, x}, y);
    return b.Finish({x}, {y});
  }

 private:
  int Activation(ModelBuilder& b, const std::string& name, std::vector<int> shape, float scale,
                 int zero_point) const {
    return int8 ? b.Int8(name, std::move(shape), scale, zero_point) : b.Float(name, std::move(shape));
  }
  int Weights(ModelBuilder& b, const std::string& name, std::vector<int> shape, int count, int seed,
              float scale) const {
    std::vector<int8_t> values(count);
    for (int i = 0; i < count; ++i) values[i] = static_cast<int8_t>((i * 37 + seed * 11) % 255 - 127);
    if (int8) return b.Int8Constant(name, std::move(shape), values, {scale});
    Floats reals(values.begin(), values.end());
    for (float& real : reals) real *= scale;
    return b.FloatConstant(name, std::move(shape), reals);
  }
};

// The fused operator against the separate ones, byte for byte.
TEST(Operators, InvertedResidualEqualsItsParts) {
  Floats input(BlockModel::kSize * BlockModel::kSize * BlockModel::kC);
  for (size_t i = 0; i < input.size(); ++i) input[i] = 3.0f * std::sin(static_cast<float>(i));
  Floats changed = input;
  changed[0] += 2;
  for (const bool int8 : {true, false}) {
    for (const int functions : {0, 1, 2, 3}) {
      for (const int kernel : {3, 5}) {
        const BlockModel model = {int8, functions % 2 == 1, functions >= 2, kernel};
        SCOPED_TRACE(std::string(int8 ? "int8" : "float") + ", functions " + std::to_string(functions) +
                     ", kernel " + std::to_string(kernel));
        const Floats parts = RunModel(model.Build(false), input);
        EXPECT_EQ(RunModel(model.Build(true), input), parts);
        // The comparison means something: the values are spread, and another input gives others.
        EXPECT_GT(*std::max_element(parts.begin(), parts.end()),
                  *std::min_element(parts.begin(), parts.end()) + 1);
        EXPECT_NE(RunModel(model.Build(true), changed), parts);
      }
    }
  }
}

}  // namespace
}  // namespace qrun
