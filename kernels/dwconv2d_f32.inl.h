// dwconv2d_f32: depthwise convolution; see DwConvF32Args. The order of the sum, and whether it is fused, is
// not specified.
#ifndef QRUN_KERNELS_DWCONV2D_F32_INL_H_
#define QRUN_KERNELS_DWCONV2D_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

inline void DwConv2dF32Reference(const DwConvF32Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  for (int row = begin; row < end; ++row) {
    const int n = row / w.oh, oy = row % w.oh;
    for (int ox = 0; ox < w.ow; ++ox) {
      for (int c = 0; c < a.c; ++c) {
        float acc = a.bia[c];
        for (int ky = 0; ky < w.kh; ++ky) {
          const int iy = InputRow(w, oy, ky);
          for (int kx = 0; kx < w.kw; ++kx) {
            const int ix = InputColumn(w, ox, kx);
            if (iy < 0 || ix < 0) continue;
            acc += a.src[PixelOffset(n, iy, ix, w.ih, w.iw, a.c) + c] *
                   a.wei[static_cast<ptrdiff_t>(ky * w.kw + kx) * a.c_padded + c];
          }
        }
        a.dst[PixelOffset(n, oy, ox, w.oh, w.ow, a.c) + c] = ClampF32(acc, a.lo, a.hi);
      }
    }
  }
}

template <class Tag>
void dwconv2d_f32(const DwConvF32Args& args, int begin, int end, std::byte*) noexcept {
  DwConv2dF32Reference(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DWCONV2D_F32_INL_H_
