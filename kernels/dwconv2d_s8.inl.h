// dwconv2d_s8: depthwise convolution on int8, one filter per channel; see DwConvS8Args. Exact: sums wrap
// modulo 2^32, and the true sum fits int32.
#ifndef QRUN_KERNELS_DWCONV2D_S8_INL_H_
#define QRUN_KERNELS_DWCONV2D_S8_INL_H_

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

// The SIMD form works on one block of kBytes channels at a time. For a run of output pixels it first
// interleaves the input columns under their windows: the rows of a column, kGroup at a time, become registers
// whose lanes hold the kGroup taps of a channel (in-lane order of dot.inl.h). Every column is interleaved
// once and serves all taps that reach it; padding is a column or row of src_zp, so the inner loops have no
// borders.
template <class Tag>
struct DepthwiseS8 {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;
  using Bytes = typename Ops::Bytes;
  static constexpr int kRegBytes = Ops::kBytes;
  static constexpr int kCellBytes = 4 * kRegBytes;  // the groups of one column and kGroup rows
  static constexpr int kRunPixels = 32;             // output pixels whose columns are interleaved at once
  static constexpr int kTilePixels = kRegBytes == 64 ? 4 : 2;

  const DwConvS8Args& args;
  const Window& w = args.window;
  int row_groups = (w.kh + Ops::kGroup - 1) / Ops::kGroup;
  ptrdiff_t column_bytes = static_cast<ptrdiff_t>(row_groups) * kCellBytes;
  std::byte* columns;  // [RunColumns()][row_groups][4] registers

  QRUN_INLINE explicit DepthwiseS8(const DwConvS8Args& a, std::byte* scratch = nullptr)
      : args(a), columns(scratch) {}

  // A prepared block: weights [kw][row_groups][4] registers, then bias [4] and scale [4] registers.
  ptrdiff_t BlockBytes() const { return w.kw * column_bytes + 2 * kCellBytes; }
  int Blocks() const { return (args.c + kRegBytes - 1) / kRegBytes; }

  int RunColumns(int pixels) const { return (pixels - 1) * w.stride_w + (w.kw - 1) * w.dilation_w + 1; }
  int RunPixels() const { return w.ow < kRunPixels ? w.ow : kRunPixels; }
  size_t ColumnBytes() const { return static_cast<size_t>(RunColumns(RunPixels()) * column_bytes); }

  static QRUN_INLINE void StoreCell(std::byte* cell, const I32 (&groups)[4]) {
    Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA { Ops::StoreI32(cell + i.value * kRegBytes, groups[i.value]); });
  }

  // Weights, bias and scale of channels [c, c + kBytes), in the order of the interleaved columns.
  void PrepareBlock(int c, std::byte* block) const {
    std::byte* bia = block + w.kw * column_bytes;
    std::byte* scale = bia + kCellBytes;
    I32 sums[4];
    Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA { sums[i.value] = Ops::SetI32(0); });
    for (int kx = 0; kx < w.kw; ++kx) {
      for (int g = 0; g < row_groups; ++g) {
        Bytes rows[Ops::kGroup];
        Unroll<Ops::kGroup>([&](auto r) QRUN_INLINE_LAMBDA {
          const int ky = g * Ops::kGroup + r.value;
          const ptrdiff_t tap = static_cast<ptrdiff_t>(ky * w.kw + kx) * args.c_padded + c;
          rows[r.value] = ky < w.kh ? Ops::LoadBytes(args.wei + tap) : Ops::SetBytes(0);
        });
        I32 groups[4];
        Ops::InterleaveTaps(rows, groups);
        StoreCell(block + kx * column_bytes + g * kCellBytes, groups);
        if constexpr (Ops::kOffset != 0) {
          Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA {
            Ops::Dot(sums[i.value], Ops::OffsetTaps(Ops::SetI32(0)), groups[i.value]);
          });
        }
      }
    }
    for (int i = 0; i < kRegBytes; ++i) {
      const int in_lane = i / 4 % 4 * (kRegBytes / 4) + i / 16 * 4 + i % 4;
      __builtin_memcpy(bia + 4 * in_lane, args.bia + c + i, 4);
      __builtin_memcpy(scale + 4 * in_lane, args.scale + c + i, 4);
    }
    if constexpr (Ops::kOffset != 0) {
      Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA {
        std::byte* p = bia + i.value * kRegBytes;
        Ops::StoreI32(p, Ops::SubI32(Ops::LoadI32(p), sums[i.value]));
      });
    }
  }

  // Interleaves the columns under output pixels [ox, ox + pixels) of output row oy for channels [c, c +
  // kBytes).
  void FillColumns(int n, int oy, int ox, int pixels, int c) const {
    const Bytes padding = Ops::SetBytes(args.src_zp);
    const int valid = args.c - c;
    const int8_t* last_whole_load = args.src + PixelOffset(w.n, 0, 0, w.ih, w.iw, args.c) - kRegBytes;
    const int x0 = ox * w.stride_w - w.pad_left;
    const int count = RunColumns(pixels);
    for (int g = 0; g < row_groups; ++g) {
      const int8_t* base[Ops::kGroup];  // null: the row is padding, or meets zero weights
      for (int r = 0; r < Ops::kGroup; ++r) {
        const int ky = g * Ops::kGroup + r;
        const int iy = ky < w.kh ? InputRow(w, oy, ky) : -1;
        base[r] = iy < 0 ? nullptr : args.src + PixelOffset(n, iy, 0, w.ih, w.iw, args.c) + c;
      }
      std::byte* cell = columns + g * kCellBytes;
      for (int i = 0; i < count; ++i, cell += column_bytes) {
        const int ix = InputIndex(x0 + i, 1, 0, 1, 0, w.input_dilation_w, w.iw);
        Bytes rows[Ops::kGroup];
        Unroll<Ops::kGroup>([&](auto r) QRUN_INLINE_LAMBDA {
          rows[r.value] = padding;
          if (ix >= 0 && base[r.value] != nullptr) {
            const int8_t* p = base[r.value] + static_cast<ptrdiff_t>(ix) * args.c;
            rows[r.value] = p <= last_whole_load ? Ops::LoadBytes(p) : Ops::LoadBytesPart(p, valid);
          }
        });
        I32 groups[4];
        Ops::InterleaveTaps(rows, groups);
        Unroll<4>([&](auto j) QRUN_INLINE_LAMBDA { groups[j.value] = Ops::OffsetTaps(groups[j.value]); });
        StoreCell(cell, groups);
      }
    }
  }

  // kPixels output pixels, the first of which starts at column `column`.
  template <int kPixels>
  QRUN_INLINE void Tile(const Requantizer<Tag>& requantizer, const std::byte* block, const std::byte* column,
                        int8_t* dst, int valid) const {
    const std::byte* bia = block + w.kw * column_bytes;
    const std::byte* scale = bia + kCellBytes;
    I32 acc[kPixels * 4];
    Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA {
      const I32 bias = Ops::LoadI32(bia + i.value * kRegBytes);
      Unroll<kPixels>([&](auto p) QRUN_INLINE_LAMBDA { acc[p.value * 4 + i.value] = bias; });
    });
    const ptrdiff_t pixel_stride = w.stride_w * column_bytes;
    const std::byte* tap = block;
    for (int kx = 0; kx < w.kw; ++kx, column += w.dilation_w * column_bytes) {
      for (ptrdiff_t g = 0; g < column_bytes; g += kCellBytes, tap += kCellBytes) {
        Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA {
          const I32 weights = Ops::LoadI32(tap + i.value * kRegBytes);
          Unroll<kPixels>([&](auto p) QRUN_INLINE_LAMBDA {
            Ops::Dot(acc[p.value * 4 + i.value],
                     Ops::LoadI32(column + p.value * pixel_stride + g + i.value * kRegBytes), weights);
          });
        });
      }
    }
    Unroll<kPixels>([&](auto p) QRUN_INLINE_LAMBDA {
      const auto product = [&](auto i) QRUN_INLINE_LAMBDA {
        return Ops::ToF32(acc[p.value * 4 + i.value]) *
               F32::load_unaligned(reinterpret_cast<const float*>(scale + i.value * kRegBytes));
      };
      const Bytes bytes = requantizer.InLane(product(Index<0>{}), product(Index<1>{}), product(Index<2>{}),
                                             product(Index<3>{}));
      if (valid >= kRegBytes) {
        Ops::StoreBytes(dst + static_cast<ptrdiff_t>(p.value) * args.c, bytes);
      } else {
        Ops::template StorePartOf<0, 1>(dst + static_cast<ptrdiff_t>(p.value) * args.c, bytes, valid);
      }
    });
  }

  // Output rows [begin, end) of channels [c, c + kBytes), prepared in `block`.
  void Rows(int begin, int end, int c, const std::byte* block) const {
    const Requantizer<Tag> requantizer(args.dst_zp, args.lo, args.hi);
    const ptrdiff_t step = w.stride_w * column_bytes;
    for (int row = begin; row < end; ++row) {
      const int n = row / w.oh, oy = row % w.oh;
      for (int ox = 0; ox < w.ow; ox += kRunPixels) {
        const int pixels = w.ow - ox < kRunPixels ? w.ow - ox : kRunPixels;
        FillColumns(n, oy, ox, pixels, c);
        int8_t* dst = args.dst + PixelOffset(n, oy, ox, w.oh, w.ow, args.c) + c;
        int x = 0;
        for (; pixels - x >= kTilePixels; x += kTilePixels) {
          Tile<kTilePixels>(requantizer, block, columns + x * step, dst + static_cast<ptrdiff_t>(x) * args.c,
                            args.c - c);
        }
        for (; x < pixels; ++x) {
          Tile<1>(requantizer, block, columns + x * step, dst + static_cast<ptrdiff_t>(x) * args.c,
                  args.c - c);
        }
      }
    }
  }
};

template <class Tag>
size_t dwconv2d_s8_scratch_bytes(const DwConvS8Args& args) noexcept {
  if constexpr (Tag::kScalar) {
    return 0;
  } else {
    const DepthwiseS8<Tag> depthwise(args);
    return depthwise.ColumnBytes() + static_cast<size_t>(depthwise.BlockBytes());
  }
}

template <class Tag>
void dwconv2d_s8(const DwConvS8Args& args, int begin, int end, std::byte* scratch) noexcept {
  if constexpr (Tag::kScalar) {
    DwConv2dS8Reference(args, begin, end);
  } else {
    const DepthwiseS8<Tag> depthwise(args, scratch);
    std::byte* block = scratch + depthwise.ColumnBytes();
    for (int c = 0; c < args.c; c += DepthwiseS8<Tag>::kRegBytes) {
      depthwise.PrepareBlock(c, block);
      depthwise.Rows(begin, end, c, block);
    }
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DWCONV2D_S8_INL_H_
