// add_s8 and mul_s8: elementwise on two int8 tensors, b broadcast; see BinaryS8Args. Exact. dst may be a.
#ifndef QRUN_KERNELS_BINARY_S8_INL_H_
#define QRUN_KERNELS_BINARY_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/dot.inl.h"
#include "kernels/inline.inl.h"
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

struct AddFunction {
  static int8_t Scalar(const BinaryS8Args& args, int a, int b) { return AddOne(args, a, b); }
  template <class F32>
  static QRUN_INLINE F32 Simd(const BinaryS8Args& args, F32 a, F32 b) {
    return a * F32(args.a_scale) + b * F32(args.b_scale);
  }
};

struct MulFunction {
  static int8_t Scalar(const BinaryS8Args& args, int a, int b) { return MulOne(args, a, b); }
  // The product of two differences of int8 is at most 255 * 255, exact in binary32.
  template <class F32>
  static QRUN_INLINE F32 Simd(const BinaryS8Args& args, F32 a, F32 b) {
    return a * b * F32(args.a_scale);
  }
};

// One row of `count` elements; b is one value if kScalarB.
template <class Tag, class Function, bool kScalarB>
void BinaryS8Row(const BinaryS8Args& args, const int8_t* a, const int8_t* b, int8_t* dst, int64_t count) {
  using Ops = S8<Tag>;
  using F32 = typename Ops::F32;
  constexpr int kBytes = Ops::kBytes;
  const Requantizer<Tag> requantizer(args.dst_zp, args.lo, args.hi);
  const auto a_zp = Ops::SetI32(args.a_zp), b_zp = Ops::SetI32(args.b_zp);
  const F32 one_b = Ops::ToF32(Ops::SetI32(*b - args.b_zp));
  const auto whole = [&](const int8_t* pa, const int8_t* pb) QRUN_INLINE_LAMBDA {
    const auto value = [&](auto i) QRUN_INLINE_LAMBDA {
      const F32 fa = Ops::ToF32(Ops::SubI32(Ops::Widen(pa + i.value * Ops::kLanes), a_zp));
      if constexpr (kScalarB)
        return Function::Simd(args, fa, one_b);
      else
        return Function::Simd(args, fa,
                              F32(Ops::ToF32(Ops::SubI32(Ops::Widen(pb + i.value * Ops::kLanes), b_zp))));
    };
    return requantizer.InOrder(value(Index<0>{}), value(Index<1>{}), value(Index<2>{}), value(Index<3>{}));
  };
  int64_t i = 0;
  for (; count - i >= kBytes; i += kBytes) Ops::StoreBytes(dst + i, whole(a + i, kScalarB ? b : b + i));
  if (i < count) {
    const int rest = static_cast<int>(count - i);
    alignas(64) int8_t part_a[kBytes], part_b[kBytes];
    Ops::StoreBytes(part_a, Ops::LoadBytesPart(a + i, rest));
    if constexpr (!kScalarB) Ops::StoreBytes(part_b, Ops::LoadBytesPart(b + i, rest));
    Ops::template StorePartOf<0, 1>(dst + i, whole(part_a, part_b), rest);
  }
}

template <class Tag, class Function>
void BinaryS8(const BinaryS8Args& args, int begin, int end) noexcept {
  if constexpr (Tag::kScalar) {
    BinaryS8Reference<Function::Scalar>(args, begin, end);
  } else if (args.b_inner_stride == 1 && args.b_outer_stride == args.inner) {  // no broadcast: one long row
    const int64_t first = begin * args.inner;
    if (begin < end && args.inner > 0) {
      BinaryS8Row<Tag, Function, false>(args, args.a + first, args.b + first, args.dst + first,
                                        (end - begin) * args.inner);
    }
  } else {
    for (int64_t o = begin; o < end && args.inner > 0; ++o) {
      const int8_t* a = args.a + o * args.inner;
      const int8_t* b = args.b + o * args.b_outer_stride;
      int8_t* dst = args.dst + o * args.inner;
      if (args.b_inner_stride == 0) {
        BinaryS8Row<Tag, Function, true>(args, a, b, dst, args.inner);
      } else {
        BinaryS8Row<Tag, Function, false>(args, a, b, dst, args.inner);
      }
    }
  }
}

template <class Tag>
void add_s8(const BinaryS8Args& args, int begin, int end, std::byte*) noexcept {
  BinaryS8<Tag, AddFunction>(args, begin, end);
}

template <class Tag>
void mul_s8(const BinaryS8Args& args, int begin, int end, std::byte*) noexcept {
  BinaryS8<Tag, MulFunction>(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_BINARY_S8_INL_H_
