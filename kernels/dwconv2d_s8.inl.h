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

// Offset in src of row iy of image n.
inline ptrdiff_t DwRowOffset(const DwConvS8Args& a, int n, int iy) {
  const Window& w = a.window;
  return a.ring_rows == 0 ? PixelOffset(n, iy, 0, w.ih, w.iw, a.c)
                          : PixelOffset(0, iy % a.ring_rows, 0, w.ih, w.iw, a.c);
}

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
            const int src =
                inside ? a.src[DwRowOffset(a, n, iy) + static_cast<ptrdiff_t>(ix) * a.c + c] : a.src_zp;
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
// borders. Where the last group of a column has a lane to spare, the columns serve two output rows: the
// second has weights of its own, moved down by a row.
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
  // Output rows that are made at once.
  int rows_at_once =
      w.stride_h == 1 && w.dilation_h == 1 && w.input_dilation_h == 1 && w.kh % Ops::kGroup != 0 ? 2 : 1;
  int row_groups = (w.kh + Ops::kGroup - 1) / Ops::kGroup;
  ptrdiff_t column_bytes = static_cast<ptrdiff_t>(row_groups) * kCellBytes;
  std::byte* columns;  // [RunColumns()][row_groups][4] registers

  QRUN_INLINE explicit DepthwiseS8(const DwConvS8Args& a, std::byte* scratch = nullptr)
      : args(a), columns(scratch) {}

  // A prepared block: for each of the rows made at once weights [kw][row_groups][4] registers, then bias [4]
  // and scale [4] registers.
  ptrdiff_t TapBytes() const { return w.kw * column_bytes; }
  ptrdiff_t BlockBytes() const { return rows_at_once * TapBytes() + 2 * kCellBytes; }
  int Blocks() const { return (args.c + kRegBytes - 1) / kRegBytes; }

  int RunColumns(int pixels) const { return (pixels - 1) * w.stride_w + (w.kw - 1) * w.dilation_w + 1; }
  int RunPixels() const { return w.ow < kRunPixels ? w.ow : kRunPixels; }
  size_t ColumnBytes() const { return static_cast<size_t>(RunColumns(RunPixels()) * column_bytes); }

  // The rows of a group: where column 0 of each lies, and how far it is to the next column; 0 for padding.
  struct Taps {
    const int8_t* row[Ops::kGroup];
    ptrdiff_t step[Ops::kGroup];

    static Taps AllAt(const int8_t* padding) {
      Taps taps;
      for (int r = 0; r < Ops::kGroup; ++r) taps.row[r] = padding, taps.step[r] = 0;
      return taps;
    }
    // Of column ix, the tap that lies last in src; padding lies outside of it and does not count.
    const int8_t* LastAt(int ix) const {
      const int8_t* last = nullptr;
      for (int r = 0; r < Ops::kGroup; ++r) {
        const int8_t* p = row[r] + ix * step[r];
        if (step[r] != 0 && (last == nullptr || p > last)) last = p;
      }
      return last;
    }
  };

  // A ring is followed by a register's worth of scratch.
  const int8_t* LastWholeLoad() const {
    return args.ring_rows != 0 ? args.src + PixelOffset(0, args.ring_rows, 0, w.ih, w.iw, args.c)
                               : args.src + PixelOffset(w.n, 0, 0, w.ih, w.iw, args.c) - kRegBytes;
  }

  // Interleaves `count` columns from column ix on. kChecked: only `valid` bytes may be read where src ends.
  template <bool kChecked>
  void FillCells(const Taps& taps, int ix, int count, std::byte* cell, int valid) const {
    const int8_t* p[Ops::kGroup];
    for (int r = 0; r < Ops::kGroup; ++r) p[r] = taps.row[r] + ix * taps.step[r];
    const int8_t* last_whole_load = LastWholeLoad();
    for (int i = 0; i < count; ++i, cell += column_bytes) {
      Bytes rows[Ops::kGroup];
      Unroll<Ops::kGroup>([&](auto r) QRUN_INLINE_LAMBDA {
        const bool whole = !kChecked || taps.step[r.value] == 0 || p[r.value] <= last_whole_load;
        rows[r.value] = whole ? Ops::LoadBytes(p[r.value]) : Ops::LoadBytesPart(p[r.value], valid);
        p[r.value] += taps.step[r.value];
      });
      I32 groups[4];
      Ops::InterleaveTaps(rows, groups);
      Unroll<4>([&](auto j) QRUN_INLINE_LAMBDA { groups[j.value] = Ops::OffsetTaps(groups[j.value]); });
      StoreCell(cell, groups);
    }
  }

  static QRUN_INLINE void StoreCell(std::byte* cell, const I32 (&groups)[4]) {
    Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA { Ops::StoreI32(cell + i.value * kRegBytes, groups[i.value]); });
  }

  // Weights of channels [c, c + kBytes), in the order of the interleaved columns, moved down by `shift` rows.
  // Adds what they make of activations 0 to sums.
  void PrepareTaps(int c, int shift, std::byte* taps, I32 (&sums)[4]) const {
    for (int kx = 0; kx < w.kw; ++kx) {
      for (int g = 0; g < row_groups; ++g) {
        Bytes rows[Ops::kGroup];
        Unroll<Ops::kGroup>([&](auto r) QRUN_INLINE_LAMBDA {
          const int ky = g * Ops::kGroup + r.value - shift;
          const ptrdiff_t tap = static_cast<ptrdiff_t>(ky * w.kw + kx) * args.c_padded + c;
          rows[r.value] = ky >= 0 && ky < w.kh ? Ops::LoadBytes(args.wei + tap) : Ops::SetBytes(0);
        });
        I32 groups[4];
        Ops::InterleaveTaps(rows, groups);
        StoreCell(taps + kx * column_bytes + g * kCellBytes, groups);
        if constexpr (Ops::kOffset != 0) {
          Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA {
            Ops::Dot(sums[i.value], Ops::OffsetTaps(Ops::SetI32(0)), groups[i.value]);
          });
        }
      }
    }
  }

  // Weights, bias and scale of channels [c, c + kBytes), in the order of the interleaved columns.
  void PrepareBlock(int c, std::byte* block) const {
    std::byte* bia = block + rows_at_once * TapBytes();
    std::byte* scale = bia + kCellBytes;
    I32 sums[4];
    for (int row = rows_at_once - 1; row >= 0; --row) {
      Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA { sums[i.value] = Ops::SetI32(0); });
      PrepareTaps(c, row, block + row * TapBytes(), sums);
    }
    for (int i = 0; i < kRegBytes; i += 4) {  // four channels stay together
      const int in_lane = i / 4 % 4 * (kRegBytes / 4) + i / 16 * 4;
      __builtin_memcpy(bia + 4 * in_lane, args.bia + c + i, 16);
      __builtin_memcpy(scale + 4 * in_lane, args.scale + c + i, 16);
    }
    if constexpr (Ops::kOffset != 0) {
      Unroll<4>([&](auto i) QRUN_INLINE_LAMBDA {
        std::byte* p = bia + i.value * kRegBytes;
        Ops::StoreI32(p, Ops::SubI32(Ops::LoadI32(p), sums[i.value]));
      });
    }
  }

  // Interleaves the columns under output pixels [ox, ox + pixels) of output rows [oy, oy + rows) for channels
  // [c, c + kBytes).
  void FillColumns(int n, int oy, int rows, int ox, int pixels, int c) const {
    const int x0 = ox * w.stride_w - w.pad_left;
    const int count = RunColumns(pixels);
    // Columns [first, last) are pixels, unless the gaps of a dilated input lie between them.
    const auto clip = [&](int x) QRUN_INLINE_LAMBDA { return x < 0 ? 0 : x > count ? count : x; };
    const int first = clip(-x0), last = clip((w.iw - 1) * w.input_dilation_w + 1 - x0);
    alignas(64) int8_t padding[kRegBytes];
    Ops::StoreBytes(padding, Ops::SetBytes(args.src_zp));
    for (int g = 0; g < row_groups; ++g) {
      std::byte* cell = columns + g * kCellBytes;
      Taps taps;
      for (int r = 0; r < Ops::kGroup; ++r) {
        const int ky = g * Ops::kGroup + r;
        const int iy = ky < w.kh + rows - 1 ? InputRow(w, oy, ky) : -1;
        taps.row[r] = iy < 0 ? padding : args.src + DwRowOffset(args, n, iy) + c;
        taps.step[r] = iy < 0 ? 0 : args.c;
      }
      const Taps outside = Taps::AllAt(padding);
      FillCells<false>(outside, 0, first, cell, 0);
      if (w.input_dilation_w == 1 && first < last) {
        const int ix = x0 + first;
        std::byte* at = cell + first * column_bytes;
        if (taps.LastAt(ix + last - first - 1) <= LastWholeLoad()) {
          FillCells<false>(taps, ix, last - first, at, 0);
        } else {
          FillCells<true>(taps, ix, last - first, at, args.c - c);
        }
      } else {
        for (int i = first; i < last; ++i) {
          const int ix = InputIndex(x0 + i, 1, 0, 1, 0, w.input_dilation_w, w.iw);
          FillCells<true>(ix < 0 ? outside : taps, ix < 0 ? 0 : ix, 1, cell + i * column_bytes, args.c - c);
        }
      }
      FillCells<false>(outside, 0, count - last, cell + last * column_bytes, 0);
    }
  }

  // kPixels output pixels of kRows output rows, the first of which starts at column `column`. Of the four
  // registers of a pixel two are summed at a time: more accumulators than that would leave no register to the
  // weights.
  template <int kRows, int kPixels>
  QRUN_INLINE void Tile(const Requantizer<Tag>& requantizer, const std::byte* block, const std::byte* column,
                        int8_t* dst, int valid) const {
    constexpr int kCount = kRows * kPixels;
    const ptrdiff_t tap_bytes = TapBytes();
    const std::byte* bia = block + rows_at_once * tap_bytes;
    const std::byte* scale = bia + kCellBytes;
    const ptrdiff_t pixel_stride = w.stride_w * column_bytes;
    // Taps side by side follow each other in the columns as in the weights.
    const int runs = w.dilation_w == 1 ? 1 : w.kw;
    const ptrdiff_t run_bytes = runs == 1 ? tap_bytes : column_bytes;
    const ptrdiff_t run_stride = w.dilation_w * column_bytes;
    I32 sums[kCount * 4];
    Unroll<2>([&](auto half) QRUN_INLINE_LAMBDA {
      constexpr int kFirst = 2 * half.value;
      I32 acc[kCount * 2];
      Unroll<2>([&](auto i) QRUN_INLINE_LAMBDA {
        const I32 bias = Ops::LoadI32(bia + (kFirst + i.value) * kRegBytes);
        Unroll<kCount>([&](auto n) QRUN_INLINE_LAMBDA { acc[n.value * 2 + i.value] = bias; });
      });
      const std::byte* tap = block + kFirst * kRegBytes;
      const std::byte* src = column + kFirst * kRegBytes;
      for (int run = 0; run < runs; ++run, src += run_stride) {
        const std::byte* at = src;
        for (const std::byte* stop = tap + run_bytes; tap != stop; tap += kCellBytes, at += kCellBytes) {
          Unroll<2>([&](auto i) QRUN_INLINE_LAMBDA {
            I32 wei[kRows];
            Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
              wei[r.value] = Ops::LoadI32(tap + r.value * tap_bytes + i.value * kRegBytes);
              // Else GCC loads the weights again for each pixel, and what is below for each row.
              if constexpr (requires { Ops::KeepOrder(wei[r.value]); }) Ops::KeepOrder(wei[r.value]);
            });
            Unroll<kPixels>([&](auto p) QRUN_INLINE_LAMBDA {
              I32 taps = Ops::LoadI32(at + p.value * pixel_stride + i.value * kRegBytes);
              if constexpr (kRows > 1 && requires { Ops::KeepOrder(taps); }) Ops::KeepOrder(taps);
              Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
                Ops::Dot(acc[(r.value * kPixels + p.value) * 2 + i.value], taps, wei[r.value]);
              });
            });
          });
        }
      }
      Unroll<kCount * 2>(
          [&](auto i) QRUN_INLINE_LAMBDA { sums[i.value / 2 * 4 + kFirst + i.value % 2] = acc[i.value]; });
    });
    const ptrdiff_t pixel_bytes = args.c, row_bytes = w.ow * pixel_bytes;
    Unroll<kCount>([&](auto n) QRUN_INLINE_LAMBDA {
      const auto product = [&](auto i) QRUN_INLINE_LAMBDA {
        return Ops::ToF32(sums[n.value * 4 + i.value]) *
               F32::load_unaligned(reinterpret_cast<const float*>(scale + i.value * kRegBytes));
      };
      const Bytes bytes = requantizer.InLane(product(Index<0>{}), product(Index<1>{}), product(Index<2>{}),
                                             product(Index<3>{}));
      int8_t* at = dst + n.value / kPixels * row_bytes + n.value % kPixels * pixel_bytes;
      if (valid >= kRegBytes) {
        Ops::StoreBytes(at, bytes);
      } else {
        Ops::template StorePartOf<0, 1>(at, bytes, valid);
      }
    });
  }

  // `pixels` output pixels of kRows rows whose columns are interleaved.
  template <int kRows>
  void Run(const Requantizer<Tag>& requantizer, int pixels, const std::byte* block, int8_t* dst,
           int valid) const {
    const ptrdiff_t step = w.stride_w * column_bytes, pixel_bytes = args.c;
    const std::byte* column = columns;
    const auto tiles = [&](auto tile) QRUN_INLINE_LAMBDA {
      constexpr int kPixels = tile.value;
      for (; pixels >= kPixels; pixels -= kPixels) {
        Tile<kRows, kPixels>(requantizer, block, column, dst, valid);
        column += kPixels * step;
        dst += kPixels * pixel_bytes;
      }
    };
    if constexpr (kRows == 1) tiles(Index<2 * kTilePixels>{});
    tiles(Index<kTilePixels>{});
    tiles(Index<1>{});
  }

  // Output rows [begin, end) of channels [c, c + kBytes), prepared in `block`.
  void Rows(int begin, int end, int c, const std::byte* block) const {
    const Requantizer<Tag> requantizer(args.dst_zp, args.lo, args.hi);
    while (begin < end) {
      const int n = begin / w.oh, oy = begin % w.oh;
      const int left = end - begin < w.oh - oy ? end - begin : w.oh - oy;
      const int rows = left < rows_at_once ? left : rows_at_once;
      for (int ox = 0; ox < w.ow; ox += kRunPixels) {
        const int pixels = w.ow - ox < kRunPixels ? w.ow - ox : kRunPixels;
        FillColumns(n, oy, rows, ox, pixels, c);
        int8_t* dst = args.dst + PixelOffset(n, oy, ox, w.oh, w.ow, args.c) + c;
        if (rows == 2) {
          Run<2>(requantizer, pixels, block, dst, args.c - c);
        } else {
          Run<1>(requantizer, pixels, block, dst, args.c - c);
        }
      }
      begin += rows;
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
