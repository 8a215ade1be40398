// add_s8 and mul_s8: elementwise on two int8 tensors, b broadcast; see BinaryS8Args. Exact. dst may be a.
#ifndef QRUN_KERNELS_BINARY_S8_INL_H_
#define QRUN_KERNELS_BINARY_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"

namespace qrun::kernels {
namespace {

// Real sum in units of dst's scale. Both products and the sum are rounded to binary32.
inline int8_t AddOne(const BinaryS8Args& args, int a, int b) {
  const float sum =
      static_cast<float>(a - args.a_zp) * args.a_scale + static_cast<float>(b - args.b_zp) * args.b_scale;
  return RoundAndClamp(sum, args.dst_zp, args.lo, args.hi);
}

inline int8_t MulOne(const BinaryS8Args& args, int a, int b) {
  return Requantize((a - args.a_zp) * (b - args.b_zp), args.a_scale, args.dst_zp, args.lo, args.hi);
}

template <int8_t (*kFunction)(const BinaryS8Args&, int, int)>
void BinaryS8Reference(const BinaryS8Args& args, int begin, int end) noexcept {
  for (int64_t o = begin; o < end; ++o) {
    const int8_t* b = args.b + o * args.b_outer_stride;
    for (int64_t i = 0; i < args.inner; ++i) {
      args.dst[o * args.inner + i] = kFunction(args, args.a[o * args.inner + i], b[i * args.b_inner_stride]);
    }
  }
}

template <class Tag>
void add_s8(const BinaryS8Args& args, int begin, int end, std::byte*) noexcept {
  BinaryS8Reference<AddOne>(args, begin, end);
}

template <class Tag>
void mul_s8(const BinaryS8Args& args, int begin, int end, std::byte*) noexcept {
  BinaryS8Reference<MulOne>(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_BINARY_S8_INL_H_
