#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

constexpr double kTolerance = 1e-5;

std::vector<float> RunOn(const KernelTable& table, const ConvShape& s, int c, const std::vector<float>& src,
                         const std::vector<float>& plain_wei, const std::vector<float>& plain_bia,
                         bool fused = true) {
  const int taps = s.kernel[0] * s.kernel[1], padded = PaddedDepthwiseChannelsF32(c);
  std::vector<float> wei(static_cast<size_t>(taps * padded)), bia(static_cast<size_t>(padded));
  PackDepthwiseWeightsF32(taps, c, plain_wei.data(), plain_bia.data(), wei.data(), bia.data());
  DwConvF32Args args = {.window = s.ToWindow(),
                        .c = c,
                        .c_padded = padded,
                        .src = src.data(),
                        .wei = wei.data(),
                        .bia = bia.data(),
                        .lo = -3,
                        .hi = INFINITY,
                        .fused = fused};
  const Window& w = args.window;
  return RunWhole<float>(table.dwconv2d_f32, args, w.n * w.oh, 0, static_cast<size_t>(w.n * w.oh * w.ow * c));
}

void ExpectCloseOnAllIsas(const ConvShape& s, int c, uint32_t seed) {
  Random random(seed);
  const auto src = random.Floats(static_cast<size_t>(s.n * s.in[0] * s.in[1] * c));
  const auto wei = random.Floats(static_cast<size_t>(s.kernel[0] * s.kernel[1] * c));
  auto bia = random.Floats(static_cast<size_t>(c));
  const std::vector<float> want = RunOn(Reference(), s, c, src, wei, bia);
  for (const KernelTable* table : TestedTables()) {
    SCOPED_TRACE(std::string(table->isa) + " " + s.name + " c " + std::to_string(c));
    EXPECT_LE(LargestDifference(want, RunOn(*table, s, c, src, wei, bia)), kTolerance);
    EXPECT_EQ(want, RunOn(*table, s, c, src, wei, bia, false));
  }
  for (float& v : bia) v += 0.01f;
  EXPECT_GT(LargestDifference(want, RunOn(Reference(), s, c, src, wei, bia)), kTolerance);
}

TEST(AgainstReference, dwconv2d_f32) {
  uint32_t seed = 0;
  for (const ConvShape& shape : WindowShapes()) ExpectCloseOnAllIsas(shape, 21, ++seed);
  for (int c : LaneEdges()) {
    ExpectCloseOnAllIsas({.name = "c", .in = {4, 5}, .kernel = {3, 3}, .pad = {1, 1, 1, 1}}, c, ++seed);
  }
}

TEST(DwConv2dF32, ReferenceByHand) {
  std::vector<float> src = {1, 2, 3, 4}, wei = {10, 20, 30, 40}, bia = {0.5f, -200};
  const ConvShape shape = {.name = "hand", .in = {2, 1}, .kernel = {2, 1}};
  // Channel 0: 1 * 10 + 3 * 30 + 0.5; channel 1: 2 * 20 + 4 * 40 - 200
  EXPECT_EQ(RunOn(Reference(), shape, 2, src, wei, bia), (std::vector<float>{100.5f, 0}));
}

}  // namespace
}  // namespace qrun::kernels
