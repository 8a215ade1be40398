// Half the multiplications of a Gemm, where those and not the additions are what registers wait for.
//
// Crossed products (S. Winograd, A New Algorithm for Inner Product, 1968): of two steps
//   x0 y0 + x1 y1 = (x0 + y1) (x1 + y0) - x0 x1 - y0 y1.
// What is subtracted belongs to a row or to a channel alone, is summed once and goes to the bias. A sum of
// two int8 is a word, and sums wrap modulo 2^32 on either side: exact. A segment's last step without a
// partner is multiplied as it is.
//
// The weights of two blocks are widened for all rows of a product, which saves that in every tile.
#ifndef QRUN_KERNELS_GEMM_CROSSED_INL_H_
#define QRUN_KERNELS_GEMM_CROSSED_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/gemm.inl.h"
#include "kernels/inline.inl.h"

namespace qrun::kernels {
namespace {

// Widens `steps` steps of weights of two blocks, which lie block_stride apart, to [step][2 blocks] registers
// at `wide`, and takes off bias what is too much in the crossed products of their channels. Returns the end.
template <class Ops>
std::byte* WidenCrossed(const int8_t* wei, ptrdiff_t block_stride, ptrdiff_t steps,
                        typename Ops::I32 (&bias)[2], std::byte* wide) {
  typename Ops::I32 sums[2] = {Ops::SetI32(0), Ops::SetI32(0)};
  for (ptrdiff_t step = 0; step < steps; ++step, wei += Ops::kLanes * Ops::kGroup) {
    Unroll<2>([&](auto b) QRUN_INLINE_LAMBDA {
      const typename Ops::I32 words = Ops::LoadWei(wei + b.value * block_stride);
      if (step % 2 != 0) Ops::Dot(sums[b.value], Ops::LoadI32(wide - 2 * Ops::kBytes), words);
      Ops::StoreI32(wide, words);
      wide += Ops::kBytes;
    });
  }
  Unroll<2>([&](auto b) QRUN_INLINE_LAMBDA { bias[b.value] = Ops::SubI32(bias[b.value], sums[b.value]); });
  return wide;
}

// What is too much in the crossed products of four rows.
template <class Ops>
struct CrossedRowSums {
  typename Ops::I32 low = Ops::SetI32(0), high = Ops::SetI32(0);  // of two rows each, in parts

  // Adds that of `count` groups of each row, of which a last one without a partner does not count. Whole
  // registers are read.
  QRUN_INLINE void Add(const std::byte* groups, ptrdiff_t row_stride, ptrdiff_t count) {
    for (; count > 0; count -= Ops::kLanes, groups += Ops::kBytes) {
      typename Ops::I32 rows[4];
      Unroll<4>([&](auto r)
                    QRUN_INLINE_LAMBDA { rows[r.value] = Ops::LoadI32(groups + r.value * row_stride); });
      if (count < Ops::kLanes) {
        Unroll<4>([&](auto r) QRUN_INLINE_LAMBDA {
          rows[r.value] = Ops::FirstPairs(rows[r.value], static_cast<int>(count));
        });
      }
      low = Ops::AddI32(low, Ops::CrossedPairs(rows[0], rows[1]));
      high = Ops::AddI32(high, Ops::CrossedPairs(rows[2], rows[3]));
    }
  }
  QRUN_INLINE void Store(int32_t* sums) const { Ops::StoreSums(sums, Ops::AddPairs(low, high)); }
};

// Math::Ops supplies DotCrossed, what CrossedRowSums needs and kCrossedRows (dot.inl.h).
template <class Math>
struct CrossedGemm {
  using Ops = typename Math::Ops;
  using Reg = typename Math::Reg;
  static constexpr int kLanes = Math::kLanes;
  static constexpr ptrdiff_t kWideBytes = Ops::kBytes;  // a step of a block

  const Gemm<Math>& g;

  // Of g.wide: [segment][step][2 blocks] registers.
  static size_t WideBytes(int segments, int steps) {
    return static_cast<size_t>(segments) * static_cast<size_t>(steps) * 2 * static_cast<size_t>(kWideBytes);
  }

  // Of the products of each row, what is too much. Precondition: at least four rows; those of the last four
  // are summed with them again.
  void SumRows(int32_t* sums) const {
    for (int done = 0; done < g.rows; done += 4) {
      const int row = done + 4 <= g.rows ? done : g.rows - 4;
      CrossedRowSums<Ops> rows;
      for (int s = 0; s < g.segment_count; ++s) {
        const std::byte* cell = g.chunk + g.segments[s] + static_cast<ptrdiff_t>(row) * kCellBytes;
        for (int left = g.steps; left > 0; left -= kCellSteps, cell += g.cell_stride)
          rows.Add(cell, kCellBytes, left < kCellSteps ? left : kCellSteps);
      }
      rows.Store(sums + row);
    }
  }

  // All rows of two blocks.
  void Column(int block) const {
    constexpr int kRows = Ops::kCrossedRows;
    Reg bias[2];
    WidenWeights(block, bias);
    int row = 0;
    for (; g.rows - row >= kRows; row += kRows) Tile<kRows>(row, block, bias);
    for (; row < g.rows; ++row) Tile<1>(row, block, bias);
  }

 private:
  // bias: less what is too much in the products of a channel.
  void WidenWeights(int block, Reg (&bias)[2]) const {
    const ptrdiff_t block_stride = static_cast<ptrdiff_t>(g.segment_count) * g.steps * Math::kWeiPerStep;
    Unroll<2>([&](auto b)
                  QRUN_INLINE_LAMBDA { bias[b.value] = Math::LoadBia(g.bia + (block + b.value) * kLanes); });
    const typename Math::Wei* wei = g.wei + block * block_stride;
    std::byte* out = g.wide;
    for (int s = 0; s < g.segment_count; ++s) {
      out = WidenCrossed<Ops>(wei, block_stride, g.steps, bias, out);
      wei += g.steps * Math::kWeiPerStep;
    }
  }

  template <int kRows>
  QRUN_INLINE void Tile(int row, int block, const Reg (&bias)[2]) const {
    Reg acc[kRows * 2];
    Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
      const Reg sum = Ops::SetI32(g.crossed_sums[row + r.value]);
      Unroll<2>([&](auto b)
                    QRUN_INLINE_LAMBDA { acc[r.value * 2 + b.value] = Ops::SubI32(bias[b.value], sum); });
    });
    const auto wei_at = [](const std::byte* w, int i)
                            QRUN_INLINE_LAMBDA { return Ops::LoadI32(w + i * kWideBytes); };
    const auto group_at = [](const std::byte* src, int r)
                              QRUN_INLINE_LAMBDA { return Ops::BroadcastGroup(src + r * kCellBytes); };
    const std::byte* w = g.wide;
    const std::byte* first_cell = g.chunk + static_cast<ptrdiff_t>(row) * kCellBytes;
    for (const ptrdiff_t* segment = g.segments; segment != g.segments + g.segment_count; ++segment) {
      const std::byte* cell = first_cell + *segment;
      for (int left = g.steps; left > 0; left -= kCellSteps, cell += g.cell_stride) {
        const int count = left < kCellSteps ? left : kCellSteps;
        const std::byte* src = cell;
        for (const std::byte* end = cell + count / 2 * 8; src != end; src += 8, w += 4 * kWideBytes) {
          const Reg wei[3] = {wei_at(w, 1), wei_at(w, 2), wei_at(w, 3)};
          Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
            Ops::DotCrossed(acc[r.value * 2], acc[r.value * 2 + 1], group_at(src, r.value),
                            group_at(src + 4, r.value), w, wei);
          });
        }
        if (count % 2 != 0) {
          const Reg wei[2] = {wei_at(w, 0), wei_at(w, 1)};
          Math::template MulAddTile<kRows, 2>(
              acc, wei, [&](auto r) QRUN_INLINE_LAMBDA { return group_at(src, r.value); });
          w += 2 * kWideBytes;
        }
      }
    }
    const RowsAt<typename Math::Dst> rows_at = {g.dst + row * g.dst_stride + block * kLanes, g.dst_stride};
    g.math.template Store<kRows, 2>(acc, block * kLanes, rows_at, kRows, g.oc - block * kLanes);
  }
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_GEMM_CROSSED_INL_H_
