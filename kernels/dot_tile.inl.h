// The step of every register tile: one group of some rows times one step of weights of some channel blocks;
// and where those weights lie.
#ifndef QRUN_KERNELS_DOT_TILE_INL_H_
#define QRUN_KERNELS_DOT_TILE_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/dot.inl.h"
#include "kernels/inline.inl.h"

namespace qrun::kernels {
namespace {

template <class Ops>
concept DotsInPairs = requires(typename Ops::I32 acc, typename Ops::I32 v) {
  Ops::DotPair(acc, acc, v, v, v, v);
};

// acc[r * kBlocks + b] += src(Index<r>) * wei[b]; src(r) gives the group of row r in all lanes.
template <class Ops, int kRows, int kBlocks, class Src>
QRUN_INLINE void DotTile(typename Ops::I32 (&acc)[kRows * kBlocks], const typename Ops::I32 (&wei)[kBlocks],
                         Src&& src) {
  using I32 = typename Ops::I32;
  constexpr bool kPairs = DotsInPairs<Ops>;
  if constexpr (kPairs && kBlocks == 1) {
    Unroll<kRows / 2>([&](auto pair) QRUN_INLINE_LAMBDA {
      constexpr int r = 2 * pair.value;
      const I32 src0 = src(Index<r>{}), src1 = src(Index<r + 1>{});
      Ops::DotPair(acc[r], acc[r + 1], src0, src1, wei[0], wei[0]);
    });
    if constexpr (kRows % 2 == 1) Ops::Dot(acc[kRows - 1], src(Index<kRows - 1>{}), wei[0]);
  } else {
    constexpr int kPaired = kPairs ? kBlocks / 2 * 2 : 0;
    Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
      const I32 group = src(r);
      if constexpr (kPaired > 0) {
        Unroll<kPaired / 2>([&](auto pair) QRUN_INLINE_LAMBDA {
          constexpr int b = 2 * pair.value, i = r.value * kBlocks + b;
          Ops::DotPair(acc[i], acc[i + 1], group, group, wei[b], wei[b + 1]);
        });
      }
      Unroll<kBlocks - kPaired>([&](auto b) QRUN_INLINE_LAMBDA {
        Ops::Dot(acc[r.value * kBlocks + kPaired + b.value], group, wei[kPaired + b.value]);
      });
    });
  }
}

// The weights of kBlocks channel blocks, step by step: as packed, each block by itself, or widened to the
// words that dot products read, a step of all blocks side by side.
template <class Ops, int kBlocks, bool kWide>
struct WeightSteps {
  static constexpr ptrdiff_t kBytes = kWide ? kBlocks * Ops::kBytes : Ops::kLanes * Ops::kGroup;  // of a step

  ptrdiff_t block_stride;  // as packed

  QRUN_INLINE typename Ops::I32 Load(const std::byte* step, int b) const {
    if constexpr (kWide) return Ops::LoadI32(step + b * Ops::kBytes);
    return Ops::LoadWei(reinterpret_cast<const int8_t*>(step + b * block_stride));
  }
};

template <class Ops, int kBlocks>
inline void WidenSteps(const int8_t* wei, ptrdiff_t block_stride, ptrdiff_t steps, std::byte* wide) {
  for (ptrdiff_t step = 0; step < steps; ++step, wei += Ops::kLanes * Ops::kGroup) {
    Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
      Ops::StoreI32(wide, Ops::LoadWei(wei + b.value * block_stride));
      wide += Ops::kBytes;
    });
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DOT_TILE_INL_H_
