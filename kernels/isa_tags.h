// One tag per row of isa_list.inc. Kernels are templates on the tag, so that the code of two ISAs never
// shares a symbol.
//
//   kScalar   true: the kernel's scalar reference runs
//   simd      the xsimd architecture for float arithmetic
//   Everything that is specific to int8 is in the S8<Tag> of dot.inl.h.
#ifndef QRUN_KERNELS_ISA_TAGS_H_
#define QRUN_KERNELS_ISA_TAGS_H_

// Each row has xsimd under a name of its own. Its functions leave weak symbols, and rows whose float
// arithmetic is the same would share them, of which the linker keeps the copy of either.
#define QRUN_XSIMD_OF_(isa) xsimd_##isa
#define QRUN_XSIMD_OF(isa) QRUN_XSIMD_OF_(isa)
#define xsimd QRUN_XSIMD_OF(QRUN_ISA_NAME)
#include <xsimd/xsimd.hpp>

namespace qrun::kernels {

struct Ref {
  static constexpr bool kScalar = true;
};

#if defined(__x86_64__)
struct Sse41 {
  static constexpr bool kScalar = false;
  using simd = xsimd::sse4_1;
};

struct Avx2 {
  static constexpr bool kScalar = false;
  using simd = xsimd::fma3<xsimd::avx2>;
};

struct AvxVnni {
  static constexpr bool kScalar = false;
  using simd = xsimd::fma3<xsimd::avx2>;
};

// xsimd 8.1 has no architecture for VNNI. Float needs no more than AVX-512DQ, and xsimd's AVX-512BW does not
// compile without optimisation, where GCC's intrinsics are macros.
struct Avx512 {
  static constexpr bool kScalar = false;
  using simd = xsimd::avx512dq;
};

struct Avx512Vnni {
  static constexpr bool kScalar = false;
  using simd = xsimd::avx512dq;
};
#endif

#if defined(__aarch64__)
struct Neon {
  static constexpr bool kScalar = false;
  using simd = xsimd::neon64;
};

struct NeonDot {
  static constexpr bool kScalar = false;
  using simd = xsimd::neon64;
};

struct NeonI8mm {
  static constexpr bool kScalar = false;
  using simd = xsimd::neon64;
};
#endif

}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_ISA_TAGS_H_
