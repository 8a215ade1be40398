// binary_f32: elementwise on two float tensors, b broadcast; see BinaryF32Args. One rounding per element, so
// all ISAs give the same bits (of a NaN only that it is one). dst may be a.
#ifndef QRUN_KERNELS_BINARY_F32_INL_H_
#define QRUN_KERNELS_BINARY_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/ieee_f32.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

// On floats and on batches. A minimum or maximum with a NaN gives b, as x86's instructions do.
struct AddOp {
  template <class T>
  static QRUN_INLINE T Apply(T a, T b) {
    return a + b;
  }
};
struct SubOp {
  template <class T>
  static QRUN_INLINE T Apply(T a, T b) {
    return a - b;
  }
};
struct MulOp {
  template <class T>
  static QRUN_INLINE T Apply(T a, T b) {
    return a * b;
  }
};
struct DivOp {
  template <class T>
  static QRUN_INLINE T Apply(T a, T b) {
    return DivideF32(a, b);
  }
};
struct MinOp {
  static QRUN_INLINE float Apply(float a, float b) { return a < b ? a : b; }
  template <class Batch>
  static QRUN_INLINE Batch Apply(Batch a, Batch b) {
    return MinF32(a, b);
  }
};
struct MaxOp {
  static QRUN_INLINE float Apply(float a, float b) { return a > b ? a : b; }
  template <class Batch>
  static QRUN_INLINE Batch Apply(Batch a, Batch b) {
    return MaxF32(a, b);
  }
};

template <class Op>
void BinaryF32Reference(const BinaryF32Args& args, int begin, int end) noexcept {
  for (int64_t o = begin; o < end; ++o) {
    const float* b = args.b + o * args.b_outer_stride;
    for (int64_t i = 0; i < args.inner; ++i) {
      const float value = Op::Apply(args.a[o * args.inner + i], b[i * args.b_inner_stride]);
      args.dst[o * args.inner + i] = ClampF32(value, args.lo, args.hi);
    }
  }
}

template <class Tag, class Op, bool kScalarB>
void BinaryF32Row(const BinaryF32Args& args, const float* a, const float* b, float* dst, int64_t count) {
  using Reg = xsimd::batch<float, typename Tag::simd>;
  constexpr int64_t kLanes = static_cast<int64_t>(Reg::size);
  const Reg lo(args.lo), hi(args.hi), one_b(*b);
  int64_t i = 0;
  for (; count - i >= kLanes; i += kLanes) {
    Reg vb = one_b;
    if constexpr (!kScalarB) vb = Reg::load_unaligned(b + i);
    ClampF32(Op::Apply(Reg::load_unaligned(a + i), vb), lo, hi).store_unaligned(dst + i);
  }
  for (; i < count; ++i) dst[i] = ClampF32(Op::Apply(a[i], b[kScalarB ? 0 : i]), args.lo, args.hi);
}

template <class Tag, class Op>
void BinaryF32(const BinaryF32Args& args, int begin, int end) noexcept {
  if constexpr (Tag::kScalar) {
    BinaryF32Reference<Op>(args, begin, end);
  } else {
    for (int64_t o = begin; o < end && args.inner > 0; ++o) {
      const float* a = args.a + o * args.inner;
      const float* b = args.b + o * args.b_outer_stride;
      float* dst = args.dst + o * args.inner;
      if (args.b_inner_stride == 0) {
        BinaryF32Row<Tag, Op, true>(args, a, b, dst, args.inner);
      } else {
        BinaryF32Row<Tag, Op, false>(args, a, b, dst, args.inner);
      }
    }
  }
}

template <class Tag>
void binary_f32(const BinaryF32Args& args, int begin, int end, std::byte*) noexcept {
  switch (args.op) {
    case BinaryOp::kAdd:
      return BinaryF32<Tag, AddOp>(args, begin, end);
    case BinaryOp::kSub:
      return BinaryF32<Tag, SubOp>(args, begin, end);
    case BinaryOp::kMul:
      return BinaryF32<Tag, MulOp>(args, begin, end);
    case BinaryOp::kDiv:
      return BinaryF32<Tag, DivOp>(args, begin, end);
    case BinaryOp::kMin:
      return BinaryF32<Tag, MinOp>(args, begin, end);
    case BinaryOp::kMax:
      return BinaryF32<Tag, MaxOp>(args, begin, end);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_BINARY_F32_INL_H_
