// Small windows of activations that stand for all of them.
#ifndef QRUN_CONVERTER_REPAIR_ROUNDING_TILES_H_
#define QRUN_CONVERTER_REPAIR_ROUNDING_TILES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "converter/repair/rounding/chain.h"

namespace qrun::converter {

// A window of a [1, H, W, C] activation, or of rows [.., C] with W = 1; may reach beyond the edges.
struct Window {
  int64_t y = 0, x = 0, h = 0, w = 0;
  size_t pixels() const { return static_cast<size_t>(h * w); }
};

// The window that the layer reads for window `dst` of its output.
Window SourceWindow(const PatchGeometry& geometry, Window dst);

// Windows of every activation in a chain for window `dst` of its output: [l] is what layer l reads, and the
// last one is `dst`.
std::vector<Window> ChainWindows(const Chain& chain, Window dst);

// Copies a window of `src` [h, w, channels] to `dst`; the pixel `outside` where it reaches beyond the edges
// (may be null if it does not).
template <class T>
void CopyWindow(std::span<const T> src, int64_t h, int64_t w, size_t channels, Window window,
                const T* outside, T* dst) {
  for (int64_t y = window.y; y < window.y + window.h; ++y) {
    for (int64_t x = window.x; x < window.x + window.w; ++x, dst += channels) {
      const bool inside = y >= 0 && y < h && x >= 0 && x < w;
      const T* pixel = inside ? src.data() + static_cast<size_t>(y * w + x) * channels : outside;
      std::copy_n(pixel, channels, dst);
    }
  }
}

struct Tile {
  size_t sample = 0;
  Window dst;  // of the chain's target
};

// Tiles of a chain, all of one size: some to learn from and, from other samples, some to check with.
struct TilePlan {
  std::vector<Tile> tiles;
  size_t learn = 0;  // the first of `tiles`; the others check
  int64_t h = 1, w = 1;
};

// Up to `pixels` pixels in tiles at random places, spread evenly over `samples` samples; the same for the
// same arguments. A single sample gives nothing to check with: then there are no tiles.
TilePlan PlanTiles(const Chain& chain, size_t samples, size_t pixels, uint32_t seed);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ROUNDING_TILES_H_
