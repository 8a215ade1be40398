// Where the taps of a window read.
#ifndef QRUN_KERNELS_WINDOW_INL_H_
#define QRUN_KERNELS_WINDOW_INL_H_

#include <cstddef>

#include "kernels/args.h"

namespace qrun::kernels {
namespace {

// Index along one axis of the stored input pixel that tap k of output pixel o reads, or -1 if it reads
// padding or a gap between dilated input pixels.
inline int InputIndex(int o, int stride, int k, int dilation, int pad, int input_dilation, int extent) {
  const int i = o * stride + k * dilation - pad;
  if (input_dilation == 1) return i >= 0 && i < extent ? i : -1;  // nearly always; divisions are slow
  if (i < 0 || i % input_dilation != 0) return -1;
  return i / input_dilation < extent ? i / input_dilation : -1;
}

inline int InputRow(const Window& w, int oy, int ky) {
  return InputIndex(oy, w.stride_h, ky, w.dilation_h, w.pad_top, w.input_dilation_h, w.ih);
}

inline int InputColumn(const Window& w, int ox, int kx) {
  return InputIndex(ox, w.stride_w, kx, w.dilation_w, w.pad_left, w.input_dilation_w, w.iw);
}

// The taps of a window along one axis that read pixels: `count` of them, every `step` pixels from `first` on.
struct TapsInside {
  int first = 0, count = 0, step = 0;
};

inline TapsInside FindTaps(int o, int stride, int taps, int dilation, int pad, int input_dilation,
                           int extent) {
  TapsInside inside;
  for (int k = 0; k < taps; ++k) {
    const int i = InputIndex(o, stride, k, dilation, pad, input_dilation, extent);
    if (i < 0) continue;
    if (inside.count == 0) inside.first = i;
    if (inside.count == 1) inside.step = i - inside.first;
    ++inside.count;
  }
  return inside;
}

// Offset in elements of pixel (y, x) of image n in a tensor [*, h, w, c].
inline ptrdiff_t PixelOffset(ptrdiff_t n, ptrdiff_t y, ptrdiff_t x, int h, int w, int c) {
  return ((n * h + y) * w + x) * c;
}

// The part of an axis that an average pooling window covers: input pixels [begin, end), and how many pixels
// divide the sum.
struct PoolSpan {
  int begin, end, count;
};

// `start` is the window's first pixel, may be negative. With count_include_pad the region that counts also
// has the padding before (there a window cannot start earlier) and pad_after pixels behind the image.
inline PoolSpan SpanInside(int start, int k, int extent, int pad_after, bool count_include_pad) {
  const int stop = start + k;
  const int begin = start > 0 ? start : 0;
  const int end = stop < extent ? stop : extent;
  if (!count_include_pad) return {begin, end, end > begin ? end - begin : 0};
  const int padded_stop = stop < extent + pad_after ? stop : extent + pad_after;
  return {begin, end, padded_stop > start ? padded_stop - start : 0};
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_WINDOW_INL_H_
