// The one rounding of the project:
//
//   Requantize(acc, scale) = clamp(round_half_even(float(acc) * scale) + zero_point, lo, hi)
//
// all in binary32 without fused multiply-add. The product is clamped to [lo - zero_point, hi - zero_point]
// before it is rounded: these bounds are integers, so clamping and rounding commute, and no product (infinity
// included) can overflow the conversion. A NaN, which only a sum of opposite infinities can give, becomes lo.
#ifndef QRUN_KERNELS_REQUANTIZE_INL_H_
#define QRUN_KERNELS_REQUANTIZE_INL_H_

#include <cfloat>
#include <cstdint>

#include "kernels/dot.inl.h"
#include "kernels/inline.inl.h"

namespace qrun::kernels {
namespace {

// x87 would keep products in 80 bits.
static_assert(FLT_EVAL_METHOD == 0, "int8 results are defined on binary32 arithmetic");

// clamp(round_half_even(x) + zero_point, lo, hi). Precondition: -128 <= zero_point, lo, hi <= 127.
// rintf rounds to nearest even in the default rounding mode, which nothing in the project changes.
inline int8_t RoundAndClamp(float x, int zero_point, int lo, int hi) {
  const float min = static_cast<float>(lo - zero_point);
  const float max = static_cast<float>(hi - zero_point);
  x = x > min ? x : min;
  x = x < max ? x : max;
  return static_cast<int8_t>(static_cast<int>(__builtin_rintf(x)) + zero_point);
}

inline int8_t Requantize(int32_t acc, float scale, int zero_point, int lo, int hi) {
  return RoundAndClamp(static_cast<float>(acc) * scale, zero_point, lo, hi);
}

// The same on four registers of products float(acc) * scale, to one register of bytes. Saturating packs
// replace the clamp to the int8 range: a product outside of int16 stays outside of int8 whatever the zero
// point, and saturation keeps the order. Only above is a product bounded before the conversion, which gives
// -2^31 for everything too large.
template <class Tag>
struct Requantizer {
  using Ops = S8<Tag>;
  using F32 = typename Ops::F32;
  using Bytes = typename Ops::Bytes;

  Bytes zp, lo, hi;

  QRUN_INLINE Requantizer(int zero_point, int min, int max)
      : zp(Ops::SetWords(zero_point)), lo(Ops::SetBytes(min)), hi(Ops::SetBytes(max)) {}

  QRUN_INLINE Bytes Clamp(Bytes v) const { return Ops::MinBytes(Ops::MaxBytes(v, lo), hi); }

  // x[0..3] in plain order.
  QRUN_INLINE Bytes InOrder(F32 x0, F32 x1, F32 x2, F32 x3) const {
    return Clamp(Ops::PackInOrder(Ops::RoundToI32(x0), Ops::RoundToI32(x1), Ops::RoundToI32(x2),
                                  Ops::RoundToI32(x3), zp));
  }
  // x[0..3] in in-lane order, see dot.inl.h.
  QRUN_INLINE Bytes InLane(F32 x0, F32 x1, F32 x2, F32 x3) const {
    return Clamp(Ops::PackInLane(Ops::RoundToI32(x0), Ops::RoundToI32(x1), Ops::RoundToI32(x2),
                                 Ops::RoundToI32(x3), zp));
  }
};

// The products float(acc) * scale of sums that began with Start(bias).
template <class Tag>
struct Products {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;

  F32 scale;

  static bool Hold(const int32_t*, int, int) { return true; }
  static QRUN_INLINE I32 Start(I32 bias) { return bias; }
  QRUN_INLINE explicit Products(F32 s) : scale(s) {}
  QRUN_INLINE F32 operator()(I32 acc) const { return Ops::ToF32(acc) * scale; }
};

// The same in one instruction, for results that are clamped to 0 from below: only products of sums not below
// 0 are exact, the others are negative or NaN. Sums begin with the bits of 2^23: those plus an integer in
// [0, 2^23) are the float of 2^23 + integer. 2^23 * scale, which is exact, is taken off before the product is
// rounded.
template <class Tag>
struct FusedProducts {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;
  static constexpr int kLimit = 1 << 23, kLimitBits = 0x4B000000;

  F32 scale, offset;

  // True if no sum of so many products and one of these biases reaches 2^23.
  static bool Hold(const int32_t* bia, int channels, int products) {
    constexpr int kMaxProduct = (128 + Ops::kOffset) * 128;
    if (products > kLimit / kMaxProduct) return false;
    const int32_t end = kLimit - products * kMaxProduct;
    int32_t max = bia[0];
    for (int i = 1; i < channels; ++i) max = max < bia[i] ? bia[i] : max;
    return max < end;
  }
  static QRUN_INLINE I32 Start(I32 bias) { return Ops::AddI32(bias, Ops::SetI32(kLimitBits)); }
  QRUN_INLINE explicit FusedProducts(F32 s) : scale(s), offset(s * F32(-static_cast<float>(kLimit))) {}
  QRUN_INLINE F32 operator()(I32 acc) const { return Ops::FusedProduct(acc, scale, offset); }
};

template <class Tag, bool kHasFused = requires(typename S8<Tag>::I32 i, typename S8<Tag>::F32 f) {
  S8<Tag>::FusedProduct(i, f, f);
}
> struct ClampedProducts : FusedProducts<Tag> { using FusedProducts<Tag>::FusedProducts; };
template <class Tag>
struct ClampedProducts<Tag, false> : Products<Tag> {
  using kernels::Products<Tag>::Products;
};

// The same to what dot products read (bytes + kOffset), in in-lane order. No product may leave int32: that is
// so for scales below one.
template <class Tag>
struct OffsetRequantizer {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;

  using Products = kernels::Products<Tag>;

  I32 zp, lo, hi;

  // Where saturation is all the clamping, which is mostly so behind ReLU and ReLU6 if activations are read
  // unsigned.
  static constexpr bool kHasPlain = Ops::kOffset == 128;
  static bool IsPlain(int zero_point, int min, int max) {
    return zero_point == -128 && min == -128 && max == 127;
  }
  struct Plain {
    using Products = ClampedProducts<Tag>;

    QRUN_INLINE Plain(int, int, int) {}
    QRUN_INLINE I32 InLane(F32 x0, F32 x1, F32 x2, F32 x3) const {
      return Ops::PackPlainInLane(Ops::RoundBounded(x0), Ops::RoundBounded(x1), Ops::RoundBounded(x2),
                                  Ops::RoundBounded(x3));
    }
  };
  QRUN_INLINE OffsetRequantizer(int zero_point, int min, int max)
      : zp(Ops::SetWords(zero_point + Ops::kOffset)),
        lo(Ops::SetBytes(min + Ops::kOffset)),
        hi(Ops::SetBytes(max + Ops::kOffset)) {}

  QRUN_INLINE I32 InLane(F32 x0, F32 x1, F32 x2, F32 x3) const {
    return Ops::MinOffset(
        Ops::MaxOffset(Ops::PackOffsetInLane(Ops::RoundBounded(x0), Ops::RoundBounded(x1),
                                             Ops::RoundBounded(x2), Ops::RoundBounded(x3), zp),
                       lo),
        hi);
  }
};

// The same where dot products read words: two registers of products to one register of words, in in-lane
// order. Words have room for results without their zero point (Centred), which take fewer steps.
template <class Tag>
struct WordRequantizer {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;

  using Products = kernels::Products<Tag>;

  I32 zp, lo, hi;

  // Where no result is below the zero point, as behind ReLU and ReLU6, unsigned saturation is one of the
  // clamps.
  static constexpr bool kHasPlain = true;
  static bool IsPlain(int zero_point, int min, int) { return min == zero_point; }
  struct Plain {
    using Products = ClampedProducts<Tag>;

    I32 zp, hi;

    QRUN_INLINE Plain(int zero_point, int, int max)
        : zp(Ops::SetWords(zero_point)), hi(Ops::SetWords(max - zero_point)) {}

    QRUN_INLINE I32 Centred(F32 x0, F32 x1) const {
      return Ops::MinUnsignedWords(Ops::PackUnsignedWords(Ops::RoundBounded(x0), Ops::RoundBounded(x1)), hi);
    }
    QRUN_INLINE I32 InLane(F32 x0, F32 x1) const { return Ops::AddWords(Centred(x0, x1), zp); }
  };
  QRUN_INLINE WordRequantizer(int zero_point, int min, int max)
      : zp(Ops::SetWords(zero_point)),
        lo(Ops::SetWords(min - zero_point)),
        hi(Ops::SetWords(max - zero_point)) {}

  QRUN_INLINE I32 Centred(F32 x0, F32 x1) const {
    return Ops::MinWords(Ops::MaxWords(Ops::PackWords(Ops::RoundBounded(x0), Ops::RoundBounded(x1)), lo), hi);
  }
  QRUN_INLINE I32 InLane(F32 x0, F32 x1) const { return Ops::AddWords(Centred(x0, x1), zp); }
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_REQUANTIZE_INL_H_
