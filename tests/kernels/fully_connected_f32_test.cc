#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

std::vector<float> RunOn(const KernelTable& table, int rows, int ic, int oc, const std::vector<float>& src,
                         const std::vector<float>& plain_wei, const std::vector<float>& plain_bia,
                         bool fused = true) {
  const ConvWeightShape weights = {.oc = oc, .ic_per_group = ic};
  std::vector<float> wei(PackedConvWeightCountF32(table.conv_f32_packing, weights));
  std::vector<float> bia(PackedConvChannelCountF32(table.conv_f32_packing, weights));
  PackConvWeightsF32(table.conv_f32_packing, weights, plain_wei.data(), plain_bia.data(), wei.data(),
                     bia.data());
  FullyConnectedF32Args args = {.rows = rows,
                                .ic = ic,
                                .oc = oc,
                                .src = src.data(),
                                .wei = wei.data(),
                                .bia = bia.data(),
                                .lo = -1,
                                .hi = 100,
                                .fused = fused};
  const int items = (oc + table.conv_f32_packing.oc_block - 1) / table.conv_f32_packing.oc_block;
  return RunWhole<float>(table.fully_connected_f32, args, items, 0, static_cast<size_t>(rows * oc));
}

void ExpectCloseOnAllIsas(int rows, int ic, int oc) {
  Random random(static_cast<uint32_t>(rows * 100 + ic + oc));
  const auto src = random.Floats(static_cast<size_t>(rows * ic));
  const auto wei = random.Floats(static_cast<size_t>(oc * ic));
  auto bia = random.Floats(static_cast<size_t>(oc), 0, 1);
  const double tolerance = 1e-6 * (std::sqrt(ic) + 1);
  const std::vector<float> want = RunOn(Reference(), rows, ic, oc, src, wei, bia);
  for (const KernelTable* table : TestedTables()) {
    SCOPED_TRACE(std::string(table->isa) + " rows " + std::to_string(rows) + " ic " + std::to_string(ic) +
                 " oc " + std::to_string(oc));
    EXPECT_LE(LargestDifference(want, RunOn(*table, rows, ic, oc, src, wei, bia)), tolerance);
    EXPECT_EQ(want, RunOn(*table, rows, ic, oc, src, wei, bia, false));
  }
  for (float& v : bia) v += 2.5f;
  EXPECT_GT(LargestDifference(want, RunOn(Reference(), rows, ic, oc, src, wei, bia)), tolerance);
}

TEST(AgainstReference, fully_connected_f32) {
  for (int c : LaneEdges()) {
    ExpectCloseOnAllIsas(1, 30, c);
    ExpectCloseOnAllIsas(2, c, 7);
  }
  for (int rows = 1; rows <= 8; ++rows) ExpectCloseOnAllIsas(rows, 50, 90);
  ExpectCloseOnAllIsas(1, 1280, 100);
}

TEST(FullyConnectedF32, ReferenceByHand) {
  // 1*3 + 2*4 + 0.5; 1*-5 + 2*6 - 10 = -3, clamped to -1
  EXPECT_EQ(RunOn(Reference(), 1, 2, 2, {1, 2}, {3, 4, -5, 6}, {0.5f, -10}), (std::vector<float>{11.5f, -1}));
}

}  // namespace
}  // namespace qrun::kernels
