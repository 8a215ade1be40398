// conv2d_f32: convolution with groups; see ConvF32Args. The reference never fuses.
#ifndef QRUN_KERNELS_CONV2D_F32_INL_H_
#define QRUN_KERNELS_CONV2D_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/convolution.inl.h"
#include "kernels/gemm_f32.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

// On weights packed with ConvF32Packing{1}, i.e. OHWI.
inline void Conv2dF32Reference(const ConvF32Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  const int icg = a.ic / a.groups, ocg = a.oc / a.groups;
  for (int item = begin; item < end; ++item) {
    const int part = item / (w.n * w.oh), row = item % (w.n * w.oh);
    const int n = row / w.oh, oy = row % w.oh;
    const int first = PartBegin(a.oc, part, a.parts), last = PartBegin(a.oc, part + 1, a.parts);
    for (int ox = 0; ox < w.ow; ++ox) {
      for (int oc = first; oc < last; ++oc) {
        float acc = a.bia[oc];
        for (int ky = 0; ky < w.kh; ++ky) {
          const int iy = InputRow(w, oy, ky);
          for (int kx = 0; kx < w.kw; ++kx) {
            const int ix = InputColumn(w, ox, kx);
            const bool inside = iy >= 0 && ix >= 0;
            if (!inside && a.pad_values == nullptr) continue;
            const float* pixel = inside ? a.src + PixelOffset(n, iy, ix, w.ih, w.iw, a.ic) : a.pad_values;
            const float* src = pixel + oc / ocg * icg;
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
size_t conv2d_f32_scratch_bytes(const ConvF32Args& args) noexcept {
  if constexpr (Tag::kScalar) {
    return 0;
  } else {
    return Convolution<GemmMathF32<Tag, true>, ConvF32Args>{args}.ScratchBytes();
  }
}

template <class Tag, bool kFused>
void Conv2dF32Simd(const ConvF32Args& args, int begin, int end, std::byte* scratch) noexcept {
  using Math = GemmMathF32<Tag, kFused>;
  const Convolution<Math, ConvF32Args> convolution{args};
  const PaddingPixel padding = {0, reinterpret_cast<const std::byte*>(args.pad_values)};
  convolution.Run(padding, begin, end, scratch, [&](ptrdiff_t) { return Math{args.lo, args.hi}; });
}

template <class Tag>
void conv2d_f32(const ConvF32Args& args, int begin, int end, std::byte* scratch) noexcept {
  if constexpr (Tag::kScalar) {
    Conv2dF32Reference(args, begin, end);
  } else if (args.fused) {
    Conv2dF32Simd<Tag, true>(args, begin, end, scratch);
  } else {
    Conv2dF32Simd<Tag, false>(args, begin, end, scratch);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CONV2D_F32_INL_H_
