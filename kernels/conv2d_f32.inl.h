// conv2d_f32: convolution with groups; see ConvF32Args. The order of the sum, and whether it is fused, is not
// specified.
#ifndef QRUN_KERNELS_CONV2D_F32_INL_H_
#define QRUN_KERNELS_CONV2D_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

inline constexpr ConvF32Packing kScalarConvF32Packing{1};

// On weights packed for kScalarConvF32Packing, i.e. OHWI.
inline void Conv2dF32Reference(const ConvF32Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  const int icg = a.ic / a.groups, ocg = a.oc / a.groups;
  for (int row = begin; row < end; ++row) {
    const int n = row / w.oh, oy = row % w.oh;
    for (int ox = 0; ox < w.ow; ++ox) {
      for (int oc = 0; oc < a.oc; ++oc) {
        float acc = a.bia[oc];
        for (int ky = 0; ky < w.kh; ++ky) {
          const int iy = InputRow(w, oy, ky);
          for (int kx = 0; kx < w.kw; ++kx) {
            const int ix = InputColumn(w, ox, kx);
            if (iy < 0 || ix < 0) continue;
            const float* src = a.src + PixelOffset(n, iy, ix, w.ih, w.iw, a.ic) + oc / ocg * icg;
            const float* wei = a.wei + (static_cast<ptrdiff_t>(oc) * w.kh * w.kw + ky * w.kw + kx) * icg;
            for (int ic = 0; ic < icg; ++ic) acc += src[ic] * wei[ic];
          }
        }
        a.dst[PixelOffset(n, oy, ox, w.oh, w.ow, a.oc) + oc] = ClampF32(acc, a.lo, a.hi);
      }
    }
  }
}

template <class Tag>
size_t conv2d_f32_scratch_bytes(const ConvF32Args&) noexcept {
  return 0;
}

template <class Tag>
void conv2d_f32(const ConvF32Args& args, int begin, int end, std::byte*) noexcept {
  Conv2dF32Reference(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CONV2D_F32_INL_H_
