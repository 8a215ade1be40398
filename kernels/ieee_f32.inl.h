// Float division and square root, rounded as IEEE 754 wants. On NEON xsimd approximates both.
#ifndef QRUN_KERNELS_IEEE_F32_INL_H_
#define QRUN_KERNELS_IEEE_F32_INL_H_

#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

QRUN_INLINE float DivideF32(float a, float b) { return a / b; }
template <class Batch>
QRUN_INLINE Batch DivideF32(Batch a, Batch b) {
#if defined(__aarch64__)
  return Batch(vdivq_f32(a.data, b.data));
#else
  return a / b;
#endif
}

template <class Batch>
QRUN_INLINE Batch SqrtF32(Batch x) {
#if defined(__aarch64__)
  return Batch(vsqrtq_f32(x.data));
#else
  return xsimd::sqrt(x);
#endif
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_IEEE_F32_INL_H_
