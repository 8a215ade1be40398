// Helpers and kernels that are compiled once, for the baseline.
#ifndef QRUN_KERNELS_MOVEMENT_H_
#define QRUN_KERNELS_MOVEMENT_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"

namespace qrun::kernels {

// Merges neighbouring axes that are contiguous on both sides and drops extents of 1; the copy stays the same.
void CoalesceAxes(StridedCopyArgs& args);

// Sets every element to `value` (its first element_bytes bytes). Work item: one element.
struct FillArgs {
  int element_bytes = 1;  // 1 or 4
  uint32_t value = 0;
  std::byte* dst = nullptr;
};
void fill(const FillArgs& args, int begin, int end, std::byte* scratch) noexcept;

// dst[r, :] = exp(src[r, :] - max) / sum of them. Work item: one row; rows of `inner` floats. Its exponential
// is a fixed sequence of binary32 operations (range reduction and a polynomial, relative error below 2e-7):
// the same bytes everywhere, where libm's may differ from one CPU to the next.
struct SoftmaxArgs {
  int inner = 1;
  const float* src = nullptr;
  float* dst = nullptr;
};
void softmax_f32(const SoftmaxArgs& args, int begin, int end, std::byte* scratch) noexcept;

}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_MOVEMENT_H_
