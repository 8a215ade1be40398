#include <limits>

#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

TEST(AgainstReference, quantize_f32_s8) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (int count : LaneEdges()) {
    Random random(static_cast<uint32_t>(count));
    auto src = random.Floats(static_cast<size_t>(count), -200, 200);
    for (float& v : src) {  // half of them ties
      if (random.Int(0, 1) == 0) v = std::round(v) + 0.5f;
    }
    const float special[] = {inf, -inf, nan, -nan, 3e9f, -3e9f, -0.0f, 1e-45f, 32767.5f, -32768.5f};
    for (int i = 0; i < count / 3; ++i) src[static_cast<size_t>(random.Int(0, count - 1))] = special[i % 10];
    for (float inv_scale : {1.0f, 0.5f, 37.7f, inf, 1e-30f}) {
      for (int zp : {0, -128, 127, 5}) {
        QuantizeArgs args = {.src = src.data(), .inv_scale = inv_scale, .zp = zp};
        const auto want = RunWhole<int8_t>(Reference().quantize_f32_s8, args, count, 0, src.size());
        for (const KernelTable* table : TestedTables()) {
          SCOPED_TRACE(std::string(table->isa) + " " + std::to_string(count));
          ExpectSame(want, RunWhole<int8_t>(table->quantize_f32_s8, args, count, 0, src.size()));
        }
      }
    }
  }
}

TEST(AgainstReference, dequantize_s8_f32) {
  for (int count : LaneEdges()) {
    const auto src = Random(static_cast<uint32_t>(count)).Bytes(static_cast<size_t>(count));
    for (int zp : {0, -128, 127}) {
      DequantizeArgs args = {.src = src.data(), .scale = 0.0173f, .zp = zp};
      const auto want = RunWhole<float>(Reference().dequantize_s8_f32, args, count, 0, src.size());
      for (const KernelTable* table : TestedTables()) {
        SCOPED_TRACE(table->isa);
        EXPECT_EQ(want, RunWhole<float>(table->dequantize_s8_f32, args, count, 0, src.size()));
      }
    }
  }
}

TEST(Quantize, ReferenceByHand) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float src[] = {0.25f, 0.75f, -0.25f, 1.25f, 1e30f, -1e30f, nan};
  int8_t dst[7];
  Reference().quantize_f32_s8({.src = src, .dst = dst, .inv_scale = 2, .zp = 3}, 0, 7, nullptr);
  // 0.5 to 0, 1.5 to 2, -0.5 to 0, 2.5 to 2; then + 3
  EXPECT_EQ(std::vector<int>(dst, dst + 7), (std::vector<int>{3, 5, 3, 5, 127, -128, 3}));
  float back[2];
  Reference().dequantize_s8_f32({.src = dst, .dst = back, .scale = 0.5f, .zp = 4}, 0, 2, nullptr);
  EXPECT_EQ(back[0], -0.5f);
  EXPECT_EQ(back[1], 0.5f);
}

}  // namespace
}  // namespace qrun::kernels
