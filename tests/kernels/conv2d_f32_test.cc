#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

struct Problem {
  ConvShape shape;
  std::vector<float> src, wei, bia;
  float lo, hi;

  Problem(const ConvShape& s, uint32_t seed)
      : shape(s), lo(seed % 2 == 0 ? -0.5f : -INFINITY), hi(seed % 2 == 0 ? 0.75f : INFINITY) {
    Random random(seed);
    src = random.Floats(static_cast<size_t>(s.n * s.in[0] * s.in[1] * s.ic));
    wei = random.Floats(static_cast<size_t>(K() * s.oc));
    bia = random.Floats(static_cast<size_t>(s.oc));
  }
  int K() const { return shape.kernel[0] * shape.kernel[1] * shape.ic / shape.groups; }
  // The rounding error of a sum of K products of values up to 1 grows about like the square root of K.
  double Tolerance() const { return 4e-7 * (std::sqrt(K()) + 1) * 2; }
};

std::vector<float> RunOn(const KernelTable& table, const Problem& p, bool fused = true,
                         const float* pad_values = nullptr, int parts = 1) {
  const ConvShape& s = p.shape;
  const ConvWeightShape weights = {s.oc, s.kernel[0], s.kernel[1], s.ic / s.groups, s.groups};
  std::vector<float> wei(PackedConvWeightCountF32(table.conv_f32_packing, weights));
  std::vector<float> bia(PackedConvChannelCountF32(table.conv_f32_packing, weights));
  PackConvWeightsF32(table.conv_f32_packing, weights, p.wei.data(), p.bia.data(), wei.data(), bia.data());
  ConvF32Args args = {.window = s.ToWindow(),
                      .ic = s.ic,
                      .oc = s.oc,
                      .groups = s.groups,
                      .parts = parts,
                      .src = p.src.data(),
                      .wei = wei.data(),
                      .bia = bia.data(),
                      .lo = p.lo,
                      .hi = p.hi,
                      .fused = fused,
                      .pad_values = pad_values};
  const Window& w = args.window;
  return RunWhole<float>(table.conv2d_f32, args, parts * w.n * w.oh, table.conv2d_f32_scratch_bytes(args),
                         static_cast<size_t>(w.n * w.oh * w.ow * s.oc));
}

void ExpectCloseOnAllIsas(const ConvShape& shape, uint32_t seed) {
  Problem problem(shape, seed);
  const std::vector<float> want = RunOn(Reference(), problem);
  for (const KernelTable* table : TestedTables()) {
    SCOPED_TRACE(std::string(table->isa) + " " + shape.name);
    EXPECT_LE(LargestDifference(want, RunOn(*table, problem)), problem.Tolerance());
    EXPECT_EQ(want, RunOn(*table, problem, false));
  }
  for (float& v : problem.bia) v += 0.01f;
  EXPECT_GT(LargestDifference(want, RunOn(Reference(), problem)), problem.Tolerance());
}

TEST(AgainstReference, conv2d_f32) {
  uint32_t seed = 0;
  for (const auto* shapes : {&WindowShapes(), &GroupedShapes(), &FewChannelShapes()}) {
    for (const ConvShape& shape : *shapes) ExpectCloseOnAllIsas(shape, ++seed);
  }
  for (int c : LaneEdges()) {
    ExpectCloseOnAllIsas({.name = "oc", .in = {3, 5}, .ic = 19, .oc = c}, ++seed);
    ExpectCloseOnAllIsas({.name = "ic", .in = {3, 5}, .ic = c, .oc = 5}, ++seed);
  }
  for (int pixels = 1; pixels <= 45; ++pixels) {
    ExpectCloseOnAllIsas({.name = "pixels", .in = {1, pixels}, .ic = 8, .oc = 40}, ++seed);
  }
}

TEST(Conv2dF32, PartsOfTheChannels) {
  for (const ConvShape& shape :
       {ConvShape{.name = "pointwise", .n = 2, .in = {5, 9}, .ic = 20, .oc = 150},
        ConvShape{
            .name = "window", .in = {7, 6}, .ic = 9, .oc = 40, .kernel = {3, 3}, .pad = {1, 1, 1, 1}}}) {
    const Problem problem(shape, 5);
    const std::vector<float> want = RunOn(Reference(), problem);
    for (int parts : {2, 3, 5}) {
      for (const KernelTable* table : CompiledTables()) {
        if (!CanRun(*table)) continue;
        EXPECT_EQ(want, RunOn(*table, problem, false, nullptr, parts));
      }
    }
  }
}

TEST(Conv2dF32, PaddingValuesAreLikePixels) {
  uint32_t seed = 7000;
  for (const auto* shapes : {&WindowShapes(), &GroupedShapes(), &FewChannelShapes()}) {
    for (const ConvShape& shape : *shapes) {
      if (shape.input_dilation[0] != 1 || shape.input_dilation[1] != 1) continue;
      const Problem problem(shape, ++seed);
      const std::vector<float> pad_values = Random(seed).Floats(static_cast<size_t>(shape.ic));
      Problem padded = problem;
      padded.src = StorePadding(padded.shape, problem.src, pad_values);
      const std::vector<float> want = RunOn(Reference(), padded);
      for (const KernelTable* table : CompiledTables()) {
        if (!CanRun(*table)) continue;
        SCOPED_TRACE(std::string(table->isa) + " " + shape.name);
        EXPECT_EQ(want, RunOn(*table, problem, false, pad_values.data()));
        EXPECT_LE(LargestDifference(want, RunOn(*table, problem, true, pad_values.data())),
                  problem.Tolerance());
      }
    }
  }
}

TEST(Conv2dF32, ReferenceByHand) {
  const float src[] = {1, 2, 3, 4}, wei[] = {1, 10, 100, 1000}, bia[] = {0.5f};
  float dst[4];
  ConvF32Args args = {
      .window = {.ih = 2, .iw = 2, .oh = 2, .ow = 2, .kh = 2, .kw = 2, .pad_top = 1}, .ic = 1, .oc = 1};
  args.window.ow = 1;
  args.src = src;
  args.wei = wei;
  args.bia = bia;
  args.dst = dst;
  args.lo = 0;
  args.hi = 4000;
  Reference().conv2d_f32(args, 0, 2, nullptr);
  EXPECT_EQ(dst[0], 2100.5f);
  EXPECT_EQ(dst[1], 4000);  // 4321.5 clamped
}

}  // namespace
}  // namespace qrun::kernels
