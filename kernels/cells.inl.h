// Cells and quads of the depth-first block (inverted_residual_cells_s8.inl.h), as an instruction set's dot
// products read them. A cell is a column of four expanded rows of kLanes channels; where a dot product sums
//   4 bytes   it is one register, row r of channel c in byte r of lane c;
//   2 words   it is two registers, rows 0 and 1 of channel c in the words of lane c, then rows 2 and 3.
// A quad is the filter's result for kLanes channels and four slots. With bytes, 128-bit lane l holds channels
// 4l .. 4l+3 of slot j in its lane j; with words, of slots 0 and 1 in its halves, then those of slots 2
// and 3.
#ifndef QRUN_KERNELS_CELLS_INL_H_
#define QRUN_KERNELS_CELLS_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/dot.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/requantize.inl.h"

namespace qrun::kernels {
namespace {

// Activations have 128 added where they are bytes and instructions want them unsigned; in cells of words they
// are without their zero point.
//
// Cell            a cell in registers; Load, Store
// Padding(zp)     a cell of activations zp
// OffsetGroup(zp) groups of what cells hold for activations 0
// FromRows, StoreQuad   four registers of products float(acc) * scale, one per row or slot, requantised
// LookUp(table, quad)   every value of a quad through a table; LookUpCell(table, zp, table_zp, cell)  of a
// cell,
//                       with the zero points before and behind the table
// JoinTaps(r0, r1, r2, r3)  kLanes weights of each to rows 0 to 3; JoinSource(r0, r1, r2, r3, zp) activations
// MoveRows(cell, n)     row r to row r + n; what leaves at the end comes in again, or zeros do
// RowMask(first, n)     ones in rows [first, first + n)
// Joined(before, cell)  rows 2 and 3 of the cell before and rows 0 and 1 of `cell`; row 2 of the former is
// row
//                       kJoinedRow of the result. `before` is where the whole cell is stored if kKept, else
//                       where StoreUpperHalf has stored those rows
// Dot(acc, p, wei)      acc += sum over the rows of the cell at p, times wei
// DotGroup(acc, group, wei)  the same with one group in all rows
// GroupAt(slot)         offset in bytes of a slot's first group from a quad's 128-bit lane
template <class Tag, int kGroup = S8<Tag>::kGroup>
struct Cells;

template <class Tag>
struct Cells<Tag, 4> {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;
  using Cell = I32;
  using ByteTable = typename Ops::ByteTable;
  using Requantizer = OffsetRequantizer<Tag>;
  static constexpr int kBytes = Ops::kBytes;
  static constexpr bool kKept = true;
  static constexpr bool kHas5x5 = Ops::kRegisters >= 32;
  static constexpr int kJoinedRow = 2;

  static QRUN_INLINE Cell Load(const std::byte* p) { return Ops::LoadI32(p); }
  static QRUN_INLINE void Store(std::byte* p, Cell cell) { Ops::StoreI32(p, cell); }
  static QRUN_INLINE Cell Padding(int zp) { return Ops::OffsetTaps(Ops::SetBytes(zp)); }
  static QRUN_INLINE I32 OffsetGroup(int) { return Ops::OffsetTaps(Ops::SetI32(0)); }
  template <class Requantizer>
  static QRUN_INLINE Cell FromRows(const Requantizer& requantizer, F32 x0, F32 x1, F32 x2, F32 x3) {
    return Ops::RowsToLanes(requantizer.InLane(x0, x1, x2, x3));
  }
  template <class Requantizer>
  static QRUN_INLINE void StoreQuad(std::byte* p, const Requantizer& requantizer, F32 x0, F32 x1, F32 x2,
                                    F32 x3) {
    Ops::StoreI32(p, requantizer.InLane(x0, x1, x2, x3));
  }
  static QRUN_INLINE Cell LookUp(const ByteTable& table, Cell cell) {
    return Ops::OffsetTaps(table(Ops::OffsetTaps(cell)));
  }
  static QRUN_INLINE Cell LookUpCell(const ByteTable& table, int, int, Cell cell) {
    return LookUp(table, cell);
  }
  static QRUN_INLINE Cell JoinTaps(const int8_t* row0, const int8_t* row1, const int8_t* row2,
                                   const int8_t* row3) {
    return Ops::JoinTaps(row0, row1, row2, row3);
  }
  static QRUN_INLINE Cell JoinSource(const int8_t* row0, const int8_t* row1, const int8_t* row2,
                                     const int8_t* row3, int) {
    return Ops::OffsetTaps(JoinTaps(row0, row1, row2, row3));
  }
  static QRUN_INLINE Cell MoveRows(Cell cell, int rows) { return Ops::RotateRows(cell, rows % 4); }
  static QRUN_INLINE Cell RowMask(int first, int count) { return Ops::CellRows(first, count); }
  static QRUN_INLINE Cell Select(Cell mask, Cell a, Cell b) { return Ops::Select(mask, a, b); }
  static QRUN_INLINE Cell Joined(Cell before, Cell cell) { return Ops::JoinCells(before, cell); }
  struct View {
    const std::byte* cells;
    QRUN_INLINE View operator+(ptrdiff_t bytes) const { return {cells + bytes}; }
  };
  static QRUN_INLINE void Dot(I32& acc, View p, Cell wei) { Ops::Dot(acc, Load(p.cells), wei); }
  static QRUN_INLINE void DotGroup(I32& acc, I32 group, Cell wei) { Ops::Dot(acc, group, wei); }
  static constexpr int GroupAt(int slot) { return slot / 4 * kBytes + slot % 4 * 4; }
};

template <class Tag>
struct Cells<Tag, 2> {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;
  struct Cell {
    I32 low, high;  // rows 0 and 1, rows 2 and 3
  };
  using ByteTable = typename Ops::ByteTable;
  using Requantizer = WordRequantizer<Tag>;
  static constexpr int kBytes = Ops::kBytes;
  static constexpr bool kKept = false;
  static constexpr bool kHas5x5 = false;
  static constexpr int kJoinedRow = 0;

  static QRUN_INLINE Cell Load(const std::byte* p) { return {Ops::LoadI32(p), Ops::LoadI32(p + kBytes)}; }
  static QRUN_INLINE void Store(std::byte* p, Cell cell) {
    Ops::StoreI32(p, cell.low);
    Ops::StoreI32(p + kBytes, cell.high);
  }
  static QRUN_INLINE Cell Padding(int) { return {Ops::SetI32(0), Ops::SetI32(0)}; }
  static QRUN_INLINE Cell Added(const Cell& cell, int value) {
    const I32 words = Ops::SetWords(value);
    return {Ops::AddWords(cell.low, words), Ops::AddWords(cell.high, words)};
  }
  static QRUN_INLINE I32 OffsetGroup(int zp) { return Ops::SetWords(-zp); }
  template <class Requantizer>
  static QRUN_INLINE Cell FromRows(const Requantizer& requantizer, F32 x0, F32 x1, F32 x2, F32 x3) {
    return {Ops::RowsToLanes(requantizer.Centred(x0, x1)), Ops::RowsToLanes(requantizer.Centred(x2, x3))};
  }
  template <class Requantizer>
  static QRUN_INLINE void StoreQuad(std::byte* p, const Requantizer& requantizer, F32 x0, F32 x1, F32 x2,
                                    F32 x3) {
    Ops::StoreI32(p, requantizer.InLane(x0, x1));
    Ops::StoreI32(p + kBytes, requantizer.InLane(x2, x3));
  }
  static QRUN_INLINE Cell LookUp(const ByteTable& table, Cell cell) {
    const auto bytes = table(Ops::NarrowWords(cell.low, cell.high));
    return {Ops::WidenLow(bytes), Ops::WidenHigh(bytes)};
  }
  static QRUN_INLINE Cell LookUpCell(const ByteTable& table, int zp, int table_zp, const Cell& cell) {
    return Added(LookUp(table, Added(cell, zp)), -table_zp);
  }
  static QRUN_INLINE Cell JoinTaps(const int8_t* row0, const int8_t* row1, const int8_t* row2,
                                   const int8_t* row3) {
    const auto join = [](const int8_t* a, const int8_t* b) QRUN_INLINE_LAMBDA {
      return Ops::Or(Ops::ShiftDown(Ops::ShiftUp(Ops::Widen(a))), Ops::ShiftUp(Ops::Widen(b)));
    };
    return {join(row0, row1), join(row2, row3)};
  }
  static QRUN_INLINE Cell JoinSource(const int8_t* row0, const int8_t* row1, const int8_t* row2,
                                     const int8_t* row3, int zp) {
    return Added(JoinTaps(row0, row1, row2, row3), -zp);
  }
  static QRUN_INLINE Cell MoveRows(Cell cell, int rows) {
    if (rows >= 2) cell = {Ops::SetI32(0), cell.low};
    if (rows % 2 == 0) return cell;
    return {Ops::ShiftUp(cell.low), Ops::Or(Ops::ShiftDown(cell.low), Ops::ShiftUp(cell.high))};
  }
  static QRUN_INLINE Cell RowMask(int first, int count) {
    const I32 ones = Ops::SetI32(-1), one_row = Ops::SetI32(0xFFFF), zero = Ops::SetI32(0);
    return MoveRows({count == 0   ? zero
                     : count == 1 ? one_row
                                  : ones,
                     count <= 2   ? zero
                     : count == 3 ? one_row
                                  : ones},
                    first);
  }
  static QRUN_INLINE Cell Select(Cell mask, Cell a, Cell b) {
    return {Ops::Select(mask.low, a.low, b.low), Ops::Select(mask.high, a.high, b.high)};
  }
  struct View {
    const std::byte *low, *high;
    QRUN_INLINE View operator+(ptrdiff_t bytes) const { return {low + bytes, high + bytes}; }
  };
  static QRUN_INLINE Cell Load(View p) { return {Ops::LoadI32(p.low), Ops::LoadI32(p.high)}; }
  static QRUN_INLINE void StoreHalf(std::byte* p, I32 half) { Ops::StoreI32(p, half); }
  static QRUN_INLINE void Dot(I32& acc, View p, const Cell& wei) {
    Ops::Dot(acc, Ops::LoadI32(p.low), wei.low);
    Ops::KeepOrder(acc);
    Ops::Dot(acc, Ops::LoadI32(p.high), wei.high);
    Ops::KeepOrder(acc);
  }
  static QRUN_INLINE void DotGroup(I32& acc, I32 group, const Cell& wei) {
    Ops::Dot(acc, group, wei.low);
    Ops::Dot(acc, group, wei.high);
  }
  static constexpr int GroupAt(int slot) { return slot / 2 * kBytes + slot % 2 * 8; }
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_CELLS_INL_H_
