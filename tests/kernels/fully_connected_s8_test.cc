#include "tests/kernels/conv_s8_problem.h"

namespace qrun::kernels {
namespace {

std::vector<int8_t> RunOn(const KernelTable& table, const ConvS8Problem& p, int rows) {
  const ConvWeightShape weights = {.oc = p.shape.oc, .ic_per_group = p.shape.ic};
  const size_t channels = PackedConvChannelCount(table.conv_packing, weights);
  std::vector<int8_t> wei(PackedConvWeightBytes(table.conv_packing, weights));
  std::vector<int32_t> bia(channels);
  std::vector<float> scale(channels);
  PackConvWeights(table.conv_packing, weights, p.output.src_zp, p.wei.data(), p.bia.data(), p.scale.data(),
                  wei.data(), bia.data(), scale.data());
  FullyConnectedS8Args args;
  args.rows = rows;
  args.ic = p.shape.ic;
  args.oc = p.shape.oc;
  args.src = p.src.data();
  args.wei = wei.data();
  args.bia = bia.data();
  args.scale = scale.data();
  args.src_zp = p.output.src_zp;
  args.dst_zp = p.output.dst_zp;
  args.lo = p.output.lo;
  args.hi = p.output.hi;
  const int items = (args.oc + table.conv_packing.oc_block - 1) / table.conv_packing.oc_block;
  return RunWhole<int8_t>(table.fully_connected_s8, args, items, table.fully_connected_s8_scratch_bytes(args),
                          static_cast<size_t>(rows * args.oc));
}

void ExpectEqualOnAllIsas(int rows, int ic, int oc, const Output& output) {
  const ConvShape shape = {.name = "rows", .in = {1, rows}, .ic = ic, .oc = oc};
  const ConvS8Problem problem(shape, output, static_cast<uint32_t>(rows * 1000 + ic * 10 + oc));
  const std::vector<int8_t> want = RunOn(Reference(), problem, rows);
  for (const KernelTable* table : TestedTables()) {
    SCOPED_TRACE(problem.Name(*table) + " rows " + std::to_string(rows));
    ExpectSame(want, RunOn(*table, problem, rows));
  }
}

TEST(AgainstReference, fully_connected_s8) {
  for (const Output& output : Outputs()) {
    for (int c : LaneEdges()) {
      ExpectEqualOnAllIsas(1, 30, c, output);
      ExpectEqualOnAllIsas(2, c, 7, output);
    }
    ExpectEqualOnAllIsas(1, 1280, 200, output);
    ExpectEqualOnAllIsas(50, 700, 21, output);
  }
}

TEST(FullyConnectedS8, EveryRowCountAroundATileEdge) {
  for (int rows = 1; rows <= 30; ++rows) ExpectEqualOnAllIsas(rows, 20, 40, Outputs()[0]);
}

TEST(FullyConnectedS8, ReferenceByHand) {
  const int8_t wei[] = {1, 2, 3, -1, 0, 1}, src[] = {10, 20, 30, -1, -2, -3};
  const int32_t bia[] = {5, -6};
  const float scale[] = {1, 0.5f};
  int8_t dst[4];
  FullyConnectedS8Args args = {
      .rows = 2, .ic = 3, .oc = 2, .src = src, .wei = wei, .bia = bia, .scale = scale, .dst = dst};
  args.dst_zp = -100;
  Reference().fully_connected_s8(args, 0, 2, nullptr);
  EXPECT_EQ(dst[0], 145 - 100);  // 10 + 40 + 90 + 5
  EXPECT_EQ(dst[1], 7 - 100);    // (-10 + 30 - 6) / 2
  EXPECT_EQ(dst[2], -9 - 100);   // -1 - 4 - 9 + 5
  EXPECT_EQ(dst[3], -4 - 100);   // (1 - 3 - 6) / 2
}

}  // namespace
}  // namespace qrun::kernels
