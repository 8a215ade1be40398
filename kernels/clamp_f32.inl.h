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

// a > b ? a : b and a < b ? a : b, hence b if there is a NaN or both are zeros: what x86's instructions do.
// NEON's give NaN if either is one, and order the zeros.
template <class Batch>
QRUN_INLINE Batch MaxF32(Batch a, Batch b) {
#if defined(__aarch64__)
  return xsimd::select(a > b, a, b);
#else
  return xsimd::max(a, b);
#endif
}
template <class Batch>
QRUN_INLINE Batch MinF32(Batch a, Batch b) {
#if defined(__aarch64__)
  return xsimd::select(a < b, a, b);
#else
  return xsimd::min(a, b);
#endif
}

template <class Batch>
QRUN_INLINE Batch ClampF32(Batch x, Batch lo, Batch hi) {
  return MinF32(hi, MaxF32(lo, x));
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CLAMP_F32_INL_H_
