// Gathers pixels under a row of a convolution's kernel into the rows of a Gemm chunk (gemm.inl.h). Works on
// bytes, for int8 and float alike.
#ifndef QRUN_KERNELS_IM2COL_INL_H_
#define QRUN_KERNELS_IM2COL_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/gemm.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

// What a pixel outside of the image holds: in every byte `value`, or where that is not null the bytes at
// `values`, one pixel of all groups.
struct PaddingPixel {
  uint8_t value = 0;
  const std::byte* values = nullptr;
};

// A patch: the kw pixels of a group that a kernel row of an output pixel reads.
struct Patches {
  const Window& window;
  const std::byte* src;
  ptrdiff_t pixel_bytes;  // of all groups
  ptrdiff_t group_begin;  // byte offset of the group in a pixel
  ptrdiff_t group_bytes;
  PaddingPixel padding;

  ptrdiff_t PatchBytes() const { return window.kw * group_bytes; }
  // Output pixel i is input pixel i, counted through all images.
  bool IsDense() const {
    const Window& w = window;
    return w.kh == 1 && w.kw == 1 && w.stride_h == 1 && w.stride_w == 1 && w.pad_top == 0 &&
           w.pad_left == 0 && w.ih == w.oh && w.iw == w.ow && w.input_dilation_h == 1 &&
           w.input_dilation_w == 1;
  }
  const std::byte* End() const {
    return src + PixelOffset(window.n, 0, 0, window.ih, window.iw, 1) * pixel_bytes;
  }
  // Row iy of image n, or null for padding (iy < 0).
  const std::byte* Row(int n, int iy) const {
    return iy < 0 ? nullptr : src + PixelOffset(n, iy, 0, window.ih, window.iw, 1) * pixel_bytes;
  }

  // Output columns [first, last) whose patches lie in one piece in src; none if first >= last.
  int FirstInside() const { return (window.pad_left + window.stride_w - 1) / window.stride_w; }
  int LastInside() const {
    const Window& w = window;
    const bool adjacent = w.kw == 1 || (w.dilation_w == 1 && group_bytes == pixel_bytes);
    const int room = w.iw - w.kw + w.pad_left;
    return adjacent && w.input_dilation_w == 1 && room >= 0 ? room / w.stride_w + 1 : 0;
  }
  // The patch of a column inside.
  const std::byte* At(const std::byte* row, int ox) const {
    return row + static_cast<ptrdiff_t>(ox * window.stride_w - window.pad_left) * pixel_bytes + group_begin;
  }
  // Copies the patch of output column ox on an input row (null: padding).
  void Gather(const std::byte* row, int ox, std::byte* out) const {
    const Window& w = window;
    std::byte* pixel = out;
    for (int kx = 0; kx < w.kw; ++kx, pixel += group_bytes) {
      const int ix = row == nullptr ? -1 : InputColumn(w, ox, kx);
      if (ix < 0 && padding.values != nullptr) {
        CopyBytes(pixel, padding.values + group_begin, group_bytes);
      } else if (ix < 0) {
        __builtin_memset(pixel, padding.value, static_cast<size_t>(group_bytes));
      } else {
        CopyBytes(pixel, row + ix * pixel_bytes + group_begin, group_bytes);
      }
    }
  }
};

// Source bytes of a cell, and cells of so many bytes.
template <class Math>
constexpr ptrdiff_t CellSrcBytes() {
  return Math::kCellSrc * static_cast<ptrdiff_t>(sizeof(typename Math::Wei));
}
template <class Math>
constexpr ptrdiff_t CellsOf(ptrdiff_t bytes) {
  return (bytes + CellSrcBytes<Math>() - 1) / CellSrcBytes<Math>();
}

// Expands a contiguous run of `bytes` bytes, of which `readable` may be read, into cells that lie
// `cell_stride` bytes apart.
template <class Math>
QRUN_INLINE void FillCells(const std::byte* run, ptrdiff_t bytes, ptrdiff_t readable, ptrdiff_t cell_stride,
                           std::byte* cell) {
  constexpr ptrdiff_t kSrc = CellSrcBytes<Math>();
  for (; bytes >= kSrc; bytes -= kSrc, readable -= kSrc, run += kSrc, cell += cell_stride) {
    Math::FillCell(run, cell);
  }
  if (bytes > 0 && readable >= kSrc) {
    Math::FillCell(run, cell);
  } else if (bytes > 0) {
    Math::FillCellPart(run, static_cast<int>(bytes), cell);
  }
}

// Bytes of scratch for a chunk of `rows` patches: the expanded cells, the gathered patches, and where each
// patch lies.
struct ChunkLayout {
  int rows;
  ptrdiff_t cells, patch_stride;

  template <class Math>
  static ChunkLayout Of(ptrdiff_t patch_bytes, ptrdiff_t max_rows, ptrdiff_t min_tiles = 1) {
    const ptrdiff_t cells = CellsOf<Math>(patch_bytes);
    return {ChunkRows(cells, Math::kTilePixels[0], max_rows, min_tiles), cells, cells * CellSrcBytes<Math>()};
  }
  ptrdiff_t CellStride() const { return static_cast<ptrdiff_t>(rows) * kCellBytes; }
  ptrdiff_t CellBytes() const { return rows * cells * kCellBytes; }
  size_t ScratchBytes() const {
    return static_cast<size_t>(CellBytes() + rows * (patch_stride + static_cast<ptrdiff_t>(sizeof(void*))));
  }
};

// Fills the chunk with the patches of output pixels first .. first + rows - 1, counted through all images, of
// a kernel of one row. First all are gathered, then all expanded: expanding what has just been written in
// pieces would stall.
template <class Math>
void FillChunk(const ChunkLayout& layout, const Patches& patches, ptrdiff_t first, int rows,
               std::byte* scratch) {
  const ptrdiff_t patch_bytes = patches.PatchBytes();
  if (patches.IsDense()) {
    // The depth-first block passes rows that are alone in its scratch: what is behind them cannot be read.
    const std::byte* patch = patches.src + first * patches.pixel_bytes + patches.group_begin;
    const std::byte* end = patches.src + (first + rows) * patches.pixel_bytes;
    for (int i = 0; i < rows; ++i, patch += patches.pixel_bytes) {
      FillCells<Math>(patch, patch_bytes, end - patch, layout.CellStride(), scratch + i * kCellBytes);
    }
    return;
  }
  const Window& w = patches.window;
  const std::byte* end = patches.End();
  const int first_inside = patches.FirstInside(), last_inside = patches.LastInside();
  std::byte* gathered = scratch + layout.CellBytes();
  auto** where = reinterpret_cast<const std::byte**>(gathered + layout.rows * layout.patch_stride);
  int ox = static_cast<int>(first % w.ow);
  int oy = static_cast<int>(first / w.ow % w.oh);
  int n = static_cast<int>(first / w.ow / w.oh);
  for (int i = 0; i < rows; ++i) {
    const std::byte* row = patches.Row(n, InputRow(w, oy, 0));
    std::byte* out = gathered + i * layout.patch_stride;
    const bool inside = row != nullptr && ox >= first_inside && ox < last_inside;
    if (!inside) patches.Gather(row, ox, out);
    where[i] = inside ? patches.At(row, ox) : out;
    if (++ox < w.ow) continue;
    ox = 0;
    if (++oy < w.oh) continue;
    oy = 0;
    ++n;
  }
  for (int i = 0; i < rows; ++i) {
    const bool in_src = where[i] != gathered + i * layout.patch_stride;
    FillCells<Math>(where[i], patch_bytes, in_src ? end - where[i] : layout.patch_stride, layout.CellStride(),
                    scratch + i * kCellBytes);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_IM2COL_INL_H_
