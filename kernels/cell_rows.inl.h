// Where the depth-first block (inverted_residual_cells_s8.inl.h) keeps cells between their expansion and the
// filter: a row of columns for each block of channels of a slab, from one group of expanded rows to the next.
#ifndef QRUN_KERNELS_CELL_ROWS_INL_H_
#define QRUN_KERNELS_CELL_ROWS_INL_H_

#include <cstddef>

#include "kernels/cells.inl.h"
#include "kernels/inline.inl.h"

namespace qrun::kernels {
namespace {

// A block is given by its number, counted from a slab's first, its place b in the slab, and the turn, TurnOf
// the number of groups of its strip that came before. `place(bytes)` gives memory. Columns of a row are
// kColumn bytes apart, rows of a slab row_bytes().
//   Joined, Group        cells that lie across the last group and this one, and those of this one; with 5x5
//                        filters Joined gives the cells of the last group
//   At(..., column)      where a slab's cells of this group go: Store what is finished; Hold what is not,
//                        and Store it later
//   PadLeft(count, cell) the first columns, once
//   Pad(..., begin, end, cell)   columns of Joined and Group
template <class Tag, int kKernel, bool kKept = Cells<Tag>::kKept>
class CellRows;

// Whole cells, each of which its successor overwrites, once they are joined.
template <class Tag, int kKernel>
class CellRows<Tag, kKernel, true> {
  using Cells = kernels::Cells<Tag>;
  using Cell = typename Cells::Cell;
  using View = typename Cells::View;

 public:
  static constexpr int kColumn = Cells::kBytes;

  CellRows() = default;
  template <class Place>
  CellRows(int blocks, int slab_blocks, int columns, Place&& place)
      : blocks_(blocks), slab_blocks_(slab_blocks), row_bytes_(columns * ptrdiff_t{kColumn}) {
    cells_ = place(blocks * row_bytes_);
    joined_ = place(slab_blocks * row_bytes_);
  }

  ptrdiff_t row_bytes() const { return row_bytes_; }
  struct Turn {};
  Turn TurnOf(int) const { return {}; }
  View Joined(int, int b, Turn) const { return {joined_ + b * row_bytes_}; }
  View Group(int block, int, Turn) const { return {cells_ + block * row_bytes_}; }

  struct Target {
    std::byte *cells, *joined;

    QRUN_INLINE void Store(ptrdiff_t at, Cell cell) const {
      if constexpr (kKernel == 3) {
        Cells::Store(joined + at, Cells::Joined(Cells::Load(cells + at), cell));
      } else {
        Cells::Store(joined + at, Cells::Load(cells + at));
      }
      Cells::Store(cells + at, cell);
    }
    QRUN_INLINE void Hold(ptrdiff_t at, Cell cell) const { Cells::Store(joined + at, cell); }
    QRUN_INLINE Cell Held(ptrdiff_t at) const { return Cells::Load(joined + at); }
    QRUN_INLINE void Advance(ptrdiff_t bytes) {
      cells += bytes;
      joined += bytes;
    }
  };
  Target At(int block, int b, Turn, int column) const {
    const ptrdiff_t at = column * ptrdiff_t{kColumn};
    return {cells_ + block * row_bytes_ + at, joined_ + b * row_bytes_ + at};
  }

  void PadLeft(int count, Cell cell) const {
    for (int b = 0; b < slab_blocks_; ++b) Fill(joined_ + b * row_bytes_, 0, count, cell);
    for (int block = 0; block < blocks_; ++block) Fill(cells_ + block * row_bytes_, 0, count, cell);
  }
  void Pad(int block, int b, Turn, int begin, int end, Cell cell) const {
    Fill(joined_ + b * row_bytes_, begin, end, cell);
    Fill(cells_ + block * row_bytes_, begin, end, cell);
  }

 private:
  static void Fill(std::byte* row, int begin, int end, Cell cell) {
    for (int x = begin; x < end; ++x) Cells::Store(row + x * ptrdiff_t{kColumn}, cell);
  }

  int blocks_, slab_blocks_;
  ptrdiff_t row_bytes_;
  std::byte *cells_, *joined_;
};

// Halves of cells, each stored once: the upper ones live until the next group has been filtered, which writes
// its own elsewhere. So there are rows of upper halves for all blocks and a slab, taken in turns.
template <class Tag, int kKernel>
class CellRows<Tag, kKernel, false> {
  using Cells = kernels::Cells<Tag>;
  using Cell = typename Cells::Cell;
  using View = typename Cells::View;

 public:
  static constexpr int kColumn = Cells::kBytes;

  CellRows() = default;
  template <class Place>
  CellRows(int blocks, int slab_blocks, int columns, Place&& place)
      : slab_blocks_(slab_blocks),
        blocks_((blocks + slab_blocks - 1) / slab_blocks * slab_blocks),
        row_bytes_(columns * ptrdiff_t{kColumn}) {
    lower_ = place(slab_blocks * row_bytes_);
    upper_ = place(UpperRows() * row_bytes_);
  }

  ptrdiff_t row_bytes() const { return row_bytes_; }
  struct Turn {
    int before, now;  // where the first block's upper halves are
  };
  // Of the first group, no filter reads what was before.
  Turn TurnOf(int group) const {
    const int now = static_cast<int>(int64_t{group} * blocks_ % UpperRows());
    return {now < blocks_ ? now + slab_blocks_ : now - blocks_, now};
  }
  View Joined(int block, int b, Turn turn) const {
    return {Upper(block, turn.before), lower_ + b * row_bytes_};
  }
  View Group(int block, int b, Turn turn) const { return {lower_ + b * row_bytes_, Upper(block, turn.now)}; }

  struct Target {
    std::byte *lower, *upper;

    QRUN_INLINE void Store(ptrdiff_t at, const Cell& cell) const {
      Cells::StoreHalf(lower + at, cell.low);
      Cells::StoreHalf(upper + at, cell.high);
    }
    QRUN_INLINE void Hold(ptrdiff_t at, const Cell& cell) const { Store(at, cell); }
    QRUN_INLINE Cell Held(ptrdiff_t at) const { return Cells::Load(View{lower + at, upper + at}); }
    QRUN_INLINE void Advance(ptrdiff_t bytes) {
      lower += bytes;
      upper += bytes;
    }
  };
  Target At(int block, int b, Turn turn, int column) const {
    const ptrdiff_t at = column * ptrdiff_t{kColumn};
    return {lower_ + b * row_bytes_ + at, Upper(block, turn.now) + at};
  }

  void PadLeft(int count, const Cell& cell) const {
    for (int b = 0; b < slab_blocks_; ++b) Fill(lower_ + b * row_bytes_, 0, count, cell.low);
    for (int row = 0; row < UpperRows(); ++row) Fill(upper_ + row * row_bytes_, 0, count, cell.high);
  }
  void Pad(int block, int b, Turn turn, int begin, int end, const Cell& cell) const {
    Fill(lower_ + b * row_bytes_, begin, end, cell.low);
    Fill(Upper(block, turn.now), begin, end, cell.high);
  }

 private:
  int UpperRows() const { return blocks_ + slab_blocks_; }
  std::byte* Upper(int block, int first) const {
    const int row = first + block, rows = UpperRows();
    return upper_ + (row < rows ? row : row - rows) * row_bytes_;
  }
  static void Fill(std::byte* row, int begin, int end, typename Cells::I32 half) {
    for (int x = begin; x < end; ++x) Cells::StoreHalf(row + x * ptrdiff_t{kColumn}, half);
  }

  int slab_blocks_;
  int blocks_;  // whole slabs
  ptrdiff_t row_bytes_;
  std::byte *lower_, *upper_;
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CELL_ROWS_INL_H_
