// maxpool_f32 and avgpool_f32: pooling over NHWC float; see PoolF32Args, and PoolS8Args for what a window
// covers. A window that covers no pixel gives lo (maximum) or the clamped zero (average).
#ifndef QRUN_KERNELS_POOL_F32_INL_H_
#define QRUN_KERNELS_POOL_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/binary_f32.inl.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

inline void MaxPoolF32Reference(const PoolF32Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  for (int row = begin; row < end; ++row) {
    const int n = row / w.oh, oy = row % w.oh;
    for (int ox = 0; ox < w.ow; ++ox) {
      for (int c = 0; c < a.c; ++c) {
        float max = a.lo;
        for (int ky = 0; ky < w.kh; ++ky) {
          const int iy = InputRow(w, oy, ky);
          for (int kx = 0; kx < w.kw; ++kx) {
            const int ix = InputColumn(w, ox, kx);
            if (iy < 0 || ix < 0) continue;
            const float src = a.src[PixelOffset(n, iy, ix, w.ih, w.iw, a.c) + c];
            max = src > max ? src : max;
          }
        }
        a.dst[PixelOffset(n, oy, ox, w.oh, w.ow, a.c) + c] = max < a.hi ? max : a.hi;
      }
    }
  }
}

inline void AveragePoolF32Reference(const PoolF32Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  for (int row = begin; row < end; ++row) {
    const int n = row / w.oh, oy = row % w.oh;
    for (int ox = 0; ox < w.ow; ++ox) {
      const PoolSpan y =
          SpanInside(oy * w.stride_h - w.pad_top, w.kh, w.ih, a.pad_bottom, a.count_include_pad);
      const PoolSpan x =
          SpanInside(ox * w.stride_w - w.pad_left, w.kw, w.iw, a.pad_right, a.count_include_pad);
      const float scale = 1.0f / static_cast<float>(y.count * x.count > 0 ? y.count * x.count : 1);
      for (int c = 0; c < a.c; ++c) {
        float sum = 0;
        for (int iy = y.begin; iy < y.end; ++iy) {
          for (int ix = x.begin; ix < x.end; ++ix) sum += a.src[PixelOffset(n, iy, ix, w.ih, w.iw, a.c) + c];
        }
        a.dst[PixelOffset(n, oy, ox, w.oh, w.ow, a.c) + c] = ClampF32(sum * scale, a.lo, a.hi);
      }
    }
  }
}

// The channels [c, c + lanes of Reg) of one output pixel; Reg is a batch or, for the last few channels, a
// float.
template <class Reg, bool kAverage>
QRUN_INLINE Reg PoolF32Block(const PoolF32Args& a, int n, int oy, int ox, const PoolSpan& y,
                             const PoolSpan& x, float scale, int c) {
  const Window& w = a.window;
  const auto load = [](const float* p) QRUN_INLINE_LAMBDA {
    if constexpr (sizeof(Reg) == sizeof(float)) {
      return *p;
    } else {
      return Reg::load_unaligned(p);
    }
  };
  if constexpr (kAverage) {
    Reg sum(0.0f);
    for (int iy = y.begin; iy < y.end; ++iy) {
      for (int ix = x.begin; ix < x.end; ++ix)
        sum = sum + load(a.src + PixelOffset(n, iy, ix, w.ih, w.iw, a.c) + c);
    }
    return ClampF32(Reg(sum * Reg(scale)), Reg(a.lo), Reg(a.hi));
  } else {
    Reg max(a.lo);
    for (int ky = 0; ky < w.kh; ++ky) {
      const int iy = InputRow(w, oy, ky);
      for (int kx = 0; kx < w.kw && iy >= 0; ++kx) {
        const int ix = InputColumn(w, ox, kx);
        if (ix >= 0) max = MaxOp::Apply(load(a.src + PixelOffset(n, iy, ix, w.ih, w.iw, a.c) + c), max);
      }
    }
    return MinOp::Apply(max, Reg(a.hi));
  }
}

template <class Tag, bool kAverage>
void PoolF32(const PoolF32Args& a, int begin, int end) noexcept {
  if constexpr (Tag::kScalar) {
    if constexpr (kAverage) {
      AveragePoolF32Reference(a, begin, end);
    } else {
      MaxPoolF32Reference(a, begin, end);
    }
  } else {
    using Reg = xsimd::batch<float, typename Tag::simd>;
    constexpr int kLanes = static_cast<int>(Reg::size);
    const Window& w = a.window;
    for (int row = begin; row < end; ++row) {
      const int n = row / w.oh, oy = row % w.oh;
      const PoolSpan y =
          SpanInside(oy * w.stride_h - w.pad_top, w.kh, w.ih, a.pad_bottom, a.count_include_pad);
      for (int ox = 0; ox < w.ow; ++ox) {
        const PoolSpan x =
            SpanInside(ox * w.stride_w - w.pad_left, w.kw, w.iw, a.pad_right, a.count_include_pad);
        const float scale = 1.0f / static_cast<float>(y.count * x.count > 0 ? y.count * x.count : 1);
        float* dst = a.dst + PixelOffset(n, oy, ox, w.oh, w.ow, a.c);
        int c = 0;
        for (; a.c - c >= kLanes; c += kLanes) {
          PoolF32Block<Reg, kAverage>(a, n, oy, ox, y, x, scale, c).store_unaligned(dst + c);
        }
        for (; c < a.c; ++c) dst[c] = PoolF32Block<float, kAverage>(a, n, oy, ox, y, x, scale, c);
      }
    }
  }
}

template <class Tag>
void maxpool_f32(const PoolF32Args& args, int begin, int end, std::byte*) noexcept {
  PoolF32<Tag, false>(args, begin, end);
}

template <class Tag>
void avgpool_f32(const PoolF32Args& args, int begin, int end, std::byte*) noexcept {
  PoolF32<Tag, true>(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_POOL_F32_INL_H_
