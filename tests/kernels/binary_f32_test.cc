#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

constexpr BinaryOp kOps[] = {BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul,
                             BinaryOp::kDiv, BinaryOp::kMin, BinaryOp::kMax};

// One rounding per element: all ISAs give the same bits.
TEST(AgainstReference, binary_f32) {
  for (int inner : LaneEdges()) {
    for (const BinaryOp op : kOps) {
      for (const bool move_outer : {false, true}) {
        for (const bool move_inner : {false, true}) {
          const int outer = 5;
          Random random(static_cast<uint32_t>(inner));
          const auto a = random.Floats(static_cast<size_t>(outer * inner));
          const auto b =
              random.Floats(static_cast<size_t>((move_outer ? outer : 1) * (move_inner ? inner : 1)));
          BinaryF32Args args = {.op = op,
                                .outer = outer,
                                .inner = inner,
                                .a = a.data(),
                                .b = b.data(),
                                .lo = -0.9f,
                                .hi = 1.5f};
          args.b_outer_stride = move_outer ? (move_inner ? inner : 1) : 0;
          args.b_inner_stride = move_inner ? 1 : 0;
          const auto want = RunWhole<float>(Reference().binary_f32, args, outer, 0, a.size());
          for (const KernelTable* table : TestedTables()) {
            SCOPED_TRACE(std::string(table->isa) + " op " + std::to_string(static_cast<int>(op)) + " inner " +
                         std::to_string(inner));
            EXPECT_EQ(want, RunWhole<float>(table->binary_f32, args, outer, 0, a.size()));
          }
        }
      }
    }
  }
}

TEST(BinaryF32, NanSurvivesClampingOnEveryIsa) {
  const std::vector<float> a(37, NAN), b(37, 1);
  for (const KernelTable* table : CompiledTables()) {
    if (!CanRun(*table)) continue;
    std::vector<float> dst(37);
    table->binary_f32({.inner = 37, .a = a.data(), .b = b.data(), .dst = dst.data(), .lo = 0, .hi = 6}, 0, 1,
                      nullptr);
    for (float v : dst) EXPECT_TRUE(std::isnan(v)) << table->isa;
  }
}

TEST(BinaryF32, ReferenceByHand) {
  const float a[] = {6, -7}, b[] = {4};
  const float want[][2] = {{10, -3}, {2, -10}, {20, -10}, {1.5f, -1.75f}, {4, -7}, {6, 4}};
  for (const BinaryOp op : kOps) {
    float dst[2];
    BinaryF32Args args = {
        .op = op, .inner = 2, .b_inner_stride = 0, .a = a, .b = b, .dst = dst, .lo = -10, .hi = 20};
    Reference().binary_f32(args, 0, 1, nullptr);
    EXPECT_EQ(dst[0], want[static_cast<int>(op)][0]);
    EXPECT_EQ(dst[1], want[static_cast<int>(op)][1]);
  }
}

}  // namespace
}  // namespace qrun::kernels
