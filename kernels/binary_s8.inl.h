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
  // The same of a value of a and what is prepared of b's difference.
  static constexpr int kPrepared = 1;
  template <class F32>
  static QRUN_INLINE void Prepare(const BinaryS8Args& args, F32 b, F32 (&prepared)[kPrepared]) {
    prepared[0] = b * F32(args.b_scale);
  }
  template <class F32>
  static QRUN_INLINE F32 OfPrepared(const BinaryS8Args& args, F32 a, const F32 (&prepared)[kPrepared]) {
    return (a - F32(static_cast<float>(args.a_zp))) * F32(args.a_scale) + prepared[0];
  }
};

struct MulFunction {
  static int8_t Scalar(const BinaryS8Args& args, int a, int b) { return MulOne(args, a, b); }
  // The product of two differences of int8 is at most 255 * 255, exact in binary32.
  template <class F32>
  static QRUN_INLINE F32 Simd(const BinaryS8Args& args, F32 a, F32 b) {
    return a * b * F32(args.a_scale);
  }
  // (a - a_zp) * b in one step: a * b and a_zp * b are exact as well.
  static constexpr int kPrepared = 2;
  template <class F32>
  static QRUN_INLINE void Prepare(const BinaryS8Args& args, F32 b, F32 (&prepared)[kPrepared]) {
    prepared[0] = b;
    prepared[1] = b * F32(static_cast<float>(-args.a_zp));
  }
  template <class F32>
  static QRUN_INLINE F32 OfPrepared(const BinaryS8Args& args, F32 a, const F32 (&prepared)[kPrepared]) {
    return xsimd::fma(a, prepared[0], prepared[1]) * F32(args.a_scale);
  }
};

// A register of results, from registers of a and b or of a and one value of b.
template <class Tag, class Function>
struct BinaryS8Block {
  using Ops = S8<Tag>;
  using F32 = typename Ops::F32;
  using I32 = typename Ops::I32;
  using Bytes = typename Ops::Bytes;

  const BinaryS8Args& args;
  const Requantizer<Tag> requantizer{args.dst_zp, args.lo, args.hi};
  const I32 a_zp = Ops::SetI32(args.a_zp), b_zp = Ops::SetI32(args.b_zp);

  explicit QRUN_INLINE BinaryS8Block(const BinaryS8Args& binary) : args(binary) {}

  static QRUN_INLINE F32 Difference(const int8_t* p, I32 zp) {
    return Ops::ToF32(Ops::SubI32(Ops::Widen(p), zp));
  }
  template <class B>
  QRUN_INLINE Bytes Of(const int8_t* a, B&& b) const {
    const auto value = [&](auto i) QRUN_INLINE_LAMBDA {
      return Function::Simd(args, Difference(a + i.value * Ops::kLanes, a_zp), b(i));
    };
    return requantizer.InOrder(value(Index<0>{}), value(Index<1>{}), value(Index<2>{}), value(Index<3>{}));
  }
  QRUN_INLINE Bytes Whole(const int8_t* a, const int8_t* b) const {
    return Of(a, [&](auto i) QRUN_INLINE_LAMBDA { return Difference(b + i.value * Ops::kLanes, b_zp); });
  }
  QRUN_INLINE Bytes Whole(const int8_t* a, F32 b) const {
    return Of(a, [&](auto) QRUN_INLINE_LAMBDA { return b; });
  }
  // The first n elements.
  template <class B>
  QRUN_INLINE void Part(const int8_t* a, B b, int8_t* dst, int n) const {
    alignas(64) int8_t part_a[Ops::kBytes];
    Ops::StoreBytes(part_a, Ops::LoadBytesPart(a, n));
    Ops::template StorePartOf<0, 1>(dst, Whole(part_a, b), n);
  }
};

template <class Tag, class Function>
void BinaryS8Row(const BinaryS8Args& args, const int8_t* a, const int8_t* b, int8_t* dst, int64_t count) {
  using Ops = S8<Tag>;
  constexpr int kBytes = Ops::kBytes;
  const BinaryS8Block<Tag, Function> block(args);
  int64_t i = 0;
  for (; count - i >= kBytes; i += kBytes) Ops::StoreBytes(dst + i, block.Whole(a + i, b + i));
  if (i < count) {
    const int rest = static_cast<int>(count - i);
    alignas(64) int8_t part_b[kBytes];
    Ops::StoreBytes(part_b, Ops::LoadBytesPart(b + i, rest));
    block.Part(a + i, part_b, dst + i, rest);
  }
}

// The same with one value of b.
template <class Tag, class Function>
void BinaryS8ScalarRow(const BinaryS8Args& args, const int8_t* a, int8_t b, int8_t* dst, int64_t count) {
  using Ops = S8<Tag>;
  constexpr int kBytes = Ops::kBytes;
  const BinaryS8Block<Tag, Function> block(args);
  const typename Ops::F32 one_b = Ops::ToF32(Ops::SetI32(b - args.b_zp));
  int64_t i = 0;
  for (; count - i >= kBytes; i += kBytes) Ops::StoreBytes(dst + i, block.Whole(a + i, one_b));
  if (i < count) block.Part(a + i, one_b, dst + i, static_cast<int>(count - i));
}

// b, a row of `inner` elements, again for every row of a, as in squeeze-and-excitation. What depends on b
// alone is prepared once for all rows. Rows shorter than registers fill them as well: what belongs to the
// elements of any register is found in a copy that is followed by another, as far as a register reaches.
template <class Tag, class Function>
struct BinaryS8Repeated {
  using Ops = S8<Tag>;
  using F32 = typename Ops::F32;
  static constexpr int kBytes = Ops::kBytes, kLanes = Ops::kLanes, kPrepared = Function::kPrepared;
  static constexpr int kMaxInner = 2048;

  const BinaryS8Block<Tag, Function> block;
  alignas(64) float prepared[kPrepared][kMaxInner + kBytes];

  explicit BinaryS8Repeated(const BinaryS8Args& args) : block(args) {
    const int inner = static_cast<int>(args.inner);
    for (int i = 0; i < inner; i += kLanes) {
      alignas(64) int8_t b[kBytes];
      Ops::StoreBytes(b, Ops::LoadBytesPart(args.b + i, inner - i < kLanes ? inner - i : kLanes));
      F32 parts[kPrepared];
      Function::Prepare(args, block.Difference(b, block.b_zp), parts);
      Unroll<kPrepared>([&](auto k)
                            QRUN_INLINE_LAMBDA { parts[k.value].store_unaligned(prepared[k.value] + i); });
    }
    for (int i = inner; i < inner + kBytes; ++i) {
      for (int k = 0; k < kPrepared; ++k) prepared[k][i] = prepared[k][i - inner];
    }
  }

  // A register of results of elements of a and, from element `at` of the row on, of b.
  QRUN_INLINE typename Ops::Bytes Whole(const int8_t* a, int at) const {
    const auto value = [&](auto i) QRUN_INLINE_LAMBDA {
      F32 parts[kPrepared];
      Unroll<kPrepared>([&](auto k) QRUN_INLINE_LAMBDA {
        parts[k.value] = F32::load_unaligned(prepared[k.value] + at + i.value * kLanes);
      });
      return Function::OfPrepared(block.args, Ops::ToF32(Ops::Widen(a + i.value * kLanes)), parts);
    };
    return block.requantizer.InOrder(value(Index<0>{}), value(Index<1>{}), value(Index<2>{}),
                                     value(Index<3>{}));
  }

  QRUN_INLINE void Rows(int begin, int end) const {
    const BinaryS8Args& args = block.args;
    const int inner = static_cast<int>(args.inner);
    const int64_t stop = end * args.inner;
    int at = 0;
    int64_t i = begin * args.inner;
    for (; stop - i >= kBytes; i += kBytes) {
      Ops::StoreBytes(args.dst + i, Whole(args.a + i, at));
      for (at += kBytes; at >= inner;) at -= inner;
    }
    if (i < stop) {
      const int rest = static_cast<int>(stop - i);
      alignas(64) int8_t part[kBytes];
      Ops::StoreBytes(part, Ops::LoadBytesPart(args.a + i, rest));
      Ops::template StorePartOf<0, 1>(args.dst + i, Whole(part, at), rest);
    }
  }
};

template <class Tag, class Function>
void BinaryS8(const BinaryS8Args& args, int begin, int end) noexcept {
  if constexpr (Tag::kScalar) {
    BinaryS8Reference<Function::Scalar>(args, begin, end);
  } else if (args.b_inner_stride == 1 && args.b_outer_stride == args.inner) {  // no broadcast: one long row
    const int64_t first = begin * args.inner;
    if (begin < end && args.inner > 0) {
      BinaryS8Row<Tag, Function>(args, args.a + first, args.b + first, args.dst + first,
                                 (end - begin) * args.inner);
    }
  } else if (args.b_inner_stride == 1 && args.b_outer_stride == 0 &&
             args.inner <= BinaryS8Repeated<Tag, Function>::kMaxInner) {
    if (begin < end && args.inner > 0) BinaryS8Repeated<Tag, Function>(args).Rows(begin, end);
  } else {
    for (int64_t o = begin; o < end && args.inner > 0; ++o) {
      const int8_t* a = args.a + o * args.inner;
      const int8_t* b = args.b + o * args.b_outer_stride;
      int8_t* dst = args.dst + o * args.inner;
      if (args.b_inner_stride == 0) {
        BinaryS8ScalarRow<Tag, Function>(args, a, *b, dst, args.inner);
      } else {
        BinaryS8Row<Tag, Function>(args, a, b, dst, args.inner);
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
