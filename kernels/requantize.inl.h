// The one rounding of the project:
//
//   Requantize(acc, scale) = clamp(round_half_even(float(acc) * scale) + zero_point, lo, hi)
//
// all in binary32 without fused multiply-add. The product is clamped to [lo - zero_point, hi - zero_point]
// before it is rounded: these bounds are integers, so clamping and rounding commute, and no product (infinity
// included) can overflow the conversion. A NaN, which only a sum of opposite infinities can give, becomes lo.
#ifndef QRUN_KERNELS_REQUANTIZE_INL_H_
#define QRUN_KERNELS_REQUANTIZE_INL_H_

#include <cfloat>
#include <cstdint>

namespace qrun::kernels {
namespace {

// x87 would keep products in 80 bits.
static_assert(FLT_EVAL_METHOD == 0, "int8 results are defined on binary32 arithmetic");

// clamp(round_half_even(x) + zero_point, lo, hi). Precondition: -128 <= zero_point, lo, hi <= 127.
// rintf rounds to nearest even in the default rounding mode, which nothing in the project changes.
inline int8_t RoundAndClamp(float x, int zero_point, int lo, int hi) {
  const float min = static_cast<float>(lo - zero_point);
  const float max = static_cast<float>(hi - zero_point);
  x = x > min ? x : min;
  x = x < max ? x : max;
  return static_cast<int8_t>(static_cast<int>(__builtin_rintf(x)) + zero_point);
}

inline int8_t Requantize(int32_t acc, float scale, int zero_point, int lo, int hi) {
  return RoundAndClamp(static_cast<float>(acc) * scale, zero_point, lo, hi);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_REQUANTIZE_INL_H_
