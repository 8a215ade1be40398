// maxpool_s8 and avgpool_s8: pooling over NHWC int8; see PoolS8Args. Exact. A window that covers no pixel
// gives lo (maximum) or the clamped zero point (average).
#ifndef QRUN_KERNELS_POOL_S8_INL_H_
#define QRUN_KERNELS_POOL_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

inline void MaxPoolS8Reference(const PoolS8Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  for (int row = begin; row < end; ++row) {
    const int n = row / w.oh, oy = row % w.oh;
    for (int ox = 0; ox < w.ow; ++ox) {
      for (int c = 0; c < a.c; ++c) {
        int max = a.lo;
        for (int ky = 0; ky < w.kh; ++ky) {
          const int iy = InputRow(w, oy, ky);
          for (int kx = 0; kx < w.kw; ++kx) {
            const int ix = InputColumn(w, ox, kx);
            if (iy < 0 || ix < 0) continue;
            const int src = a.src[PixelOffset(n, iy, ix, w.ih, w.iw, a.c) + c];
            max = src > max ? src : max;
          }
        }
        a.dst[PixelOffset(n, oy, ox, w.oh, w.ow, a.c) + c] = static_cast<int8_t>(max < a.hi ? max : a.hi);
      }
    }
  }
}

inline void AveragePoolS8Reference(const PoolS8Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  for (int row = begin; row < end; ++row) {
    const int n = row / w.oh, oy = row % w.oh;
    for (int ox = 0; ox < w.ow; ++ox) {
      const PoolSpan y =
          SpanInside(oy * w.stride_h - w.pad_top, w.kh, w.ih, a.pad_bottom, a.count_include_pad);
      const PoolSpan x =
          SpanInside(ox * w.stride_w - w.pad_left, w.kw, w.iw, a.pad_right, a.count_include_pad);
      const float scale = a.scale / static_cast<float>(y.count * x.count > 0 ? y.count * x.count : 1);
      for (int c = 0; c < a.c; ++c) {
        int32_t sum = 0;
        for (int iy = y.begin; iy < y.end; ++iy) {
          for (int ix = x.begin; ix < x.end; ++ix) {
            sum += a.src[PixelOffset(n, iy, ix, w.ih, w.iw, a.c) + c] - a.src_zp;
          }
        }
        a.dst[PixelOffset(n, oy, ox, w.oh, w.ow, a.c) + c] = Requantize(sum, scale, a.dst_zp, a.lo, a.hi);
      }
    }
  }
}

template <class Tag>
void maxpool_s8(const PoolS8Args& args, int begin, int end, std::byte*) noexcept {
  MaxPoolS8Reference(args, begin, end);
}

template <class Tag>
void avgpool_s8(const PoolS8Args& args, int begin, int end, std::byte*) noexcept {
  AveragePoolS8Reference(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_POOL_S8_INL_H_
