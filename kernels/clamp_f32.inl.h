// Clamping of float results.
#ifndef QRUN_KERNELS_CLAMP_F32_INL_H_
#define QRUN_KERNELS_CLAMP_F32_INL_H_

#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

// x clamped to [lo, hi]; a NaN stays a NaN.
inline float ClampF32(float x, float lo, float hi) {
  x = x < lo ? lo : x;
  return x > hi ? hi : x;
}

// The same on batches: x86's minimum and maximum return the second operand if there is a NaN.
template <class Batch>
QRUN_INLINE Batch ClampF32(Batch x, Batch lo, Batch hi) {
  return xsimd::min(hi, xsimd::max(lo, x));
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CLAMP_F32_INL_H_
