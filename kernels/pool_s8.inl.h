// maxpool_s8 and avgpool_s8: pooling over NHWC int8; see PoolS8Args. Exact. A window that covers no pixel
// gives lo (maximum) or the clamped zero point (average).
#ifndef QRUN_KERNELS_POOL_S8_INL_H_
#define QRUN_KERNELS_POOL_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/dot.inl.h"
#include "kernels/inline.inl.h"
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

// Channels in blocks of a register. A last block that is not full is moved back to end at the last channel,
// which writes some bytes twice; only tensors narrower than a register need loads and stores of parts.
template <class Tag>
struct PoolS8 {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;
  using Bytes = typename Ops::Bytes;

  const PoolS8Args& args;
  const Window& w = args.window;
  const Requantizer<Tag> requantizer{args.dst_zp, args.lo, args.hi};

  const int8_t* Pixel(int n, int iy, int ix) const {
    return args.src + PixelOffset(n, iy, ix, w.ih, w.iw, args.c);
  }

  // block(c, Index<1>) for every block that is a whole register, or block(0, Index<0>) if no register fits.
  template <class Block>
  QRUN_INLINE void Blocks(Block&& block) const {
    if (args.c < Ops::kBytes) {
      block(0, Index<0>{});
      return;
    }
    for (int c = 0; c < args.c; c += Ops::kBytes) {
      block(c < args.c - Ops::kBytes ? c : args.c - Ops::kBytes, Index<1>{});
    }
  }
  template <int kWhole>
  QRUN_INLINE void Store(int8_t* dst, Bytes v) const {
    if constexpr (kWhole) {
      Ops::StoreBytes(dst, v);
    } else {
      Ops::template StorePartOf<0, 1>(dst, v, args.c);
    }
  }

  void MaxPixel(int n, int oy, int ox, int8_t* dst) const {
    Blocks([&](int c, auto whole) QRUN_INLINE_LAMBDA {
      Bytes max = requantizer.lo;
      for (int ky = 0; ky < w.kh; ++ky) {
        const int iy = InputRow(w, oy, ky);
        if (iy < 0) continue;
        for (int kx = 0; kx < w.kw; ++kx) {
          const int ix = InputColumn(w, ox, kx);
          if (ix < 0) continue;
          const int8_t* src = Pixel(n, iy, ix) + c;
          if constexpr (whole.value) {
            max = Ops::MaxBytes(max, Ops::LoadBytes(src));
          } else {
            max = Ops::MaxBytes(max, Ops::LoadBytesPart(src, args.c));
          }
        }
      }
      Store<whole.value>(dst + c, Ops::MinBytes(max, requantizer.hi));
    });
  }

  void AveragePixel(int n, const PoolSpan& y, const PoolSpan& x, int8_t* dst) const {
    const int count = y.count * x.count;
    const F32 scale(args.scale / static_cast<float>(count > 0 ? count : 1));
    const int inside = (y.end > y.begin ? y.end - y.begin : 0) * (x.end > x.begin ? x.end - x.begin : 0);
    Blocks([&](int c, auto whole) QRUN_INLINE_LAMBDA {
      I32 acc[4];
      Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA { acc[i.value] = Ops::SetI32(-inside * args.src_zp); });
      for (int iy = y.begin; iy < y.end; ++iy) {
        const int8_t* src = Pixel(n, iy, x.begin) + c;
        for (int ix = x.begin; ix < x.end; ++ix, src += args.c) {
          const int8_t* p = src;
          alignas(64) int8_t part[Ops::kBytes];
          if constexpr (!whole.value) {
            Ops::StoreBytes(part, Ops::LoadBytesPart(src, args.c));
            p = part;
          }
          Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA {
            acc[i.value] = Ops::AddI32(acc[i.value], Ops::Widen(p + i.value * Ops::kLanes));
          });
        }
      }
      Store<whole.value>(dst + c,
                         requantizer.InOrder(Ops::ToF32(acc[0]) * scale, Ops::ToF32(acc[1]) * scale,
                                             Ops::ToF32(acc[2]) * scale, Ops::ToF32(acc[3]) * scale));
    });
  }
};

template <class Tag>
void maxpool_s8(const PoolS8Args& args, int begin, int end, std::byte*) noexcept {
  if constexpr (Tag::kScalar) {
    MaxPoolS8Reference(args, begin, end);
  } else {
    const PoolS8<Tag> pool{args};
    const Window& w = args.window;
    for (int row = begin; row < end; ++row) {
      const int n = row / w.oh, oy = row % w.oh;
      for (int ox = 0; ox < w.ow; ++ox) {
        pool.MaxPixel(n, oy, ox, args.dst + PixelOffset(n, oy, ox, w.oh, w.ow, args.c));
      }
    }
  }
}

template <class Tag>
void avgpool_s8(const PoolS8Args& args, int begin, int end, std::byte*) noexcept {
  if constexpr (Tag::kScalar) {
    AveragePoolS8Reference(args, begin, end);
  } else {
    const PoolS8<Tag> pool{args};
    const Window& w = args.window;
    for (int row = begin; row < end; ++row) {
      const int n = row / w.oh, oy = row % w.oh;
      const PoolSpan y =
          SpanInside(oy * w.stride_h - w.pad_top, w.kh, w.ih, args.pad_bottom, args.count_include_pad);
      for (int ox = 0; ox < w.ow; ++ox) {
        const PoolSpan x =
            SpanInside(ox * w.stride_w - w.pad_left, w.kw, w.iw, args.pad_right, args.count_include_pad);
        pool.AveragePixel(n, y, x, args.dst + PixelOffset(n, oy, ox, w.oh, w.ow, args.c));
      }
    }
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_POOL_S8_INL_H_
