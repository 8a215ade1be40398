// Rows of an image as the register tiles of a convolution can read them in place: activations as dot products
// take them, with the padding to the left and right. Where few channels are read with several columns of a
// kernel, that takes a fraction of the room of a cell for each output column (strips.inl.h), and all of it
// stays in the first-level cache.
#ifndef QRUN_KERNELS_PADDED_ROWS_INL_H_
#define QRUN_KERNELS_PADDED_ROWS_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.inl.h"
#include "kernels/im2col.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

// The rows under a band of output rows. An activation takes kBytes of them.
template <class Math>
struct PaddedRows {
  static constexpr ptrdiff_t kGroup = Math::kCellSrc / kCellSteps;  // activations of a step
  static constexpr ptrdiff_t kBytes = 4 / kGroup;

  int rows;  // of a band's output
  ptrdiff_t row_bytes;

  static PaddedRows Of(const Window& w, ptrdiff_t ic) {
    PaddedRows layout = {};
    // A last tile reads behind the image; a last step, and what is loaded with it, behind its patch.
    const ptrdiff_t reached = (w.ow + Math::kTilePixels[0] - 1) * ptrdiff_t{w.stride_w} + w.kw;
    const ptrdiff_t stored = w.pad_left + w.iw;
    layout.row_bytes =
        ((reached > stored ? reached : stored) * ic * kBytes + 2 * kCellBytes - 1) / kCellBytes * kCellBytes;
    layout.rows = 1;
    while (layout.rows < w.oh && layout.SourceRows(w, layout.rows + 1) * layout.row_bytes <= kBandBytes)
      ++layout.rows;
    const int bands = (w.oh + layout.rows - 1) / layout.rows;
    layout.rows = (w.oh + bands - 1) / bands;
    return layout;
  }

  // False where not even the rows under one output row stay small: very wide or far apart.
  bool IsSmall(const Window& w) const { return SourceRows(w, 1) * row_bytes <= kMaxBytes; }
  // Source rows under so many output rows.
  static ptrdiff_t SourceRows(const Window& w, int output_rows) {
    return (output_rows - 1) * ptrdiff_t{w.stride_h} + (w.kh - 1) * ptrdiff_t{w.dilation_h} + 1;
  }
  // A row of padding, the rows, and the segments.
  ptrdiff_t RowsOffset() const { return row_bytes; }
  ptrdiff_t SegmentsOffset(const Window& w) const { return RowsOffset() + SourceRows(w, rows) * row_bytes; }
  size_t ScratchBytes(const Window& w) const {
    return static_cast<size_t>(SegmentsOffset(w)) + static_cast<size_t>(w.kh) * sizeof(ptrdiff_t);
  }

 private:
  static constexpr ptrdiff_t kBandBytes = 16 << 10, kMaxBytes = 64 << 10;
};

// `row_bytes` bytes of activations that all hold padding.
template <class Math>
void FillPaddingRow(const PaddingPixel& padding, ptrdiff_t pixel_bytes, ptrdiff_t row_bytes, std::byte* row) {
  constexpr ptrdiff_t kSrc = CellSrcBytes<Math>();
  ptrdiff_t channel_byte = 0;
  for (ptrdiff_t i = 0; i < row_bytes; i += kCellBytes) {
    std::byte piece[kSrc];
    for (std::byte& byte : piece) {
      byte = padding.values == nullptr ? static_cast<std::byte>(padding.value) : padding.values[channel_byte];
      if (++channel_byte == pixel_bytes) channel_byte = 0;
    }
    Math::FillCell(piece, row + i);
  }
}

// A source row of `src_bytes` bytes (null: padding) behind `left` bytes of padding, and padding behind it, up
// to `row_bytes` bytes. Nothing is read of padding_row where nothing is padded.
template <class Math>
QRUN_INLINE void FillRow(const std::byte* src, ptrdiff_t src_bytes, ptrdiff_t left,
                         const std::byte* padding_row, ptrdiff_t row_bytes, std::byte* row) {
  if (src == nullptr) return CopyBytes(row, padding_row, row_bytes);
  constexpr ptrdiff_t kSrc = CellSrcBytes<Math>();
  CopyBytes(row, padding_row, left);
  std::byte* to = row + left;
  const std::byte* const end = src + src_bytes;
  for (; end - src >= kSrc; src += kSrc, to += kCellBytes) Math::FillCell(src, to);
  if (src < end) Math::FillCellExactly(src, static_cast<int>(end - src), to);
  const ptrdiff_t right = left + src_bytes * (kCellBytes / kSrc);
  CopyBytes(row + right, padding_row + right, row_bytes - right);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_PADDED_ROWS_INL_H_
