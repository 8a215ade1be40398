// Clamping of float results.
#ifndef QRUN_KERNELS_CLAMP_F32_INL_H_
#define QRUN_KERNELS_CLAMP_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"

namespace qrun::kernels {
namespace {

// x clamped to [lo, hi]; a NaN stays a NaN.
inline float ClampF32(float x, float lo, float hi) {
  x = x < lo ? lo : x;
  return x > hi ? hi : x;
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CLAMP_F32_INL_H_
