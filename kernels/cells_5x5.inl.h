// The 5x5 depthwise filter of the depth-first block (inverted_residual_cells_s8.inl.h) on kept cells of
// bytes. The weights of two output rows take 20 registers, so this is for instruction sets that have 32.
//
// The five rows under an output row lie in a cell of four rows and the next one, which takes two dot products
// for each column of the filter. For an output row whose first input row is row s of the former cell, rows
// [0, 4 - s) of the weights meet the former, the others the latter.
#ifndef QRUN_KERNELS_CELLS_5X5_INL_H_
#define QRUN_KERNELS_CELLS_5X5_INL_H_

#include <cstddef>

#include "kernels/cells.inl.h"
#include "kernels/inline.inl.h"

namespace qrun::kernels {
namespace {

// Weights of one block of channels for output rows of one s.
template <class Tag>
struct Filter5x5 {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using Cells = kernels::Cells<Tag>;
  static constexpr int kCell = Cells::kBytes;

  I32 former[5], latter[5];  // by column

  // `prepared`: of each column the cell of weights 0 to 3 and the cell of weight 4 and zeros.
  QRUN_INLINE Filter5x5(const std::byte* prepared, int s) {
    const I32 moved_on = Cells::RowMask(0, s);
    Unroll<5>([&](auto kx) QRUN_INLINE_LAMBDA {
      const std::byte* column = prepared + kx.value * 2 * kCell;
      const I32 head = Cells::MoveRows(Cells::Load(column), s);
      const I32 tail = Cells::MoveRows(Cells::Load(column + kCell), s);
      former[kx.value] = Cells::Select(moved_on, Ops::SetI32(0), head);
      latter[kx.value] = Cells::Select(moved_on, head, tail);
    });
  }
};

// The sums of a quad over the cells at `former` and `latter`: slot j has column kStride * (j / kRows) as its
// first, and filter j % kRows. Columns are read once, for all slots.
template <class Tag, int kRows, int kStride>
QRUN_INLINE void AddQuad5x5(typename S8<Tag>::I32 (&acc)[4], const Filter5x5<Tag> (&filters)[kRows],
                            const std::byte* former, const std::byte* latter) {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  constexpr int kCell = Filter5x5<Tag>::kCell;
  Unroll<(4 / kRows - 1) * kStride + 5>([&](auto column) QRUN_INLINE_LAMBDA {
    const I32 upper = Ops::LoadI32(former + column.value * kCell);
    const I32 lower = Ops::LoadI32(latter + column.value * kCell);
    Unroll<4>([&](auto j) QRUN_INLINE_LAMBDA {
      constexpr int kx = column.value - kStride * (j.value / kRows);
      if constexpr (kx >= 0 && kx < 5) {
        Ops::Dot(acc[j.value], upper, filters[j.value % kRows].former[kx]);
        Ops::Dot(acc[j.value], lower, filters[j.value % kRows].latter[kx]);
      }
    });
  });
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CELLS_5X5_INL_H_
