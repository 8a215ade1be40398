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
// which writes some bytes twice. Tensors narrower than a register are read and written beyond their pixels,
// as far as src and the range of rows reach: what a pixel's store spoils behind it, the next pixels write
// after.
template <class Tag>
struct PoolS8 {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;
  using Bytes = typename Ops::Bytes;

  const PoolS8Args& args;
  const int8_t* dst_end;  // of the rows that may be written
  const Window& w = args.window;
  const Requantizer<Tag> requantizer{args.dst_zp, args.lo, args.hi};
  const int8_t* src_end = args.src + PixelOffset(w.n, 0, 0, w.ih, w.iw, args.c);

  QRUN_INLINE PoolS8(const PoolS8Args& pool, int end)
      : args(pool), dst_end(pool.dst + PixelOffset(end, 0, 0, 1, pool.window.ow, pool.c)) {}

  const int8_t* Pixel(int n, int iy, int ix) const {
    return args.src + PixelOffset(n, iy, ix, w.ih, w.iw, args.c);
  }

  // block(c, Index<r>) for every block of r registers; r = 0: of less than one.
  template <class Block>
  QRUN_INLINE void Blocks(Block&& block) const {
    constexpr int kFour = 4 * Ops::kBytes;
    if (args.c < Ops::kBytes) {
      block(0, Index<0>{});
      return;
    }
    int c = 0;
    for (; args.c - c >= kFour; c += kFour) block(c, Index<4>{});
    for (; c < args.c; c += Ops::kBytes) {
      block(c < args.c - Ops::kBytes ? c : args.c - Ops::kBytes, Index<1>{});
    }
  }
  // A whole register, of which fewer bytes than a register may be channels of the pixel.
  template <int kRegisters>
  QRUN_INLINE Bytes Load(const int8_t* src) const {
    if (kRegisters > 0 || src_end - src >= Ops::kBytes) return Ops::LoadBytes(src);
    return Ops::LoadBytesPart(src, args.c);
  }
  template <int kRegisters>
  QRUN_INLINE void Store(int8_t* dst, Bytes v) const {
    if (kRegisters > 0 || dst_end - dst >= Ops::kBytes) {
      Ops::StoreBytes(dst, v);
    } else {
      Ops::template StorePartOf<0, 1>(dst, v, args.c);
    }
  }

  void MaxPixel(int n, const TapsInside& y, const TapsInside& x, int8_t* dst) const {
    const int8_t* first = Pixel(n, y.first, x.first);
    const ptrdiff_t row_step = PixelOffset(0, y.step, 0, w.ih, w.iw, args.c);
    const ptrdiff_t column_step = static_cast<ptrdiff_t>(x.step) * args.c;
    Blocks([&](int c, auto registers) QRUN_INLINE_LAMBDA {
      constexpr int kRegisters = registers.value, kHeld = kRegisters > 0 ? kRegisters : 1;
      Bytes max[kHeld];
      Unroll<kHeld>([&](auto r) QRUN_INLINE_LAMBDA { max[r.value] = requantizer.lo; });
      const int8_t* row = first + c;
      for (int ky = 0; ky < y.count; ++ky, row += row_step) {
        const int8_t* src = row;
        for (int kx = 0; kx < x.count; ++kx, src += column_step) {
          Unroll<kHeld>([&](auto r) QRUN_INLINE_LAMBDA {
            max[r.value] = Ops::MaxBytes(max[r.value], Load<kRegisters>(src + r.value * Ops::kBytes));
          });
        }
      }
      Unroll<kHeld>([&](auto r) QRUN_INLINE_LAMBDA {
        Store<kRegisters>(dst + c + r.value * Ops::kBytes, Ops::MinBytes(max[r.value], requantizer.hi));
      });
    });
  }

  void AveragePixel(int n, const PoolSpan& y, const PoolSpan& x, int8_t* dst) const {
    const int count = y.count * x.count;
    const F32 scale(args.scale / static_cast<float>(count > 0 ? count : 1));
    const int inside = (y.end > y.begin ? y.end - y.begin : 0) * (x.end > x.begin ? x.end - x.begin : 0);
    const auto block = [&](int c, auto registers) QRUN_INLINE_LAMBDA {
      I32 acc[4];
      Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA { acc[i.value] = Ops::SetI32(-inside * args.src_zp); });
      for (int iy = y.begin; iy < y.end; ++iy) {
        const int8_t* src = Pixel(n, iy, x.begin) + c;
        for (int ix = x.begin; ix < x.end; ++ix, src += args.c) {
          const int8_t* p = src;
          alignas(64) int8_t part[Ops::kBytes];
          if (registers.value == 0 && src_end - src < Ops::kBytes) {
            Ops::StoreBytes(part, Ops::LoadBytesPart(src, args.c));
            p = part;
          }
          Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA {
            acc[i.value] = Ops::AddI32(acc[i.value], Ops::Widen(p + i.value * Ops::kLanes));
          });
        }
      }
      Store<registers.value>(dst + c,
                             requantizer.InOrder(Ops::ToF32(acc[0]) * scale, Ops::ToF32(acc[1]) * scale,
                                                 Ops::ToF32(acc[2]) * scale, Ops::ToF32(acc[3]) * scale));
    };
    Blocks([&](int c, auto registers) QRUN_INLINE_LAMBDA {
      if constexpr (registers.value == 4) {
        for (int r = 0; r < 4; ++r) block(c + r * Ops::kBytes, Index<1>{});
      } else {
        block(c, registers);
      }
    });
  }
};

template <class Tag>
void maxpool_s8(const PoolS8Args& args, int begin, int end, std::byte*) noexcept {
  if constexpr (Tag::kScalar) {
    MaxPoolS8Reference(args, begin, end);
  } else {
    const PoolS8<Tag> pool(args, end);
    const Window& w = args.window;
    for (int row = begin; row < end; ++row) {
      const int n = row / w.oh, oy = row % w.oh;
      const TapsInside y = FindTaps(oy, w.stride_h, w.kh, w.dilation_h, w.pad_top, w.input_dilation_h, w.ih);
      for (int ox = 0; ox < w.ow; ++ox) {
        const TapsInside x =
            FindTaps(ox, w.stride_w, w.kw, w.dilation_w, w.pad_left, w.input_dilation_w, w.iw);
        pool.MaxPixel(n, y, x, args.dst + PixelOffset(n, oy, ox, w.oh, w.ow, args.c));
      }
    }
  }
}

template <class Tag>
void avgpool_s8(const PoolS8Args& args, int begin, int end, std::byte*) noexcept {
  if constexpr (Tag::kScalar) {
    AveragePoolS8Reference(args, begin, end);
  } else {
    const PoolS8<Tag> pool(args, end);
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
