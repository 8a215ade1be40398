// Compile-time helpers of the SIMD kernels: forced inlining and unrolling, and copies of a few bytes. An
// accumulator array stays in registers only if every index into it is a constant, in every build type.
#ifndef QRUN_KERNELS_INLINE_INL_H_
#define QRUN_KERNELS_INLINE_INL_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#define QRUN_INLINE inline __attribute__((always_inline))
#define QRUN_INLINE_LAMBDA __attribute__((always_inline))
// For register tiles that are called once: GCC 12 inlines those or not by how large the whole file is, and
// inlined ones share registers with their caller (7 % of MobileNetV2 on AVX2).
#define QRUN_NOINLINE __attribute__((noinline))

namespace qrun::kernels {
namespace {

template <int kValue>
struct Index {
  static constexpr int value = kValue;
};

template <class Function, int... kIndices>
QRUN_INLINE void UnrollIndices(std::integer_sequence<int, kIndices...>, Function&& function) {
  (function(Index<kIndices>{}), ...);
}

// function(Index<0>{}), ..., function(Index<kCount - 1>{}). Pass a lambda marked QRUN_INLINE_LAMBDA.
template <int kCount, class Function>
QRUN_INLINE void Unroll(Function&& function) {
  UnrollIndices(std::make_integer_sequence<int, kCount>{}, function);
}

// memcpy for short runs without a call: whole pieces, the last of which overlaps the one before. Touches no
// byte outside of the n.
QRUN_INLINE void CopyBytes(void* dst_bytes, const void* src_bytes, ptrdiff_t n) {
  auto* dst = static_cast<char*>(dst_bytes);
  auto* src = static_cast<const char*>(src_bytes);
  if (n >= 16) {
    for (ptrdiff_t i = 0; i < n - 16; i += 16) __builtin_memcpy(dst + i, src + i, 16);
    __builtin_memcpy(dst + n - 16, src + n - 16, 16);
  } else if (n >= 8) {
    __builtin_memcpy(dst, src, 8);
    __builtin_memcpy(dst + n - 8, src + n - 8, 8);
  } else if (n >= 4) {
    __builtin_memcpy(dst, src, 4);
    __builtin_memcpy(dst + n - 4, src + n - 4, 4);
  } else if (n > 0) {
    dst[0] = src[0];
    dst[n / 2] = src[n / 2];
    dst[n - 1] = src[n - 1];
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_INLINE_INL_H_
