// Pillow's antialiased bilinear resize.
#ifndef QRUN_RUNTIME_IMAGE_RESIZE_H_
#define QRUN_RUNTIME_IMAGE_RESIZE_H_

#include <cstdint>

#include "runtime/image/image.h"
#include "schema/status.h"

namespace qrun::image {

// A rectangle of an image.
struct Window {
  int64_t left = 0;
  int64_t top = 0;
  int width = 0;
  int height = 0;
};

// The pixels inside `window` of `src` resized to width x height, equal byte for byte to Pillow 9.4's
// src.resize((width, height), Image.BILINEAR).crop(window); only what the window shows is computed.
//
// Each axis is filtered by a triangle of half width max(1, src / dst) around the pixel's centre, with weights
// that are normalised in binary64 and rounded to 22 fractional bits; first the rows (horizontally), rounded
// to 8 bits, then the columns. Source of the formula: Pillow's src/libImaging/Resample.c.
//
// Preconditions: src is well formed and has no side above 2^24. Errors: invalid_argument for an empty src,
// size or window, or a window that is not inside the resized image; resource_limit if memory runs out.
// Thread-safe.
Result<Image> ResizeBilinear(const Image& src, int64_t width, int64_t height, const Window& window);

}  // namespace qrun::image

#endif  // QRUN_RUNTIME_IMAGE_RESIZE_H_
