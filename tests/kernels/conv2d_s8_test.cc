#include "tests/kernels/conv_s8_problem.h"

namespace qrun::kernels {
namespace {

// pad_values: per channel, or null.
std::vector<int8_t> RunOn(const KernelTable& table, const ConvS8Problem& p,
                          const int8_t* pad_values = nullptr, int parts = 1) {
  const ConvShape& s = p.shape;
  const ConvWeightShape weights = {s.oc, s.kernel[0], s.kernel[1], s.ic / s.groups, s.groups};
  const size_t channels = PackedConvChannelCount(table.conv_packing, weights);
  std::vector<int8_t> wei(PackedConvWeightBytes(table.conv_packing, weights));
  std::vector<int32_t> bia(channels);
  std::vector<float> scale(channels);
  PackConvWeights(table.conv_packing, weights, p.output.src_zp, p.wei.data(), p.bia.data(), p.scale.data(),
                  wei.data(), bia.data(), scale.data());
  ConvS8Args args;
  p.Fill(&args);
  args.ic = s.ic;
  args.oc = s.oc;
  args.groups = s.groups;
  args.parts = parts;
  args.pad_values = pad_values;
  args.src = p.src.data();
  args.wei = wei.data();
  args.bia = bia.data();
  args.scale = scale.data();
  const Window& w = args.window;
  return RunWhole<int8_t>(table.conv2d_s8, args, parts * w.n * w.oh, table.conv2d_s8_scratch_bytes(args),
                          static_cast<size_t>(w.n * w.oh * w.ow * s.oc));
}

void ExpectEqualOnAllIsas(const ConvShape& shape, const Output& output, uint32_t seed) {
  const ConvS8Problem problem(shape, output, seed);
  const std::vector<int8_t> want = RunOn(Reference(), problem);
  for (const KernelTable* table : TestedTables()) {
    SCOPED_TRACE(problem.Name(*table));
    ExpectSame(want, RunOn(*table, problem));
  }
}

TEST(AgainstReference, conv2d_s8) {
  uint32_t seed = 0;
  for (const auto* shapes : {&WindowShapes(), &GroupedShapes(), &FewChannelShapes()}) {
    for (const ConvShape& shape : *shapes) {
      for (const Output& output : Outputs()) ExpectEqualOnAllIsas(shape, output, ++seed);
    }
  }
}

TEST(Conv2dS8, EveryChannelCountAroundALaneEdge) {
  for (int c : LaneEdges()) {
    ExpectEqualOnAllIsas({.name = "oc", .in = {3, 5}, .ic = 19, .oc = c}, Outputs()[0],
                         static_cast<uint32_t>(c));
    ExpectEqualOnAllIsas({.name = "ic", .in = {3, 5}, .ic = c, .oc = 5}, Outputs()[1],
                         static_cast<uint32_t>(c));
  }
}

TEST(Conv2dS8, EveryPixelCountAroundATileEdge) {
  for (int pixels = 1; pixels <= 45; ++pixels) {
    ExpectEqualOnAllIsas({.name = "pixels", .in = {1, pixels}, .ic = 8, .oc = 40}, Outputs()[2],
                         static_cast<uint32_t>(pixels));
  }
}

// Crossed products (gemm.inl.h) need 4 blocks of channels, 16 steps and 24 pixels: with and without a step or
// a block that has no partner, and with pixels that fill no tile.
TEST(Conv2dS8, CrossedProducts) {
  uint32_t seed = 0;
  const auto check = [&](const ConvShape& shape) {
    ++seed;
    ExpectEqualOnAllIsas(shape, Outputs()[seed % Outputs().size()], seed);
  };
  for (int ic : {32, 33, 66, 100}) {
    for (int oc : {32, 45}) {
      for (int pixels : {24, 27, 29, 50, 75}) {
        check({.name = "pixels", .in = {1, pixels}, .ic = ic, .oc = oc});
      }
      check({.name = "rows", .in = {9, 31}, .ic = ic, .oc = oc, .kernel = {3, 3}, .pad = {1, 1, 1, 1}});
    }
  }
  check({.name = "columns", .in = {6, 300}, .ic = 64, .oc = 40, .kernel = {3, 3}});
  check({.name = "groups", .in = {7, 9}, .ic = 70, .oc = 80, .groups = 2, .kernel = {3, 1}});
}

// One chunk holds about 16 KiB of activations; 700 pixels of 200 channels need several.
TEST(Conv2dS8, ManyChunks) {
  ExpectEqualOnAllIsas({.name = "chunks", .in = {7, 100}, .ic = 200, .oc = 17}, Outputs()[0], 1);
}

// Strips of this width need bands of fewer columns than the image has; the third and fourth have rows of
// their own for every kernel row, for the stride and for the dilation.
TEST(Conv2dS8, ManyBandsOfRowsAndColumns) {
  uint32_t seed = 0;
  for (int oc : {17, 70}) {
    ConvShape shape = {
        .name = "bands", .in = {23, 101}, .ic = 41, .oc = oc, .kernel = {3, 3}, .pad = {1, 1, 1, 1}};
    ExpectEqualOnAllIsas(shape, Outputs()[0], ++seed);
    shape.stride[0] = shape.stride[1] = 2;
    ExpectEqualOnAllIsas(shape, Outputs()[1], ++seed);
    shape.stride[0] = 3;
    ExpectEqualOnAllIsas(shape, Outputs()[2], ++seed);
    shape.stride[0] = shape.stride[1] = 1;
    shape.dilation[0] = 9;
    shape.pad[0] = shape.pad[2] = 9;
    ExpectEqualOnAllIsas(shape, Outputs()[5], ++seed);
    shape.input_dilation[1] = 2;
    ExpectEqualOnAllIsas(shape, Outputs()[6], ++seed);
  }
}

TEST(Conv2dS8, PaddingValuesAreLikePixels) {
  uint32_t seed = 7000;
  for (const auto* shapes : {&WindowShapes(), &GroupedShapes(), &FewChannelShapes()}) {
    for (const ConvShape& shape : *shapes) {
      if (shape.input_dilation[0] != 1 || shape.input_dilation[1] != 1) continue;
      const ConvS8Problem problem(shape, Outputs()[0], ++seed);
      const std::vector<int8_t> pad_values = Random(seed).Bytes(static_cast<size_t>(shape.ic));
      ConvS8Problem padded = problem;
      padded.src = StorePadding(padded.shape, problem.src, pad_values);
      const std::vector<int8_t> want = RunOn(Reference(), padded);
      for (const KernelTable* table : CompiledTables()) {
        if (!CanRun(*table)) continue;
        SCOPED_TRACE(problem.Name(*table));
        ExpectSame(want, RunOn(*table, problem, pad_values.data()));
      }
    }
  }
}

// Also more parts than there are pairs of blocks, so that some are empty.
TEST(Conv2dS8, PartsOfTheChannels) {
  uint32_t seed = 9000;
  for (int oc : {1, 40, 64, 150}) {
    for (const ConvShape& shape :
         {ConvShape{.name = "pointwise", .n = 2, .in = {5, 9}, .ic = 70, .oc = oc},
          ConvShape{.name = "pixel", .in = {1, 1}, .ic = 33, .oc = oc},
          ConvShape{
              .name = "window", .in = {7, 6}, .ic = 9, .oc = oc, .kernel = {3, 3}, .pad = {1, 1, 1, 1}}}) {
      ++seed;
      const ConvS8Problem problem(shape, Outputs()[seed % Outputs().size()], seed);
      const std::vector<int8_t> want = RunOn(Reference(), problem);
      for (int parts : {2, 3, 5}) {
        for (const KernelTable* table : CompiledTables()) {
          if (!CanRun(*table)) continue;
          SCOPED_TRACE(problem.Name(*table));
          ExpectSame(want, RunOn(*table, problem, nullptr, parts));
        }
      }
    }
  }
}

// With the values that make the ties, some products must really end in .5.
TEST(Conv2dS8, TiesHappen) {
  const ConvS8Problem problem(WindowShapes()[0], Outputs()[3], 1);
  const int ic = problem.shape.ic;
  int odd = 0;
  for (int pixel = 0; pixel < 15; ++pixel) {
    int acc = problem.bia[0];
    for (int i = 0; i < ic; ++i) {
      acc += (problem.src[static_cast<size_t>(pixel * ic + i)] - problem.output.src_zp) *
             problem.wei[static_cast<size_t>(i)];
    }
    odd += acc % 2 != 0;
  }
  EXPECT_GT(odd, 3);
}

// Values worked by hand, on the reference.
TEST(Conv2dS8, ReferencePointwise) {
  const ConvPacking packing = Reference().conv_packing;
  const ConvWeightShape shape = {.oc = 2, .ic_per_group = 2};
  const int8_t wei[] = {2, 5, -1, 7}, src[] = {3, -4};
  const int32_t bias[] = {10, 0};
  const float scales[] = {0.5f, 0.25f};
  int8_t packed[4];
  int32_t bia[2];
  float scale[2];
  PackConvWeights(packing, shape, /*src_zp=*/1, wei, bias, scales, packed, bia, scale);
  int8_t dst[2];
  ConvS8Args args;
  args.ic = args.oc = 2;
  args.src = src;
  args.wei = packed;
  args.bia = bia;
  args.scale = scale;
  args.dst = dst;
  args.src_zp = 1;
  args.dst_zp = 3;
  Reference().conv2d_s8(args, 0, 1, nullptr);
  // (3-1)*2 + (-4-1)*5 + 10 = -11; -5.5 rounds to -6; -6 + 3
  EXPECT_EQ(dst[0], -3);
  // (3-1)*-1 + (-4-1)*7 = -37; -9.25 rounds to -9; -9 + 3
  EXPECT_EQ(dst[1], -6);
  args.lo = -5;
  Reference().conv2d_s8(args, 0, 1, nullptr);
  EXPECT_EQ(dst[1], -5);
}

std::vector<int> RunWindow(const Window& window, const std::vector<int8_t>& src,
                           const std::vector<int8_t>& wei, int zp) {
  int32_t sum = 0;
  for (int8_t w : wei) sum += w;
  const int32_t bia = -zp * sum;
  const float scale = 1;
  std::vector<int8_t> dst(static_cast<size_t>(window.oh * window.ow));
  ConvS8Args args;
  args.window = window;
  args.ic = args.oc = 1;
  args.src = src.data();
  args.wei = wei.data();
  args.bia = &bia;
  args.scale = &scale;
  args.dst = dst.data();
  args.src_zp = zp;
  Reference().conv2d_s8(args, 0, window.oh, nullptr);
  return {dst.begin(), dst.end()};
}

TEST(Conv2dS8, ReferenceWindow) {
  const std::vector<int8_t> image = {1, 2, 3, 4, 5, 6, 7, 8, 9}, kernel = {1, 2, 4, 8};
  Window w = {.ih = 3, .iw = 3, .oh = 2, .ow = 2, .kh = 2, .kw = 2};
  // 1*1 + 2*2 + 4*4 + 5*8 = 61, then one more in each pixel adds 15
  EXPECT_EQ(RunWindow(w, image, kernel, 0), (std::vector<int>{61, 76, 106, 121}));
  w.pad_top = w.pad_left = 1;
  // top left sees only the pixel 1 under the weight 8; zero point 0
  EXPECT_EQ(RunWindow(w, image, kernel, 0), (std::vector<int>{8, 4 * 1 + 8 * 2, 2 * 1 + 8 * 4, 61}));
  w.stride_h = w.stride_w = 2;
  EXPECT_EQ(RunWindow(w, image, kernel, 0), (std::vector<int>{8, 4 * 2 + 8 * 3, 2 * 4 + 8 * 7, 121}));
  // Padding stands for real zero, so with zero point 1 all pixels count one less and padding still nothing.
  EXPECT_EQ(RunWindow(w, image, kernel, 1), (std::vector<int>{0, 4 * 1 + 8 * 2, 2 * 3 + 8 * 6, 106}));
  w = {.ih = 3, .iw = 3, .oh = 1, .ow = 1, .kh = 2, .kw = 2, .dilation_h = 2, .dilation_w = 2};
  EXPECT_EQ(RunWindow(w, image, kernel, 0), (std::vector<int>{1 + 2 * 3 + 4 * 7 + 8 * 9}));
  // A crop: negative padding of 1 starts at the pixel 5.
  w = {.ih = 3, .iw = 3, .oh = 1, .ow = 1, .kh = 2, .kw = 2, .pad_top = -1, .pad_left = -1};
  EXPECT_EQ(RunWindow(w, image, kernel, 0), (std::vector<int>{121}));
  // Transposed: 2x2 pixels with a gap between them, seen through a 2x2 window.
  w = {.ih = 2, .iw = 2, .oh = 2, .ow = 2, .kh = 2, .kw = 2, .input_dilation_h = 2, .input_dilation_w = 2};
  EXPECT_EQ(RunWindow(w, {1, 2, 3, 4}, kernel, 0), (std::vector<int>{1 * 1, 2 * 2, 4 * 3, 8 * 4}));
}

}  // namespace
}  // namespace qrun::kernels
