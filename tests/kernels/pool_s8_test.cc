#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

using Member = Kernel<PoolS8Args> KernelTable::*;

void ExpectEqualOnAllIsas(Member kernel, const ConvShape& shape, int c, bool count_include_pad,
                          const Output& output) {
  PoolS8Args args;
  args.window = shape.ToWindow();
  const Window& w = args.window;
  args.c = c;
  args.pad_bottom = shape.pad[2];
  args.pad_right = shape.pad[3];
  args.count_include_pad = count_include_pad;
  args.src_zp = output.src_zp;
  args.dst_zp = output.dst_zp;
  args.lo = output.lo;
  args.hi = output.hi;
  args.scale = output.ties ? 1.0f : 0.9f;  // means of 2, 4, ... pixels tie
  const auto src = Random(static_cast<uint32_t>(c)).Bytes(static_cast<size_t>(w.n * w.ih * w.iw * c));
  args.src = src.data();
  const size_t count = static_cast<size_t>(w.n * w.oh * w.ow * c);
  const auto want = RunWhole<int8_t>(Reference().*kernel, args, w.n * w.oh, 0, count);
  for (const KernelTable* table : TestedTables()) {
    SCOPED_TRACE(std::string(table->isa) + " " + shape.name + " " + output.name + " c " + std::to_string(c));
    ExpectSame(want, RunWhole<int8_t>(table->*kernel, args, w.n * w.oh, 0, count));
  }
}

const std::vector<ConvShape>& PoolShapes() {
  static const std::vector<ConvShape> shapes = {
      {.name = "2x2", .n = 2, .in = {6, 8}, .kernel = {2, 2}, .stride = {2, 2}},
      {.name = "3x3s2", .in = {9, 9}, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}},
      {.name = "3x3s1_low", .in = {5, 6}, .kernel = {3, 3}, .pad = {0, 0, 2, 2}},
      {.name = "global", .in = {7, 7}, .kernel = {7, 7}},
      {.name = "empty_windows", .in = {2, 2}, .kernel = {2, 2}, .pad = {3, 3, 3, 3}},
      {.name = "crop", .in = {7, 8}, .kernel = {2, 3}, .pad = {-1, -2, -1, 0}},
  };
  return shapes;
}

TEST(AgainstReference, maxpool_s8) {
  for (const ConvShape& shape : PoolShapes()) {
    for (int c : LaneEdges()) ExpectEqualOnAllIsas(&KernelTable::maxpool_s8, shape, c, false, Outputs()[2]);
  }
  for (const ConvShape& shape : WindowShapes()) {
    ExpectEqualOnAllIsas(&KernelTable::maxpool_s8, shape, 20, false, Outputs()[0]);
  }
}

TEST(AgainstReference, avgpool_s8) {
  for (const ConvShape& shape : PoolShapes()) {
    for (int c : LaneEdges()) {
      for (bool count_include_pad : {false, true}) {
        ExpectEqualOnAllIsas(&KernelTable::avgpool_s8, shape, c, count_include_pad,
                             Outputs()[static_cast<size_t>(c) % 5]);
      }
    }
  }
}

TEST(PoolS8, ReferenceByHand) {
  const int8_t src[] = {1, 2, 3, -8};
  int8_t dst[9];
  PoolS8Args args;
  args.window = {.ih = 2, .iw = 2, .oh = 3, .ow = 3, .kh = 2, .kw = 2, .pad_top = 1, .pad_left = 1};
  args.c = 1;
  args.pad_bottom = args.pad_right = 1;
  args.src = src;
  args.dst = dst;
  Reference().maxpool_s8(args, 0, 3, nullptr);
  EXPECT_EQ(std::vector<int>(dst, dst + 9), (std::vector<int>{1, 2, 2, 3, 3, 2, 3, 3, -8}));
  args.src_zp = 1;
  args.dst_zp = 10;
  Reference().avgpool_s8(args, 0, 3, nullptr);
  // Real values 0 1 / 2 -9: means over the pixels inside. 0.5 and -3.5 tie to 0 and -4; -6/4 to -2.
  EXPECT_EQ(std::vector<int>(dst, dst + 9), (std::vector<int>{10, 10, 11, 11, 8, 6, 12, 6, 1}));
  args.count_include_pad = true;
  Reference().avgpool_s8(args, 0, 3, nullptr);
  // All divided by 4: 0 0.25 0.25 / 0.5 -1.5 -2 / 0.5 -1.75 -2.25
  EXPECT_EQ(std::vector<int>(dst, dst + 9), (std::vector<int>{10, 10, 10, 10, 8, 8, 10, 8, 8}));
}

}  // namespace
}  // namespace qrun::kernels
