// conv2d_s8: convolution on int8 with per-channel requantisation and groups; see ConvS8Args for formula,
// layout and work item. Exact: sums wrap modulo 2^32, and the true sum fits int32 (the verifier proves it).
#ifndef QRUN_KERNELS_CONV2D_S8_INL_H_
#define QRUN_KERNELS_CONV2D_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/dot.inl.h"
#include "kernels/gemm.inl.h"
#include "kernels/gemm_s8.inl.h"
#include "kernels/im2col.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

// The specification, on weights packed with ConvPacking{1, 1, 0}, i.e. OHWI.
inline void Conv2dS8Reference(const ConvS8Args& a, int begin, int end) noexcept {
  const Window& w = a.window;
  const int icg = a.ic / a.groups, ocg = a.oc / a.groups;
  for (int row = begin; row < end; ++row) {
    const int n = row / w.oh, oy = row % w.oh;
    for (int ox = 0; ox < w.ow; ++ox) {
      for (int oc = 0; oc < a.oc; ++oc) {
        const int8_t* wei = a.wei + static_cast<ptrdiff_t>(oc) * w.kh * w.kw * icg;
        uint32_t acc = static_cast<uint32_t>(a.bia[oc]);
        for (int ky = 0; ky < w.kh; ++ky) {
          const int iy = InputRow(w, oy, ky);
          for (int kx = 0; kx < w.kw; ++kx) {
            const int ix = InputColumn(w, ox, kx);
            const bool inside = iy >= 0 && ix >= 0;
            const ptrdiff_t offset = inside ? PixelOffset(n, iy, ix, w.ih, w.iw, a.ic) + oc / ocg * icg : 0;
            for (int ic = 0; ic < icg; ++ic) {
              const int src = inside ? a.src[offset + ic] : a.src_zp;
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
ChunkLayout ConvS8Layout(const ConvS8Args& args) {
  const Window& w = args.window;
  return ChunkLayout::Of<GemmMathS8<Tag>>(Patches::PatchBytes(w, args.ic / args.groups, S8<Tag>::kGroup),
                                          static_cast<ptrdiff_t>(w.n) * w.oh * w.ow);
}

template <class Tag>
size_t conv2d_s8_scratch_bytes(const ConvS8Args& args) noexcept {
  if constexpr (Tag::kScalar) {
    return 0;
  } else {
    return ConvS8Layout<Tag>(args).ScratchBytes();
  }
}

// The rows of a range are one run of pixels, cut into chunks; so small images fill the register tiles as
// well.
template <class Tag>
void Conv2dS8Simd(const ConvS8Args& args, int begin, int end, std::byte* scratch) noexcept {
  using Math = GemmMathS8<Tag>;
  const Window& w = args.window;
  const ChunkLayout layout = ConvS8Layout<Tag>(args);
  const int icg = args.ic / args.groups, ocg = args.oc / args.groups;
  const int blocks = (ocg + Math::kLanes - 1) / Math::kLanes;
  const int steps = w.kh * ((w.kw * icg + S8<Tag>::kGroup - 1) / S8<Tag>::kGroup);
  const ptrdiff_t group_wei = static_cast<ptrdiff_t>(blocks) * steps * Math::kWeiPerStep;
  const Requantizer<Tag> requantizer(args.dst_zp, args.lo, args.hi);
  const ptrdiff_t last = static_cast<ptrdiff_t>(end) * w.ow;
  for (ptrdiff_t first = static_cast<ptrdiff_t>(begin) * w.ow; first < last; first += layout.rows) {
    const int rows = static_cast<int>(last - first < layout.rows ? last - first : layout.rows);
    for (int g = 0; g < args.groups; ++g) {
      const Patches patches = {w,
                               reinterpret_cast<const std::byte*>(args.src),
                               args.ic,
                               g * icg,
                               icg,
                               static_cast<uint8_t>(args.src_zp),
                               S8<Tag>::kGroup};
      FillChunk<Math>(layout, patches, first, rows, scratch);
      const ptrdiff_t channel = static_cast<ptrdiff_t>(g) * blocks * Math::kLanes;
      const Gemm<Math> gemm = {{requantizer, args.scale + channel},
                               scratch,
                               static_cast<ptrdiff_t>(layout.rows) * kCellBytes,
                               rows,
                               steps,
                               args.wei + g * group_wei,
                               args.bia + channel,
                               args.dst + first * args.oc + g * ocg,
                               args.oc,
                               ocg};
      gemm.Run(0, blocks);
    }
  }
}

template <class Tag>
void conv2d_s8(const ConvS8Args& args, int begin, int end, std::byte* scratch) noexcept {
  if constexpr (Tag::kScalar) {
    Conv2dS8Reference(args, begin, end);
  } else {
    Conv2dS8Simd<Tag>(args, begin, end, scratch);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CONV2D_S8_INL_H_
