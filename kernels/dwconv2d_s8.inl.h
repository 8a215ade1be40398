// dwconv2d_s8: depthwise convolution on int8, one filter per channel; see DwConvS8Args. Exact: sums wrap
// modulo 2^32, and the true sum fits int32.
#ifndef QRUN_KERNELS_DWCONV2D_S8_INL_H_
#define QRUN_KERNELS_DWCONV2D_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

inline void DwConv2dS8Reference(const DwConvS8Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  for (int row = begin; row < end; ++row) {
    const int n = row / w.oh, oy = row % w.oh;
    for (int ox = 0; ox < w.ow; ++ox) {
      for (int c = 0; c < a.c; ++c) {
        uint32_t acc = static_cast<uint32_t>(a.bia[c]);
        for (int ky = 0; ky < w.kh; ++ky) {
          const int iy = InputRow(w, oy, ky);
          for (int kx = 0; kx < w.kw; ++kx) {
            const int ix = InputColumn(w, ox, kx);
            const bool inside = iy >= 0 && ix >= 0;
            const int src = inside ? a.src[PixelOffset(n, iy, ix, w.ih, w.iw, a.c) + c] : a.src_zp;
            acc +=
                static_cast<uint32_t>(src * a.wei[static_cast<ptrdiff_t>(ky * w.kw + kx) * a.c_padded + c]);
          }
        }
        a.dst[PixelOffset(n, oy, ox, w.oh, w.ow, a.c) + c] =
            Requantize(static_cast<int32_t>(acc), a.scale[c], a.dst_zp, a.lo, a.hi);
      }
    }
  }
}

template <class Tag>
size_t dwconv2d_s8_scratch_bytes(const DwConvS8Args&) noexcept {
  return 0;
}

template <class Tag>
void dwconv2d_s8(const DwConvS8Args& args, int begin, int end, std::byte*) noexcept {
  DwConv2dS8Reference(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DWCONV2D_S8_INL_H_
