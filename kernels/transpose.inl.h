// Transposition of a plane of int8 or int32 elements by 16-byte vectors, which every instruction set has.
#ifndef QRUN_KERNELS_TRANSPOSE_INL_H_
#define QRUN_KERNELS_TRANSPOSE_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/inline.inl.h"

namespace qrun::kernels {
namespace {

// dst[i * dst_stride + j] = src[j * src_stride + i] for i < rows, j < columns.
template <class T>
struct TransposeArgs {
  int64_t rows, columns;
  int64_t src_stride, dst_stride;
  const T* src;
  T* dst;
};

template <class T>
struct Vector16;

template <>
struct Vector16<int8_t> {
  typedef int8_t Type __attribute__((vector_size(16)));
  static constexpr int kRounds = 4;
  static QRUN_INLINE Type ZipLow(Type a, Type b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  }
  static QRUN_INLINE Type ZipHigh(Type a, Type b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
  static QRUN_INLINE Type Even(Type a, Type b) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  }
  static QRUN_INLINE Type Odd(Type a, Type b) {
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  }
};

template <>
struct Vector16<int32_t> {
  typedef int32_t Type __attribute__((vector_size(16)));
  static constexpr int kRounds = 2;
  static QRUN_INLINE Type ZipLow(Type a, Type b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
  static QRUN_INLINE Type ZipHigh(Type a, Type b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
  static QRUN_INLINE Type Even(Type a, Type b) { return __builtin_shufflevector(a, b, 0, 2, 4, 6); }
  static QRUN_INLINE Type Odd(Type a, Type b) { return __builtin_shufflevector(a, b, 1, 3, 5, 7); }
};

template <class T>
struct Transposer {
  using V = Vector16<T>;
  using Vector = typename V::Type;
  static constexpr int kLanes = 1 << V::kRounds;

  static QRUN_INLINE Vector Load(const T* p) {
    Vector v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
  }
  static QRUN_INLINE void Store(T* p, Vector v) { __builtin_memcpy(p, &v, sizeof(v)); }

  // kLanes rows of kLanes. Zipping row i with row i + kLanes / 2 rotates the bits of an element's index (row,
  // column) by one place, so kRounds of it swap row and column.
  static QRUN_INLINE void Tile(const TransposeArgs<T>& args, int64_t i, int64_t j) {
    Vector v[2][kLanes];
    Unroll<kLanes>([&](auto r) QRUN_INLINE_LAMBDA {
      v[0][r.value] = Load(args.src + (j + r.value) * args.src_stride + i);
    });
    Unroll<V::kRounds>([&](auto round) QRUN_INLINE_LAMBDA {
      constexpr int kFrom = round.value % 2;
      Unroll<kLanes / 2>([&](auto r) QRUN_INLINE_LAMBDA {
        const Vector a = v[kFrom][r.value], b = v[kFrom][r.value + kLanes / 2];
        v[1 - kFrom][2 * r.value] = V::ZipLow(a, b);
        v[1 - kFrom][2 * r.value + 1] = V::ZipHigh(a, b);
      });
    });
    Unroll<kLanes>([&](auto r) QRUN_INLINE_LAMBDA {
      Store(args.dst + (i + r.value) * args.dst_stride + j, v[0][r.value]);
    });
  }

  // Calls step(i) for i = 0, kLanes, ...; the last of them ends at `count`, which is at least kLanes.
  template <class Step>
  static QRUN_INLINE void ForEachVector(int64_t count, Step&& step) {
    for (int64_t i = 0; i < count; i += kLanes) step(i < count - kLanes ? i : count - kLanes);
  }
};

template <class T>
void TransposePlane(const TransposeArgs<T>& args) {
  using V = Vector16<T>;
  using By = Transposer<T>;
  if (args.rows >= By::kLanes && args.columns >= By::kLanes) {
    By::ForEachVector(args.rows, [&](int64_t i) QRUN_INLINE_LAMBDA {
      By::ForEachVector(args.columns, [&](int64_t j) QRUN_INLINE_LAMBDA { By::Tile(args, i, j); });
    });
  } else if (args.columns == 2 && args.dst_stride == 2 && args.rows >= By::kLanes) {  // interleave
    By::ForEachVector(args.rows, [&](int64_t i) QRUN_INLINE_LAMBDA {
      const auto a = By::Load(args.src + i), b = By::Load(args.src + args.src_stride + i);
      By::Store(args.dst + 2 * i, V::ZipLow(a, b));
      By::Store(args.dst + 2 * i + By::kLanes, V::ZipHigh(a, b));
    });
  } else if (args.rows == 2 && args.src_stride == 2 && args.columns >= By::kLanes) {  // and back
    By::ForEachVector(args.columns, [&](int64_t j) QRUN_INLINE_LAMBDA {
      const auto a = By::Load(args.src + 2 * j), b = By::Load(args.src + 2 * j + By::kLanes);
      By::Store(args.dst + j, V::Even(a, b));
      By::Store(args.dst + args.dst_stride + j, V::Odd(a, b));
    });
  } else {
    for (int64_t i = 0; i < args.rows; ++i) {
      for (int64_t j = 0; j < args.columns; ++j) {
        args.dst[i * args.dst_stride + j] = args.src[j * args.src_stride + i];
      }
    }
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_TRANSPOSE_INL_H_
