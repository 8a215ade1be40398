// What int8 and float convolutions share: patches are gathered and expanded, and multiplied by a Gemm.
#ifndef QRUN_KERNELS_CONVOLUTION_INL_H_
#define QRUN_KERNELS_CONVOLUTION_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/gemm.inl.h"
#include "kernels/im2col.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/padded_rows.inl.h"
#include "kernels/strips.inl.h"

namespace qrun::kernels {
namespace {

// Where part `part` of `count` things begins.
inline int PartBegin(int count, int part, int parts) {
  return static_cast<int>(static_cast<int64_t>(count) * part / parts);
}

// Args: ConvS8Args or ConvF32Args; Math: the arithmetic of its Gemm.
template <class Math, class Args>
struct Convolution {
  static constexpr ptrdiff_t kElementBytes = sizeof(typename Math::Wei);
  static constexpr int kGroup = Math::kCellSrc / kCellSteps;  // activations of a step

  const Args& args;
  const Window& w = args.window;
  int icg = args.ic / args.groups, ocg = args.oc / args.groups;
  int blocks = (ocg + Math::kLanes - 1) / Math::kLanes;
  int steps = (w.kw * icg + kGroup - 1) / kGroup;  // of a kernel row
  ptrdiff_t group_wei = static_cast<ptrdiff_t>(blocks) * w.kh * steps * Math::kWeiPerStep;

  ptrdiff_t PatchBytes() const { return w.kw * icg * kElementBytes; }
  ChunkLayout Chunks() const {
    return ChunkLayout::Of<Math>(PatchBytes(), static_cast<ptrdiff_t>(w.n) * w.oh * w.ow,
                                 Crosses() ? kCrossedTiles : 1);
  }
  StripLayout Strips() const { return StripLayout::Of<Math>(w, PatchBytes(), group_wei * kElementBytes); }
  size_t ScratchBytes() const {
    if constexpr (Math::kCrosses) {
      if (Crosses()) return SumsOffset() + RowsAtOnce() * sizeof(int32_t);
    }
    return GatherBytes();
  }

  // Work items [begin, end). math(channel) is the Math for the channels from `channel` on, counted with
  // padding.
  template <class MathAt>
  QRUN_INLINE void Run(const PaddingPixel& padding, int begin, int end, std::byte* scratch,
                       MathAt&& math) const {
    const int rows = w.n * w.oh;
    while (begin < end) {
      const int part = begin / rows, before = part * rows;
      const int stop = end < before + rows ? end : before + rows;
      const Blocks range = PartBlocks(part);
      if (w.kh == 1) {
        RunChunks(padding, begin - before, stop - before, range, scratch, math);
      } else if (ReadsInPlace()) {
        RunRows(padding, begin - before, stop - before, range, scratch, math);
      } else {
        RunStrips(padding, begin - before, stop - before, range, scratch, math);
      }
      begin = stop;
    }
  }

 private:
  // Crossed products (gemm_crossed.inl.h) pay where enough channels, steps and rows share what they cost
  // beside.
  static constexpr int kCrossedRows = 24;   // of a product, at least
  static constexpr int kCrossedTiles = 12;  // register tiles of a chunk, at least

  struct Blocks {
    int begin, end;
  };
  // Whole pairs, as tiles have them.
  Blocks PartBlocks(int part) const {
    const int pairs = (blocks + 1) / 2, end = 2 * PartBegin(pairs, part + 1, args.parts);
    return {2 * PartBegin(pairs, part, args.parts), end < blocks ? end : blocks};
  }
  bool Crosses() const { return Math::kCrosses && blocks >= 4 && w.kh * steps >= 16; }
  // Where the pixels under a row of the kernel are adjacent and fill less than half of a cell, and most of a
  // tile lies within an output row.
  bool ReadsInPlace() const {
    return w.kh > 1 && args.groups == 1 && !Crosses() && w.dilation_w == 1 && w.input_dilation_h == 1 &&
           w.input_dilation_w == 1 && w.pad_left >= 0 && 2 * PatchBytes() <= CellSrcBytes<Math>() &&
           w.ow >= Math::kTilePixels[0] && Rows().IsSmall(w);
  }
  PaddedRows<Math> Rows() const { return PaddedRows<Math>::Of(w, args.ic); }
  size_t GatherBytes() const {
    return w.kh == 1        ? Chunks().ScratchBytes()
           : ReadsInPlace() ? Rows().ScratchBytes(w)
                            : Strips().ScratchBytes(w);
  }
  // Behind what is gathered: the wide weights, then a sum for every row.
  size_t WideOffset() const { return (GatherBytes() + 63) / 64 * 64; }
  size_t SumsOffset() const { return WideOffset() + CrossedGemm<Math>::WideBytes(w.kh, steps); }
  size_t RowsAtOnce() const {
    if (w.kh == 1) return static_cast<size_t>(Chunks().rows);
    const StripLayout strips = Strips();
    return static_cast<size_t>(strips.rows) * static_cast<size_t>(strips.columns);
  }

  // Lets a product cross; its rows are those from `row` on of what is gathered, summed before by SumRows.
  void Cross(int row, std::byte* scratch, Gemm<Math>& gemm) const {
    gemm.wide = scratch + WideOffset();
    gemm.crossed_sums = reinterpret_cast<int32_t*>(scratch + SumsOffset()) + row;
  }
  void SumRows(const Gemm<Math>& gemm, int row, std::byte* scratch) const {
    CrossedGemm<Math>{gemm}.SumRows(reinterpret_cast<int32_t*>(scratch + SumsOffset()) + row);
  }

  Patches PatchesOf(int group, const PaddingPixel& padding) const {
    return {w,
            reinterpret_cast<const std::byte*>(args.src),
            args.ic * kElementBytes,
            group * icg * kElementBytes,
            icg * kElementBytes,
            padding};
  }

  // The product for the chunk in `scratch` and the pixels from `pixel` on, counted through all images.
  template <class MathAt>
  Gemm<Math> GemmOf(int group, ptrdiff_t pixel, int rows, const std::byte* chunk, ptrdiff_t cell_stride,
                    const ptrdiff_t* segments, MathAt& math) const {
    const ptrdiff_t channel = static_cast<ptrdiff_t>(group) * blocks * Math::kLanes;
    return {math(channel),
            chunk,
            cell_stride,
            rows,
            segments,
            w.kh,
            steps,
            args.wei + group * group_wei,
            args.bia + channel,
            args.dst + pixel * args.oc + static_cast<ptrdiff_t>(group) * ocg,
            args.oc,
            ocg};
  }

  // The rows of a range are one run of pixels, cut into chunks; so small images fill the register tiles as
  // well.
  template <class MathAt>
  void RunChunks(const PaddingPixel& padding, int begin, int end, const Blocks& range, std::byte* scratch,
                 MathAt& math) const {
    const ChunkLayout layout = Chunks();
    const ptrdiff_t last = static_cast<ptrdiff_t>(end) * w.ow;
    for (ptrdiff_t first = static_cast<ptrdiff_t>(begin) * w.ow; first < last; first += layout.rows) {
      const int rows = static_cast<int>(last - first < layout.rows ? last - first : layout.rows);
      for (int g = 0; g < args.groups; ++g) {
        FillChunk<Math>(layout, PatchesOf(g, padding), first, rows, scratch);
        Gemm<Math> gemm = GemmOf(g, first, rows, scratch, layout.CellStride(), kOneSegment, math);
        if constexpr (Math::kCrosses) {
          if (Crosses() && rows >= kCrossedRows) {
            SumRows(gemm, 0, scratch);
            Cross(0, scratch, gemm);
          }
        }
        gemm.Run(range.begin, range.end);
      }
    }
  }

  template <class MathAt>
  void RunRows(const PaddingPixel& padding, int begin, int end, const Blocks& range, std::byte* scratch,
               MathAt& math) const {
    using Layout = PaddedRows<Math>;
    const Layout layout = Rows();
    std::byte* source_rows = scratch + layout.RowsOffset();
    FillPaddingRow<Math>(padding, args.ic * kElementBytes, layout.row_bytes, scratch);
    auto* segments = reinterpret_cast<ptrdiff_t*>(scratch + layout.SegmentsOffset(w));
    for (int ky = 0; ky < w.kh; ++ky) segments[ky] = ky * w.dilation_h * layout.row_bytes;
    const ptrdiff_t pixel_bytes = args.ic * Layout::kBytes;
    for (int row = begin; row < end;) {
      const int n = row / w.oh, oy = row % w.oh;
      int rows = end - row < w.oh - oy ? end - row : w.oh - oy;
      if (rows > layout.rows) rows = layout.rows;
      const int top = oy * w.stride_h - w.pad_top;
      for (ptrdiff_t r = 0; r < Layout::SourceRows(w, rows); ++r) {
        const ptrdiff_t iy = top + r;
        const auto* src =
            iy < 0 || iy >= w.ih ? nullptr : args.src + PixelOffset(n, iy, 0, w.ih, w.iw, args.ic);
        FillRow<Math>(reinterpret_cast<const std::byte*>(src), w.iw * args.ic * kElementBytes,
                      w.pad_left * pixel_bytes, scratch, layout.row_bytes,
                      source_rows + r * layout.row_bytes);
      }
      for (int r = 0; r < rows; ++r) {
        const std::byte* first = source_rows + r * w.stride_h * layout.row_bytes;
        const Gemm<Math, RowsIn::kPlace> gemm = {math(0),
                                                 first,
                                                 w.stride_w * pixel_bytes,
                                                 w.ow,
                                                 segments,
                                                 w.kh,
                                                 steps,
                                                 args.wei,
                                                 args.bia,
                                                 args.dst + (row + r) * ptrdiff_t{w.ow} * args.oc,
                                                 args.oc,
                                                 args.oc};
        RunInPlace(gemm, range);
      }
      row += rows;
    }
  }
  // Inlined, its accumulators would compete for registers with what the caller keeps in them: on AVX-VNNI a
  // 7x7 kernel would take 1.6 times as long.
  QRUN_NOINLINE static void RunInPlace(const Gemm<Math, RowsIn::kPlace>& gemm, const Blocks& range) {
    gemm.Run(range.begin, range.end);
  }

  template <class MathAt>
  void RunStrips(const PaddingPixel& padding, int begin, int end, const Blocks& range, std::byte* scratch,
                 MathAt& math) const {
    const StripLayout layout = Strips();
    const ptrdiff_t* segments = FillSegments(layout, w, scratch);
    for (int row = begin; row < end;) {
      const int n = row / w.oh, oy = row % w.oh;
      int rows = end - row < w.oh - oy ? end - row : w.oh - oy;
      if (rows > layout.rows) rows = layout.rows;
      for (int ox = 0; ox < w.ow; ox += layout.columns) {
        const int columns = w.ow - ox < layout.columns ? w.ow - ox : layout.columns;
        for (int g = 0; g < args.groups; ++g) {
          FillBand<Math>(layout, PatchesOf(g, padding), n, oy, rows, ox, columns, scratch);
          MultiplyBand(layout, g, row, rows, ox, columns, range, segments, scratch, math);
        }
      }
      row += rows;
    }
  }

  // Rows that are as wide as the image are one run of pixels, as in RunChunks.
  template <class MathAt>
  void MultiplyBand(const StripLayout& layout, int group, int row, int rows, int ox, int columns,
                    const Blocks& range, const ptrdiff_t* segments, std::byte* scratch, MathAt& math) const {
    const bool whole = columns == w.ow;
    const int runs = whole ? 1 : rows, pixels = whole ? rows * columns : columns;
    const auto gemm_of = [&](int run) {
      const std::byte* chunk = scratch + static_cast<ptrdiff_t>(run) * layout.columns * kCellBytes;
      const ptrdiff_t pixel = static_cast<ptrdiff_t>(row + run) * w.ow + ox;
      return GemmOf(group, pixel, pixels, chunk, layout.CellStride(), segments, math);
    };
    const bool crosses = Crosses() && pixels >= kCrossedRows;
    if constexpr (Math::kCrosses) {
      for (int run = 0; crosses && run < runs; ++run) SumRows(gemm_of(run), run * pixels, scratch);
    }
    for (int block = range.begin; block < range.end; block += kBlocksPerWalk) {
      const int stop = range.end - block < kBlocksPerWalk ? range.end : block + kBlocksPerWalk;
      for (int run = 0; run < runs; ++run) {
        Gemm<Math> gemm = gemm_of(run);
        if constexpr (Math::kCrosses) {
          if (crosses) Cross(run * pixels, scratch, gemm);
        }
        gemm.Run(block, stop);
      }
    }
  }
  static constexpr int kBlocksPerWalk = 4;  // whose weights stay in the cache while a band's rows pass
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CONVOLUTION_INL_H_
