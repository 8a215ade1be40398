// conv2d_s8: convolution on int8 with per-channel requantisation and groups; see ConvS8Args for formula,
// layout and work item. Exact: sums wrap modulo 2^32, and the true sum fits int32 (the verifier proves it).
#ifndef QRUN_KERNELS_CONV2D_S8_INL_H_
#define QRUN_KERNELS_CONV2D_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/convolution.inl.h"
#include "kernels/gemm_s8.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

// The specification, on weights packed with ConvPacking{1, 1, 0}, i.e. OHWI.
inline void Conv2dS8Reference(const ConvS8Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  const int icg = a.ic / a.groups, ocg = a.oc / a.groups;
  for (int item = begin; item < end; ++item) {
    const int part = item / (w.n * w.oh), row = item % (w.n * w.oh);
    const int n = row / w.oh, oy = row % w.oh;
    const int first = PartBegin(a.oc, part, a.parts), last = PartBegin(a.oc, part + 1, a.parts);
    for (int ox = 0; ox < w.ow; ++ox) {
      for (int oc = first; oc < last; ++oc) {
        const int8_t* wei = a.wei + static_cast<ptrdiff_t>(oc) * w.kh * w.kw * icg;
        uint32_t acc = static_cast<uint32_t>(a.bia[oc]);
        for (int ky = 0; ky < w.kh; ++ky) {
          const int iy = InputRow(w, oy, ky);
          for (int kx = 0; kx < w.kw; ++kx) {
            const int ix = InputColumn(w, ox, kx);
            const bool inside = iy >= 0 && ix >= 0;
            const ptrdiff_t offset = inside ? PixelOffset(n, iy, ix, w.ih, w.iw, a.ic) + oc / ocg * icg : 0;
            const int8_t* pad_values = a.pad_values == nullptr ? nullptr : a.pad_values + oc / ocg * icg;
            for (int ic = 0; ic < icg; ++ic) {
              const int padding = pad_values == nullptr ? a.src_zp : pad_values[ic];
              const int src = inside ? a.src[offset + ic] : padding;
              acc += static_cast<uint32_t>(src * *wei++);
            }
          }
        }
        a.dst[PixelOffset(n, oy, ox, w.oh, w.ow, a.oc) + oc] =
            Requantize(static_cast<int32_t>(acc), a.scale[oc], a.dst_zp, a.lo, a.hi);
      }
    }
  }
}

template <class Tag>
size_t conv2d_s8_scratch_bytes(const ConvS8Args& args) noexcept {
  if constexpr (Tag::kScalar) {
    return 0;
  } else {
    return Convolution<GemmMathS8<Tag>, ConvS8Args>{args}.ScratchBytes();
  }
}

template <class Tag>
void conv2d_s8(const ConvS8Args& args, int begin, int end, std::byte* scratch) noexcept {
  if constexpr (Tag::kScalar) {
    Conv2dS8Reference(args, begin, end);
  } else {
    const Requantizer<Tag> requantizer(args.dst_zp, args.lo, args.hi);
    const Convolution<GemmMathS8<Tag>, ConvS8Args> convolution{args};
    const PaddingPixel padding = {static_cast<uint8_t>(args.src_zp),
                                  reinterpret_cast<const std::byte*>(args.pad_values)};
    convolution.Run(padding, begin, end, scratch, [&](ptrdiff_t channel) {
      return GemmMathS8<Tag>{requantizer, args.scale + channel};
    });
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CONV2D_S8_INL_H_
