#include "tests/kernels/conv_s8_problem.h"

namespace qrun::kernels {
namespace {

std::vector<int8_t> RunOn(const KernelTable& table, const ConvS8Problem& p) {
  const ConvShape& s = p.shape;
  const int taps = s.kernel[0] * s.kernel[1];
  const size_t channels = static_cast<size_t>(PaddedDepthwiseChannels(s.oc));
  std::vector<int8_t> wei(static_cast<size_t>(taps) * channels);
  std::vector<int32_t> bia(channels);
  std::vector<float> scale(channels);
  PackDepthwiseWeights(taps, s.oc, p.output.src_zp, p.wei.data(), p.bia.data(), p.scale.data(), wei.data(),
                       bia.data(), scale.data());
  DwConvS8Args args;
  p.Fill(&args);
  args.c = s.oc;
  args.c_padded = static_cast<int>(channels);
  args.src = p.src.data();
  args.wei = wei.data();
  args.bia = bia.data();
  args.scale = scale.data();
  const Window& w = args.window;
  return RunWhole<int8_t>(table.dwconv2d_s8, args, w.n * w.oh, table.dwconv2d_s8_scratch_bytes(args),
                          static_cast<size_t>(w.n * w.oh * w.ow * s.oc));
}

void ExpectEqualOnAllIsas(ConvShape shape, int c, const Output& output, uint32_t seed) {
  shape.ic = shape.oc = c;
  const ConvS8Problem problem(shape, output, seed, /*depthwise=*/true);
  const std::vector<int8_t> want = RunOn(Reference(), problem);
  for (const KernelTable* table : TestedTables()) {
    SCOPED_TRACE(problem.Name(*table));
    ExpectSame(want, RunOn(*table, problem));
  }
}

TEST(AgainstReference, dwconv2d_s8) {
  uint32_t seed = 0;
  for (const ConvShape& shape : WindowShapes()) {
    for (const Output& output : Outputs()) ExpectEqualOnAllIsas(shape, 21, output, ++seed);
  }
}

TEST(DwConv2dS8, EveryChannelCountAroundALaneEdge) {
  for (int c : LaneEdges()) {
    ExpectEqualOnAllIsas({.name = "c", .in = {4, 5}, .kernel = {3, 3}, .pad = {1, 1, 1, 1}}, c, Outputs()[0],
                         static_cast<uint32_t>(c));
  }
}

TEST(DwConv2dS8, EveryKernelSize) {
  for (int kh = 1; kh <= 9; ++kh) {
    for (int kw = 1; kw <= 9; kw += 2) {
      const ConvShape shape = {
          .name = "kernel", .in = {10, 11}, .kernel = {kh, kw}, .pad = {kh / 2, kw / 2, 1, 0}};
      ExpectEqualOnAllIsas(shape, 37, Outputs()[static_cast<size_t>(kh) % Outputs().size()],
                           static_cast<uint32_t>(kh * 10 + kw));
    }
  }
}

// By hand: two channels, kernel 2x1, of which the first row is padding.
TEST(DwConv2dS8, ReferenceByHand) {
  const int8_t wei[] = {3, -2, 5, 7}, src[] = {10, 20};
  const int32_t bias[] = {1, 2};
  const float scales[] = {1, 0.5f};
  int8_t packed[2 * 64];
  int32_t bia[64];
  float scale[64];
  PackDepthwiseWeights(2, 2, /*src_zp=*/4, wei, bias, scales, packed, bia, scale);
  int8_t dst[2];
  DwConvS8Args args;
  args.window = {.kh = 2, .pad_top = 1};
  args.c = 2;
  args.c_padded = 64;
  args.src = src;
  args.wei = packed;
  args.bia = bia;
  args.scale = scale;
  args.dst = dst;
  args.src_zp = 4;
  args.dst_zp = -1;
  Reference().dwconv2d_s8(args, 0, 1, nullptr);
  EXPECT_EQ(dst[0], (10 - 4) * 5 + 1 - 1);
  EXPECT_EQ(dst[1], ((20 - 4) * 7 + 2) / 2 - 1);
}

}  // namespace
}  // namespace qrun::kernels
