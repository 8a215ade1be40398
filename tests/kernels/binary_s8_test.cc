#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

struct Broadcast {
  const char* name;
  bool outer, inner;  // does b move with the index?
};
constexpr Broadcast kBroadcasts[] = {
    {"same", true, true}, {"inner", false, true}, {"outer", true, false}, {"scalar", false, false}};

struct Quantization {
  int a_zp, b_zp, dst_zp, lo, hi;
  float a_scale, b_scale;
};
constexpr Quantization kQuantizations[] = {
    {3, -7, 5, -128, 127, 0.6f, 0.9f},
    {-128, 127, -128, -128, 127, 0.31f, -1.7f},
    {0, 0, 0, -128, 127, 0.5f, 0.5f},  // half of all sums are ties
    {1, 0, 7, -128, 127, 0.5f, 1.0f},  // ties with an odd zero point
    {0, 2, -3, -100, 20, 0.25f, 0.25f},
    {4, 4, 9, -128, 127, 2e38f, -2e38f},  // infinities, and their difference
};

using Member = Kernel<BinaryS8Args> KernelTable::*;

void ExpectEqualOnAllIsas(Member kernel) {
  for (int inner : LaneEdges()) {
    for (const Broadcast& broadcast : kBroadcasts) {
      const Quantization& q = kQuantizations[static_cast<size_t>(inner) % std::size(kQuantizations)];
      Random random(static_cast<uint32_t>(inner));
      const int outer = 5;
      const auto a = random.Bytes(static_cast<size_t>(outer * inner));
      const auto b =
          random.Bytes(static_cast<size_t>((broadcast.outer ? outer : 1) * (broadcast.inner ? inner : 1)));
      BinaryS8Args args;
      args.outer = outer;
      args.inner = inner;
      args.b_outer_stride = broadcast.outer ? (broadcast.inner ? inner : 1) : 0;
      args.b_inner_stride = broadcast.inner ? 1 : 0;
      args.a = a.data();
      args.b = b.data();
      args.a_zp = q.a_zp;
      args.b_zp = q.b_zp;
      args.dst_zp = q.dst_zp;
      args.lo = q.lo;
      args.hi = q.hi;
      args.a_scale = q.a_scale;
      args.b_scale = q.b_scale;
      const auto want = RunWhole<int8_t>(Reference().*kernel, args, outer, 0, a.size());
      for (const KernelTable* table : TestedTables()) {
        SCOPED_TRACE(std::string(table->isa) + " " + broadcast.name + " inner " + std::to_string(inner));
        ExpectSame(want, RunWhole<int8_t>(table->*kernel, args, outer, 0, a.size()));
      }
    }
  }
}

TEST(AgainstReference, add_s8) { ExpectEqualOnAllIsas(&KernelTable::add_s8); }
TEST(AgainstReference, mul_s8) { ExpectEqualOnAllIsas(&KernelTable::mul_s8); }

// All 65,536 pairs, into a itself.
TEST(BinaryS8, EveryPairInPlace) {
  for (const Member kernel : {&KernelTable::add_s8, &KernelTable::mul_s8}) {
    for (const Quantization& q : kQuantizations) {
      std::vector<int8_t> a(65536), b(65536);
      for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<int8_t>(i), b[i] = static_cast<int8_t>(i >> 8);
      BinaryS8Args args = {
          .outer = 1, .inner = 65536, .b = b.data(), .a_zp = q.a_zp, .b_zp = q.b_zp, .dst_zp = q.dst_zp};
      args.a_scale = q.a_scale;
      args.b_scale = q.b_scale;
      const auto run = [&](const KernelTable& table) {
        std::vector<int8_t> dst = a;
        args.a = args.dst = dst.data();
        (table.*kernel)(args, 0, 1, nullptr);
        return dst;
      };
      const auto want = run(Reference());
      for (const KernelTable* table : TestedTables()) {
        SCOPED_TRACE(table->isa);
        ExpectSame(want, run(*table));
      }
    }
  }
}

TEST(BinaryS8, ReferenceByHand) {
  const int8_t a[] = {10, -3, 127}, b[] = {4, 4, 127};
  int8_t dst[3];
  BinaryS8Args args = {.inner = 3, .a = a, .b = b, .dst = dst, .a_zp = 1, .b_zp = 2, .dst_zp = -1};
  args.a_scale = 0.5f;
  args.b_scale = 0.25f;
  Reference().add_s8(args, 0, 1, nullptr);
  EXPECT_EQ(dst[0], 5 - 1);   // 9 / 2 + 2 / 4 = 5
  EXPECT_EQ(dst[1], -2 - 1);  // -4 / 2 + 2 / 4 = -1.5, to even
  EXPECT_EQ(dst[2], 94 - 1);  // 63 + 31.25 = 94.25
  Reference().mul_s8(args, 0, 1, nullptr);
  EXPECT_EQ(dst[0], 9 - 1);   // 9 * 2 / 2
  EXPECT_EQ(dst[1], -4 - 1);  // -4 * 2 / 2
  EXPECT_EQ(dst[2], 127);     // 126 * 125 / 2
}

}  // namespace
}  // namespace qrun::kernels
