// A convolution whose kernel has several rows, as a Gemm that reads the kernel's rows in place.
//
// The strip of a source row holds, for each of a run of output columns, the patch that the kernel's row reads
// there (im2col.inl.h), expanded into cells. One strip serves all kernel rows that meet its source row: where
// gathering whole windows copies a pixel kh * kw times, this copies it kw times. Kernel row ky is segment ky
// of the Gemm. (Reading every tap in place would save the kw copies as well, but needs padding columns, which
// a tile of pixels that runs over the end of a row would multiply in vain: one of eight for 7x7 images.)
//
// The strips of a band of output rows and columns lie in planes, so that the strips that kernel row ky reads
// follow one another like the output rows:
//   cell j of plane p, line l, column x at ((j * planes + p) * lines + l) * columns + x
// Kernel row ky of output row y of the band reads line y + Shift(ky) of plane Plane(ky). Strips are either
// shared by the kernel rows, in stride_h planes, or every kernel row has a plane of its own, where that takes
// less room: nothing is shared by a kernel that is no taller than its stride, and little with dilation.
#ifndef QRUN_KERNELS_STRIPS_INL_H_
#define QRUN_KERNELS_STRIPS_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/gemm.inl.h"
#include "kernels/im2col.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

inline constexpr int kGatheredColumns = 8;  // patches that are gathered before the first of them is expanded

struct StripLayout {
  int rows, columns;  // of a band's output
  int planes, lines;
  bool shared;
  int tile_rows;
  ptrdiff_t cells, patch_stride;

  template <class Math>
  static StripLayout Of(const Window& w, ptrdiff_t patch_bytes, ptrdiff_t weight_bytes) {
    StripLayout s = {};
    s.tile_rows = Math::kTilePixels[0];
    s.cells = CellsOf<Math>(patch_bytes);
    s.patch_stride = s.cells * CellSrcBytes<Math>();
    // A band is walked once for each pair of channel blocks, and the weights once for each band: about as
    // many bytes of either. Below, bands would have few rows to share strips; above, they would leave the
    // cache.
    const ptrdiff_t budget = weight_bytes < kMinBandBytes   ? kMinBandBytes
                             : weight_bytes > kMaxBandBytes ? kMaxBandBytes
                                                            : weight_bytes;
    const int min_rows = w.oh < kMinBandRows ? w.oh : kMinBandRows;
    s.columns = w.ow;
    s.SetRows(w, min_rows);
    if (s.CellBytes() > budget) {  // then columns by whole tiles
      const ptrdiff_t tiles = budget / (s.CellBytes() / s.columns * s.tile_rows);
      const ptrdiff_t columns = (tiles < 1 ? 1 : tiles) * s.tile_rows;
      if (columns < w.ow) s.columns = static_cast<int>(columns);
    }
    int rows = min_rows;
    for (; rows < w.oh; ++rows) {
      s.SetRows(w, rows + 1);
      if (s.CellBytes() > budget) break;
    }
    const int bands = (w.oh + rows - 1) / rows;
    s.SetRows(w, (w.oh + bands - 1) / bands);
    return s;
  }

  int Plane(const Window& w, int ky) const { return shared ? ky * w.dilation_h % w.stride_h : ky; }
  int Shift(const Window& w, int ky) const { return shared ? ky * w.dilation_h / w.stride_h : 0; }
  // Source row under line l of plane p for a band that starts at output row oy; on the dilated, padded input.
  int SourceRow(const Window& w, int oy, int p, int l) const {
    return (oy + l) * w.stride_h + (shared ? p : p * w.dilation_h);
  }

  ptrdiff_t CellStride() const { return static_cast<ptrdiff_t>(planes) * lines * columns * kCellBytes; }
  ptrdiff_t CellBytes() const { return cells * CellStride(); }
  // The strips, what a last tile reads behind them, gathered patches, and the segments.
  ptrdiff_t GatheredOffset() const { return CellBytes() + (tile_rows - 1) * kCellBytes; }
  ptrdiff_t SegmentsOffset() const { return GatheredOffset() + kGatheredColumns * patch_stride; }
  size_t ScratchBytes(const Window& w) const {
    return static_cast<size_t>(SegmentsOffset()) + static_cast<size_t>(w.kh) * sizeof(ptrdiff_t);
  }

 private:
  static constexpr ptrdiff_t kMinBandBytes = 32 << 10, kMaxBandBytes = 128 << 10;
  static constexpr int kMinBandRows = 4;

  void SetRows(const Window& w, int band_rows) {
    rows = band_rows;
    const int shared_lines = rows + (w.kh - 1) * w.dilation_h / w.stride_h;
    shared = w.stride_h * shared_lines < w.kh * rows;
    planes = shared ? w.stride_h : w.kh;
    lines = shared ? shared_lines : rows;
  }
};

// Cells of the strip of a source row (null: padding) for output columns [ox, stop), from copies of the
// patches.
template <class Math>
void FillFromCopies(const StripLayout& layout, const Patches& patches, const std::byte* row, int ox, int stop,
                    std::byte* gathered, std::byte* cell) {
  while (ox < stop) {
    const int count = stop - ox < kGatheredColumns ? stop - ox : kGatheredColumns;
    for (int i = 0; i < count; ++i, ++ox) patches.Gather(row, ox, gathered + i * layout.patch_stride);
    for (int i = 0; i < count; ++i, cell += kCellBytes) {
      FillCells<Math>(gathered + i * layout.patch_stride, patches.PatchBytes(), layout.patch_stride,
                      layout.CellStride(), cell);
    }
  }
}

// The same, where patches can be read where they lie.
template <class Math>
void FillStrip(const StripLayout& layout, const Patches& patches, const std::byte* row, int ox, int stop,
               std::byte* gathered, std::byte* strip) {
  const auto clip = [&](int x) QRUN_INLINE_LAMBDA { return x < ox ? ox : x > stop ? stop : x; };
  const int first = row == nullptr ? stop : clip(patches.FirstInside());
  const int last = row == nullptr ? stop : clip(patches.LastInside());
  FillFromCopies<Math>(layout, patches, row, ox, first, gathered, strip);
  std::byte* cell = strip + static_cast<ptrdiff_t>(first - ox) * kCellBytes;
  if (first < last) {
    const ptrdiff_t patch_bytes = patches.PatchBytes(), cell_stride = layout.CellStride();
    const ptrdiff_t step = patches.window.stride_w * patches.pixel_bytes;
    const std::byte* patch = patches.At(row, first);
    ptrdiff_t readable = patches.End() - patch;
    for (int x = first; x < last; ++x, patch += step, readable -= step, cell += kCellBytes) {
      FillCells<Math>(patch, patch_bytes, readable, cell_stride, cell);
    }
  }
  FillFromCopies<Math>(layout, patches, row, first < last ? last : first, stop, gathered, cell);
}

// The strips under `rows` output rows from row oy of image n, columns [ox, ox + columns).
template <class Math>
void FillBand(const StripLayout& layout, const Patches& patches, int n, int oy, int rows, int ox, int columns,
              std::byte* scratch) {
  const Window& w = patches.window;
  for (int p = 0; p < layout.planes; ++p) {
    int filled = 0;
    for (int ky = 0; ky < w.kh; ++ky) {
      if (layout.Plane(w, ky) != p) continue;
      const int shift = layout.Shift(w, ky);
      for (int l = filled > shift ? filled : shift; l < shift + rows; ++l) {
        const int iy =
            InputIndex(layout.SourceRow(w, oy, p, l), 1, 0, 1, w.pad_top, w.input_dilation_h, w.ih);
        std::byte* strip =
            scratch + static_cast<ptrdiff_t>(p * layout.lines + l) * layout.columns * kCellBytes;
        FillStrip<Math>(layout, patches, patches.Row(n, iy), ox, ox + columns,
                        scratch + layout.GatheredOffset(), strip);
      }
      filled = shift + rows;
    }
  }
}

// Where the strips of each kernel row begin, to the end of the scratch.
inline const ptrdiff_t* FillSegments(const StripLayout& layout, const Window& w, std::byte* scratch) {
  auto* segments = reinterpret_cast<ptrdiff_t*>(scratch + layout.SegmentsOffset());
  for (int ky = 0; ky < w.kh; ++ky) {
    const ptrdiff_t line = static_cast<ptrdiff_t>(layout.Plane(w, ky)) * layout.lines + layout.Shift(w, ky);
    segments[ky] = line * layout.columns * kCellBytes;
  }
  return segments;
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_STRIPS_INL_H_
