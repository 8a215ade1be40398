#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

constexpr int kLastOp = static_cast<int>(UnaryOp::kSelu);

// xsimd's exp, log, tanh and erf against libm's: a few units in the last place.
constexpr double kTolerance = 4e-6;

TEST(AgainstReference, unary_f32) {
  for (int op = 0; op <= kLastOp; ++op) {
    for (int count : LaneEdges()) {
      Random random(static_cast<uint32_t>(count + op * 100));
      const bool positive = op == static_cast<int>(UnaryOp::kLog) || op == static_cast<int>(UnaryOp::kSqrt) ||
                            op == static_cast<int>(UnaryOp::kReciprocal);
      const auto src = random.Floats(static_cast<size_t>(count), positive ? 0.01f : -6, 6);
      const UnaryF32Args args = {
          .op = static_cast<UnaryOp>(op), .src = src.data(), .alpha = -0.75f, .beta = 1.25f};
      const auto want = RunWhole<float>(Reference().unary_f32, args, count, 0, src.size());
      for (const KernelTable* table : TestedTables()) {
        SCOPED_TRACE(std::string(table->isa) + " op " + std::to_string(op) + " count " +
                     std::to_string(count));
        const auto got = RunWhole<float>(table->unary_f32, args, count, 0, src.size());
        double largest = 0;
        for (size_t i = 0; i < want.size(); ++i) {
          largest = std::max(largest,
                             std::abs(double{want[i]} - got[i]) / std::max(1.0, std::abs(double{want[i]})));
        }
        EXPECT_LE(largest, kTolerance);
      }
    }
  }
}

TEST(UnaryF32, ToleranceNoticesAPerturbedInput) {
  const std::vector<float> src(16, 0.5f), moved(16, 0.5f * (1 + 1e-4f));
  for (UnaryOp op : {UnaryOp::kSigmoid, UnaryOp::kTanh, UnaryOp::kExp, UnaryOp::kGelu, UnaryOp::kHardSwish}) {
    const UnaryF32Args args = {.op = op, .src = src.data()}, other = {.op = op, .src = moved.data()};
    const auto a = RunWhole<float>(Reference().unary_f32, args, 16, 0, 16);
    const auto b = RunWhole<float>(Reference().unary_f32, other, 16, 0, 16);
    EXPECT_GT(LargestDifference(a, b), kTolerance) << static_cast<int>(op);
  }
}

TEST(UnaryF32, InPlaceAndPlaceDoNotMatter) {
  // The same value in every lane and in the tail gives the same bits.
  for (const KernelTable* table : CompiledTables()) {
    if (!CanRun(*table)) continue;
    std::vector<float> values(37, 0.7f);
    table->unary_f32({.op = UnaryOp::kSilu, .src = values.data(), .dst = values.data()}, 0, 37, nullptr);
    for (float value : values) EXPECT_EQ(value, values[0]) << table->isa;
  }
}

}  // namespace
}  // namespace qrun::kernels
