// Gathers the pixels under a convolution's window into the rows of a Gemm chunk (gemm.inl.h). Works on bytes,
// for int8 and float alike.
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

inline constexpr ptrdiff_t kRunRegister = 16;

struct Patches {
  const Window& window;
  const std::byte* src;
  ptrdiff_t pixel_bytes;  // of all groups
  ptrdiff_t group_begin;  // byte offset of the group in a pixel
  ptrdiff_t group_bytes;
  uint8_t padding;      // every byte of a padding pixel
  ptrdiff_t row_align;  // kernel rows of a gathered patch start at multiples of this; what lies between is
                        // arbitrary

  ptrdiff_t PatchBytes() const { return PatchBytes(window, group_bytes, row_align); }
  static ptrdiff_t PatchBytes(const Window& w, ptrdiff_t group_bytes, ptrdiff_t row_align) {
    const ptrdiff_t run_bytes = w.kw * group_bytes;
    return w.kh == 1 ? run_bytes : w.kh * ((run_bytes + row_align - 1) / row_align * row_align);
  }
  bool IsPixel() const { return window.kh == 1 && window.kw == 1; }
  // Output pixel i is input pixel i, counted through all images.
  bool IsDense() const {
    const Window& w = window;
    return IsPixel() && w.stride_h == 1 && w.stride_w == 1 && w.pad_top == 0 && w.pad_left == 0 &&
           w.ih == w.oh && w.iw == w.ow && w.input_dilation_h == 1 && w.input_dilation_w == 1;
  }

  const std::byte* Pixel(int n, int iy, int ix) const {
    return src + PixelOffset(n, iy, ix, window.ih, window.iw, 1) * pixel_bytes + group_begin;
  }

  // The patch of output pixel (n, oy, ox): where it lies in src if that is in one piece, else `row`, filled.
  const std::byte* Gather(int n, int oy, int ox, std::byte* row) const {
    const Window& w = window;
    const int x0 = ox * w.stride_w - w.pad_left;
    const bool runs = w.dilation_w == 1 && w.input_dilation_w == 1 && group_bytes == pixel_bytes && x0 >= 0 &&
                      x0 + w.kw <= w.iw;
    const ptrdiff_t run_bytes = w.kw * group_bytes;
    const ptrdiff_t row_bytes = PatchBytes() / w.kh;
    // A short run is copied as one register while that stays inside of src; the next run overwrites what is
    // too much, and rows end with room for it (ChunkLayout).
    const std::byte* last_register = Pixel(w.n, 0, 0) - group_begin - kRunRegister;
    std::byte* out = row;
    for (int ky = 0; ky < w.kh; ++ky, out += row_bytes) {
      const int iy = InputRow(w, oy, ky);
      if (iy < 0) {
        __builtin_memset(out, padding, static_cast<size_t>(run_bytes));
      } else if (runs) {
        const std::byte* run = Pixel(n, iy, x0);
        if (w.kh == 1) return run;
        if (run_bytes <= kRunRegister && run <= last_register) {
          __builtin_memcpy(out, run, kRunRegister);
        } else {
          CopyBytes(out, run, run_bytes);
        }
      } else {
        std::byte* pixel = out;
        for (int kx = 0; kx < w.kw; ++kx, pixel += group_bytes) {
          const int ix = InputColumn(w, ox, kx);
          if (ix < 0) {
            __builtin_memset(pixel, padding, static_cast<size_t>(group_bytes));
          } else if (IsPixel()) {
            return Pixel(n, iy, ix);
          } else {
            CopyBytes(pixel, Pixel(n, iy, ix), group_bytes);
          }
        }
      }
    }
    return row;
  }
};

// Bytes of scratch for a chunk of `rows` patches: the expanded cells, the gathered patches, and where each
// patch lies.
struct ChunkLayout {
  int rows;
  ptrdiff_t cells, patch_stride;

  template <class Math>
  static ChunkLayout Of(ptrdiff_t patch_bytes, ptrdiff_t max_rows) {
    constexpr ptrdiff_t kCellSrcBytes = Math::kCellSrc * sizeof(typename Math::Wei);
    const ptrdiff_t cells = (patch_bytes + kCellSrcBytes - 1) / kCellSrcBytes;
    return {ChunkRows(cells, Math::kTilePixels[0], max_rows), cells,
            (patch_bytes + kRunRegister + 63) / 64 * 64};
  }
  ptrdiff_t CellBytes() const { return rows * cells * kCellBytes; }
  size_t ScratchBytes() const {
    return static_cast<size_t>(CellBytes() + rows * (patch_stride + static_cast<ptrdiff_t>(sizeof(void*))));
  }
};

// Expands one contiguous patch into row `row` of the chunk.
template <class Math>
QRUN_INLINE void FillRow(const ChunkLayout& layout, const std::byte* patch, ptrdiff_t patch_bytes, int row,
                         std::byte* chunk) {
  constexpr ptrdiff_t kCellSrcBytes = Math::kCellSrc * sizeof(typename Math::Wei);
  const ptrdiff_t stride = static_cast<ptrdiff_t>(layout.rows) * kCellBytes;
  std::byte* cell = chunk + static_cast<ptrdiff_t>(row) * kCellBytes;
  for (; patch_bytes >= kCellSrcBytes; patch_bytes -= kCellSrcBytes, patch += kCellSrcBytes, cell += stride) {
    Math::FillCell(patch, cell);
  }
  if (patch_bytes > 0) Math::FillCellPart(patch, static_cast<int>(patch_bytes), cell);
}

// Fills the chunk with the patches of output pixels first .. first + rows - 1, counted through all images.
// First all are gathered, then all expanded: expanding what has just been written in pieces would stall.
template <class Math>
void FillChunk(const ChunkLayout& layout, const Patches& patches, ptrdiff_t first, int rows,
               std::byte* scratch) {
  const ptrdiff_t patch_bytes = patches.PatchBytes();
  if (patches.IsDense()) {
    const std::byte* patch = patches.src + first * patches.pixel_bytes + patches.group_begin;
    for (int i = 0; i < rows; ++i, patch += patches.pixel_bytes)
      FillRow<Math>(layout, patch, patch_bytes, i, scratch);
    return;
  }
  const Window& w = patches.window;
  std::byte* gathered = scratch + layout.CellBytes();
  auto** where = reinterpret_cast<const std::byte**>(gathered + layout.rows * layout.patch_stride);
  int ox = static_cast<int>(first % w.ow);
  int oy = static_cast<int>(first / w.ow % w.oh);
  int n = static_cast<int>(first / w.ow / w.oh);
  for (int i = 0; i < rows; ++i) {
    where[i] = patches.Gather(n, oy, ox, gathered + i * layout.patch_stride);
    if (++ox < w.ow) continue;
    ox = 0;
    if (++oy < w.oh) continue;
    oy = 0;
    ++n;
  }
  for (int i = 0; i < rows; ++i) FillRow<Math>(layout, where[i], patch_bytes, i, scratch);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_IM2COL_INL_H_
