#include "converter/repair/rounding/tiles.h"

#include <algorithm>
#include <random>

namespace qrun::converter {
namespace {

// Large enough that the borders which a 3x3 filter needs around a tile do not cost more than the tile.
constexpr int64_t kTileOfBlock = 7, kTileOfLayer = 4;
constexpr size_t kCheckEvery = 8;

}  // namespace

Window SourceWindow(const PatchGeometry& g, Window dst) {
  return {dst.y * g.stride_h - g.pad_top, dst.x * g.stride_w - g.pad_left,
          (dst.h - 1) * g.stride_h + (g.kh - 1) * g.dilation_h + 1,
          (dst.w - 1) * g.stride_w + (g.kw - 1) * g.dilation_w + 1};
}

std::vector<Window> ChainWindows(const Chain& chain, Window dst) {
  std::vector<Window> windows(chain.layers.size() + 1);
  windows.back() = dst;
  for (size_t l = chain.layers.size(); l-- > 0;) {
    windows[l] = SourceWindow(chain.layers[l].geometry, windows[l + 1]);
  }
  return windows;
}

TilePlan PlanTiles(const Chain& chain, size_t samples, size_t pixels, uint32_t seed) {
  TilePlan plan;
  if (samples < 2) return plan;
  const PatchGeometry& last = chain.layers.back().geometry;
  const int64_t side = chain.layers.size() > 1 ? kTileOfBlock : kTileOfLayer;
  plan.h = std::min(last.oh, side);
  plan.w = std::min(last.ow, side);
  const size_t tile_pixels = static_cast<size_t>(plan.h * plan.w);
  // More tiles than fit side by side would only repeat pixels.
  const size_t room = static_cast<size_t>((last.oh / plan.h) * (last.ow / plan.w)) * samples;
  const size_t count = std::clamp<size_t>(pixels / tile_pixels, std::min(samples, room), room);
  std::mt19937 random(seed);
  std::vector<Tile> check;
  for (size_t i = 0; i < count; ++i) {
    const size_t sample = i % samples;
    const auto y = static_cast<int64_t>(random() % static_cast<uint64_t>(last.oh - plan.h + 1));
    const auto x = static_cast<int64_t>(random() % static_cast<uint64_t>(last.ow - plan.w + 1));
    const bool checks = sample % kCheckEvery == std::min(kCheckEvery, samples) - 1;
    (checks ? check : plan.tiles).push_back({sample, {y, x, plan.h, plan.w}});
  }
  plan.learn = plan.tiles.size();
  plan.tiles.insert(plan.tiles.end(), check.begin(), check.end());
  return plan;
}

}  // namespace qrun::converter
