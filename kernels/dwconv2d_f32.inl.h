// dwconv2d_f32: depthwise convolution; see DwConvF32Args. The reference never fuses.
#ifndef QRUN_KERNELS_DWCONV2D_F32_INL_H_
#define QRUN_KERNELS_DWCONV2D_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/gemm_f32.inl.h"
#include "kernels/inline.inl.h"
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

// One output pixel for kRegs registers of channels from c on; kWhole: all of them exist.
template <class Tag, bool kFused, int kRegs, bool kWhole>
QRUN_INLINE void DwConv2dF32Block(const DwConvF32Args& a, int n, int oy, int ox, int c, float* dst) {
  using Math = GemmMathF32<Tag, kFused>;
  using Reg = typename Math::Reg;
  constexpr int kLanes = Math::kLanes;
  const Math math = {a.lo, a.hi};
  const Window& w = a.window;
  Reg acc[kRegs];
  Unroll<kRegs>([&](auto i)
                    QRUN_INLINE_LAMBDA { acc[i.value] = Math::LoadBia(a.bia + c + i.value * kLanes); });
  for (int ky = 0; ky < w.kh; ++ky) {
    const int iy = InputRow(w, oy, ky);
    if (iy < 0) continue;
    for (int kx = 0; kx < w.kw; ++kx) {
      const int ix = InputColumn(w, ox, kx);
      if (ix < 0) continue;
      const float* src = a.src + PixelOffset(n, iy, ix, w.ih, w.iw, a.c) + c;
      const float* wei = a.wei + static_cast<ptrdiff_t>(ky * w.kw + kx) * a.c_padded + c;
      float part[kLanes] = {};
      if constexpr (!kWhole) {
        for (int i = 0; i < a.c - c; ++i) part[i] = src[i];
        src = part;
      }
      Unroll<kRegs>([&](auto i) QRUN_INLINE_LAMBDA {
        Math::MulAdd(acc[i.value], Reg::load_unaligned(src + i.value * kLanes),
                     Math::LoadWei(wei + i.value * kLanes));
      });
    }
  }
  math.template Store<1, kRegs>(acc, 0, RowsAt<float>{dst + c, 0}, 1, kWhole ? kRegs * kLanes : a.c - c);
}

template <class Tag, bool kFused>
void DwConv2dF32Simd(const DwConvF32Args& a, int begin, int end) noexcept {
  constexpr int kLanes = GemmMathF32<Tag, kFused>::kLanes;
  const Window& w = a.window;
  for (int row = begin; row < end; ++row) {
    const int n = row / w.oh, oy = row % w.oh;
    for (int ox = 0; ox < w.ow; ++ox) {
      float* dst = a.dst + PixelOffset(n, oy, ox, w.oh, w.ow, a.c);
      int c = 0;
      for (; a.c - c >= 4 * kLanes; c += 4 * kLanes)
        DwConv2dF32Block<Tag, kFused, 4, true>(a, n, oy, ox, c, dst);
      for (; a.c - c >= kLanes; c += kLanes) DwConv2dF32Block<Tag, kFused, 1, true>(a, n, oy, ox, c, dst);
      if (c < a.c) DwConv2dF32Block<Tag, kFused, 1, false>(a, n, oy, ox, c, dst);
    }
  }
}

template <class Tag>
void dwconv2d_f32(const DwConvF32Args& args, int begin, int end, std::byte*) noexcept {
  if constexpr (Tag::kScalar) {
    DwConv2dF32Reference(args, begin, end);
  } else if (args.fused) {
    DwConv2dF32Simd<Tag, true>(args, begin, end);
  } else {
    DwConv2dF32Simd<Tag, false>(args, begin, end);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DWCONV2D_F32_INL_H_
