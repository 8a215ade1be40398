// resize_s8 and resize_f32: two taps per axis; see ResizeTap. With v[y][x] the four neighbours as binary32,
//   top = v[0][0] + (v[0][1] - v[0][0]) * col.w1;  bottom likewise;  dst = top + (bottom - top) * row.w1
// each operation rounded to binary32. int8 rounds the result half to even and is exact; both quantisations
// are equal, so the zero point drops out.
#ifndef QRUN_KERNELS_RESIZE_INL_H_
#define QRUN_KERNELS_RESIZE_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/dot.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

inline float Interpolate(float v0, float v1, float w1) { return v0 + (v1 - v0) * w1; }

inline void StoreResized(float value, float* dst) { *dst = value; }
inline void StoreResized(float value, int8_t* dst) { *dst = RoundAndClamp(value, 0, -128, 127); }

template <class Args>
void ResizeReference(const Args& a, int begin, int end) noexcept {
  for (int row = begin; row < end; ++row) {
    const int n = row / a.oh, oy = row % a.oh;
    const ResizeTap& y = a.rows[oy];
    for (int ox = 0; ox < a.ow; ++ox) {
      const ResizeTap& x = a.cols[ox];
      for (int c = 0; c < a.c; ++c) {
        float side[2];
        for (int i = 0; i < 2; ++i) {
          const int iy = i == 0 ? y.i0 : y.i1;
          side[i] =
              Interpolate(static_cast<float>(a.src[PixelOffset(n, iy, x.i0, a.ih, a.iw, a.c) + c]),
                          static_cast<float>(a.src[PixelOffset(n, iy, x.i1, a.ih, a.iw, a.c) + c]), x.w1);
        }
        StoreResized(Interpolate(side[0], side[1], y.w1),
                     a.dst + PixelOffset(n, oy, ox, a.oh, a.ow, a.c) + c);
      }
    }
  }
}

// A register of values from the four neighbours at v[2 * y + x].
template <class Tag, class F32 = typename S8<Tag>::F32>
QRUN_INLINE F32 ResizeLanes(const int8_t* const (&v)[4], F32 wx, F32 wy) {
  using Ops = S8<Tag>;
  F32 f[4];
  Unroll<4>([&](auto j) QRUN_INLINE_LAMBDA { f[j.value] = Ops::ToF32(Ops::Widen(v[j.value])); });
  const F32 top = f[0] + (f[1] - f[0]) * wx;
  const F32 bottom = f[2] + (f[3] - f[2]) * wx;
  return top + (bottom - top) * wy;
}

// One output pixel of `count` channels from its four neighbours v[2 * y + x].
template <class Tag>
void ResizePixel(const int8_t* const (&v)[4], float row_w1, float col_w1, int8_t* dst, int count) {
  using Ops = S8<Tag>;
  using F32 = typename Ops::F32;
  const Requantizer<Tag> requantizer(0, -128, 127);
  const F32 wy(row_w1), wx(col_w1);
  const auto whole = [&](const int8_t* const(&p)[4]) QRUN_INLINE_LAMBDA {
    const auto value = [&](auto i) QRUN_INLINE_LAMBDA {
      constexpr int kFirst = i.value * Ops::kLanes;
      return ResizeLanes<Tag>({p[0] + kFirst, p[1] + kFirst, p[2] + kFirst, p[3] + kFirst}, wx, wy);
    };
    return requantizer.InOrder(value(Index<0>{}), value(Index<1>{}), value(Index<2>{}), value(Index<3>{}));
  };
  int c = 0;
  for (; count - c >= Ops::kBytes; c += Ops::kBytes) {
    const int8_t* const p[4] = {v[0] + c, v[1] + c, v[2] + c, v[3] + c};
    Ops::StoreBytes(dst + c, whole(p));
  }
  if (c < count) {
    alignas(64) int8_t part[4][Ops::kBytes];
    for (int j = 0; j < 4; ++j) Ops::StoreBytes(part[j], Ops::LoadBytesPart(v[j] + c, count - c));
    const int8_t* const p[4] = {part[0], part[1], part[2], part[3]};
    Ops::template StorePartOf<0, 1>(dst + c, whole(p), count - c);
  }
}

template <class Tag>
void ResizePixel(const float* const (&v)[4], float row_w1, float col_w1, float* dst, int count) {
  using F32 = xsimd::batch<float, typename Tag::simd>;
  constexpr int kLanes = static_cast<int>(F32::size);
  const F32 wy(row_w1), wx(col_w1);
  int c = 0;
  for (; count - c >= kLanes; c += kLanes) {
    F32 f[4];
    Unroll<4>([&](auto j) QRUN_INLINE_LAMBDA { f[j.value] = F32::load_unaligned(v[j.value] + c); });
    const F32 top = f[0] + (f[1] - f[0]) * wx;
    const F32 bottom = f[2] + (f[3] - f[2]) * wx;
    (top + (bottom - top) * wy).store_unaligned(dst + c);
  }
  for (; c < count; ++c) {
    dst[c] =
        Interpolate(Interpolate(v[0][c], v[1][c], col_w1), Interpolate(v[2][c], v[3][c], col_w1), row_w1);
  }
}

// Pixels of so few channels that a register holds several. The bytes of a register are gathered one by one,
// from where the taps of its columns lie in any row.
template <class Tag>
void ResizeNarrow(const ResizeS8Args& a, int begin, int end) {
  using Ops = S8<Tag>;
  using F32 = typename Ops::F32;
  constexpr int kBytes = Ops::kBytes;
  const Requantizer<Tag> requantizer(0, -128, 127);
  const int row_bytes = a.ow * a.c;
  for (int at = 0; at < row_bytes; at += kBytes) {
    const int count = row_bytes - at < kBytes ? row_bytes - at : kBytes;
    int left[kBytes] = {}, right[kBytes] = {};
    alignas(64) float w1[kBytes] = {};
    for (int i = 0; i < count; ++i) {
      const ResizeTap& x = a.cols[(at + i) / a.c];
      const int channel = (at + i) % a.c;
      left[i] = x.i0 * a.c + channel;
      right[i] = x.i1 * a.c + channel;
      w1[i] = x.w1;
    }
    for (int row = begin; row < end; ++row) {
      const int n = row / a.oh, oy = row % a.oh;
      const ResizeTap& y = a.rows[oy];
      const int8_t* top = a.src + PixelOffset(n, y.i0, 0, a.ih, a.iw, a.c);
      const int8_t* bottom = a.src + PixelOffset(n, y.i1, 0, a.ih, a.iw, a.c);
      alignas(64) int8_t v[4][kBytes];
      for (int i = 0; i < kBytes; ++i) {
        v[0][i] = top[left[i]];
        v[1][i] = top[right[i]];
        v[2][i] = bottom[left[i]];
        v[3][i] = bottom[right[i]];
      }
      const F32 wy(y.w1);
      const auto value = [&](auto i) QRUN_INLINE_LAMBDA {
        constexpr int kFirst = i.value * Ops::kLanes;
        const F32 wx = F32::load_unaligned(w1 + kFirst);
        return ResizeLanes<Tag>({v[0] + kFirst, v[1] + kFirst, v[2] + kFirst, v[3] + kFirst}, wx, wy);
      };
      const auto bytes =
          requantizer.InOrder(value(Index<0>{}), value(Index<1>{}), value(Index<2>{}), value(Index<3>{}));
      int8_t* dst = a.dst + PixelOffset(n, oy, 0, a.oh, a.ow, a.c) + at;
      if (count == kBytes) {
        Ops::StoreBytes(dst, bytes);
      } else {
        Ops::template StorePartOf<0, 1>(dst, bytes, count);
      }
    }
  }
}

// Channels below which gathering costs less than a register for every pixel: AVX-512 loads and stores parts
// of registers as fast as whole ones.
template <class Tag>
constexpr int kNarrow = S8<Tag>::kBytes == 64 ? 16 : S8<Tag>::kBytes;

// Whether any tap has two sides; else all pixels are copies.
inline bool Blends(const ResizeS8Args& a) {
  for (int i = 0; i < a.oh; ++i) {
    if (a.rows[i].w1 != 0.0f) return true;
  }
  for (int i = 0; i < a.ow; ++i) {
    if (a.cols[i].w1 != 0.0f) return true;
  }
  return false;
}

template <class Tag, class Args>
void Resize(const Args& a, int begin, int end) noexcept {
  if constexpr (Tag::kScalar) {
    ResizeReference(a, begin, end);
  } else {
    if constexpr (sizeof(*a.src) == 1) {
      if (a.c < kNarrow<Tag> && Blends(a)) return ResizeNarrow<Tag>(a, begin, end);
    }
    for (int row = begin; row < end; ++row) {
      const int n = row / a.oh, oy = row % a.oh;
      const ResizeTap& y = a.rows[oy];
      const auto* top = a.src + PixelOffset(n, y.i0, 0, a.ih, a.iw, a.c);
      const auto* bottom = a.src + PixelOffset(n, y.i1, 0, a.ih, a.iw, a.c);
      auto* dst = a.dst + PixelOffset(n, oy, 0, a.oh, a.ow, a.c);
      for (int ox = 0; ox < a.ow; ++ox, dst += a.c) {
        const ResizeTap& x = a.cols[ox];
        const ptrdiff_t left = static_cast<ptrdiff_t>(x.i0) * a.c, right = static_cast<ptrdiff_t>(x.i1) * a.c;
        if (x.w1 == 0.0f && y.w1 == 0.0f) {  // the formula gives v[0][0] exactly
          CopyBytes(dst, top + left, a.c * static_cast<ptrdiff_t>(sizeof(*dst)));
        } else {
          ResizePixel<Tag>({top + left, top + right, bottom + left, bottom + right}, y.w1, x.w1, dst, a.c);
        }
      }
    }
  }
}

template <class Tag>
void resize_s8(const ResizeS8Args& args, int begin, int end, std::byte*) noexcept {
  Resize<Tag>(args, begin, end);
}

template <class Tag>
void resize_f32(const ResizeF32Args& args, int begin, int end, std::byte*) noexcept {
  Resize<Tag>(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_RESIZE_INL_H_
