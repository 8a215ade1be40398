// conv2d_f32: convolution with groups; see ConvF32Args. The reference never fuses.
#ifndef QRUN_KERNELS_CONV2D_F32_INL_H_
#define QRUN_KERNELS_CONV2D_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/gemm.inl.h"
#include "kernels/gemm_f32.inl.h"
#include "kernels/im2col.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

// On weights packed with ConvF32Packing{1}, i.e. OHWI.
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
ChunkLayout ConvF32Layout(const ConvF32Args& args) {
  const Window& w = args.window;
  return ChunkLayout::Of<GemmMathF32<Tag, true>>(
      static_cast<ptrdiff_t>(w.kh) * w.kw * (args.ic / args.groups) * static_cast<ptrdiff_t>(sizeof(float)),
      static_cast<ptrdiff_t>(w.n) * w.oh * w.ow);
}

template <class Tag>
size_t conv2d_f32_scratch_bytes(const ConvF32Args& args) noexcept {
  if constexpr (Tag::kScalar) {
    return 0;
  } else {
    return ConvF32Layout<Tag>(args).ScratchBytes();
  }
}

// As Conv2dS8Simd.
template <class Tag, bool kFused>
void Conv2dF32Simd(const ConvF32Args& args, int begin, int end, std::byte* scratch) noexcept {
  using Math = GemmMathF32<Tag, kFused>;
  constexpr ptrdiff_t kBytes = sizeof(float);
  const Window& w = args.window;
  const ChunkLayout layout = ConvF32Layout<Tag>(args);
  const int icg = args.ic / args.groups, ocg = args.oc / args.groups;
  const int blocks = (ocg + Math::kLanes - 1) / Math::kLanes;
  const int steps = w.kh * w.kw * icg;
  const ptrdiff_t group_wei = static_cast<ptrdiff_t>(blocks) * steps * Math::kWeiPerStep;
  const ptrdiff_t last = static_cast<ptrdiff_t>(end) * w.ow;
  for (ptrdiff_t first = static_cast<ptrdiff_t>(begin) * w.ow; first < last; first += layout.rows) {
    const int rows = static_cast<int>(last - first < layout.rows ? last - first : layout.rows);
    for (int g = 0; g < args.groups; ++g) {
      const Patches patches = {w,
                               reinterpret_cast<const std::byte*>(args.src),
                               args.ic * kBytes,
                               g * icg * kBytes,
                               icg * kBytes,
                               0,
                               kBytes};
      FillChunk<Math>(layout, patches, first, rows, scratch);
      const Gemm<Math> gemm = {{args.lo, args.hi},
                               scratch,
                               static_cast<ptrdiff_t>(layout.rows) * kCellBytes,
                               rows,
                               steps,
                               args.wei + g * group_wei,
                               args.bia + static_cast<ptrdiff_t>(g) * blocks * Math::kLanes,
                               args.dst + first * args.oc + g * ocg,
                               args.oc,
                               ocg};
      gemm.Run(0, blocks);
    }
  }
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
