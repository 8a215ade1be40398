// The depth-first inverted residual on any instruction set with registers. Same bytes as the general form
// (inverted_residual_rows_s8.inl.h), for depthwise filters of 3x3, and of 5x5 where Cells say so.
//
// A cell (cells.inl.h) is a column of four expanded rows of a block of kLanes channels. A dot product with a
// cell applies one column of the 3x3 filter. Expanded rows are counted from the first padding row, in groups
// of four. Group g gives
//   the cells of rows 4g .. 4g+3, which two filter rows cover: 4g .. 4g+2, and with weights moved up by one
//   row 4g+1 .. 4g+3;
//   joined cells of rows 4g-2 .. 4g+1, made of the last group's upper half, for the two in between.
// So with stride 1 a group finishes four output rows, with stride 2 two. The expanded tensor lives as one row
// of cells per block of channels, each overwritten by its successor once they are joined. Where a cell is two
// registers, only its upper half lives from one group to the next, and whole cells as long as a slab of a few
// blocks is expanded and filtered.
//
// A 5x5 filter needs a cell and the one before it (cells_5x5.inl.h), which is kept where the joined one would
// be: group g finishes the output rows whose windows begin in rows 4g-4 .. 4g-1.
//
// A quad is the filter's result for one block of channels and four slots (output pixels), in the order in
// which the projection's dot products broadcast it. The slots of a pair of output rows alternate between
// them, those of a single row go along it.
#ifndef QRUN_KERNELS_INVERTED_RESIDUAL_CELLS_S8_INL_H_
#define QRUN_KERNELS_INVERTED_RESIDUAL_CELLS_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/binary_s8.inl.h"
#include "kernels/cell_rows.inl.h"
#include "kernels/cells.inl.h"
#include "kernels/cells_5x5.inl.h"
#include "kernels/dot_tile.inl.h"
#include "kernels/gemm_s8.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/padded_rows.inl.h"
#include "kernels/requantize.inl.h"
#include "kernels/stage_clock.inl.h"
#include "kernels/window.inl.h"

namespace qrun::kernels {
namespace {

template <class Tag, int kKernel>
class InvertedResidualCellsS8 {
  using Ops = S8<Tag>;
  using I32 = typename Ops::I32;
  using F32 = typename Ops::F32;
  using Cells = kernels::Cells<Tag>;
  using Cell = typename Cells::Cell;
  using View = typename Cells::View;
  using CellRows = kernels::CellRows<Tag, kKernel>;
  using Turn = typename CellRows::Turn;
  using Target = typename CellRows::Target;
  using CellRequantizer = typename Cells::Requantizer;
  static constexpr int kLanes = Ops::kLanes;
  static constexpr int kGroup = Ops::kGroup;
  static constexpr int kExpansion = 4 / kGroup;           // bytes of an activation, for dot products
  static constexpr int kCell = Ops::kBytes * kExpansion;  // bytes of a cell or a quad
  static constexpr int kColumn = CellRows::kColumn;
  static constexpr int kStep = kLanes * kGroup;  // bytes of a step of weights
  // Weights of a slab are used for every pixel of four rows, those of the projection for every pixel of two:
  // where loading them widens them, that is done before.
  static constexpr bool kWidens = kExpansion == 2;
  static constexpr int kWideSlots = 8 * Ops::kProjectSlots[1][0];  // so many share what is widened
  static constexpr bool kCrosses = requires { Ops::kCrossedRows; };
  static constexpr int kMinCrossedChannels = 24;            // of the source
  static constexpr int kSlab = Ops::kExpandBlocks;          // channel blocks expanded together
  static constexpr int kSlack = 8;                          // columns behind the last that tiles may touch
  static constexpr int kRowsBefore = kKernel == 3 ? 2 : 4;  // of a group's first output row, the last group's
  // Tiles of fewer rows are wider: few accumulators do not keep the units busy.
  static constexpr int TilePixels(int rows, int blocks) {
    return Min(Ops::kExpandAccumulators / (rows * blocks), kSlack);
  }

 public:
  static bool Fits(const InvertedResidualS8Args& args) {
    const Window& e = args.expand.window;
    const Window& w = args.depthwise.window;
    // Negative padding crops; rows have no room for columns left of their first.
    const bool crops =
        w.pad_left < 0 || w.pad_top < 0 || (args.has_expand && (e.pad_left < 0 || e.pad_top < 0));
    const bool expands =
        !args.has_expand || (args.expand.scales_below_one && args.expand.groups == 1 && e.dilation_h == 1 &&
                             e.dilation_w == 1 && e.input_dilation_h == 1 && e.input_dilation_w == 1);
    return !crops && expands && args.depthwise.scales_below_one && args.project.groups == 1 &&
           w.kh == kKernel && w.kw == kKernel && w.dilation_h == 1 && w.dilation_w == 1 &&
           w.input_dilation_h == 1 && w.input_dilation_w == 1 && w.stride_h == w.stride_w &&
           (w.stride_h == 1 || w.stride_h == 2);
  }

  // For Run.
  explicit InvertedResidualCellsS8(const InvertedResidualS8Args& args, std::byte* scratch = nullptr)
      : InvertedResidualCellsS8(args, scratch, false) {}
  // For Filter and Project, which hold the filter's results of a whole image in args.filtered.
  static InvertedResidualCellsS8 OfChannels(const InvertedResidualS8Args& args,
                                            std::byte* scratch = nullptr) {
    return InvertedResidualCellsS8(args, scratch, true);
  }

  size_t ScratchBytes() const { return scratch_bytes_; }

  void Run(int begin, int end) {
    Clock clock(args_.stage_ticks);
    ChooseRequantizers();
    PrepareWeights(0, blocks_);
    FillPadding();
    clock.Lap(Args::kDepthwise);
    while (begin < end) {
      const int n = begin / w_.oh;
      const int stop = end < (n + 1) * w_.oh ? end : (n + 1) * w_.oh;
      RunImage(n, begin - n * w_.oh, stop - n * w_.oh, clock);
      begin = stop;
    }
  }

  InvertedResidualSplit Split() const {
    const ptrdiff_t filtered_bytes = Pairs() * pair_bytes_ + kSlack * kCell;
    return {blocks_, Pairs() * ProjectPairs(), scratch_bytes_,
            static_cast<size_t>(RoundUp(filtered_bytes, 64))};
  }

  // Blocks of expanded channels [begin, end), all rows of the only image.
  void FilterBlocks(int begin, int end) {
    Clock clock(args_.stage_ticks);
    ChooseRequantizers();
    PrepareWeights(begin, end);
    first_block_ = begin;  // slabs of kept rows begin with it
    FillPadding();
    clock.Lap(Args::kDepthwise);
    if (args_.has_expand) CopySource(0, 0, w_.ih);
    const Strip strip = WholeImage();
    for (int block = begin; block < end; block += kSlab) {
      for (int group = strip.first_group; group <= strip.last_group; ++group) {
        const Rows rows = RowsOf(strip, group);
        const std::byte* src = src_rows_ + Max(rows.top + rows.skip, 0) * e_.stride_h * src_row_bytes_;
        std::byte* first = filtered_ + PairOf(rows.first.row) * pair_bytes_;
        std::byte* second = w_.stride_h == 1 ? filtered_ + PairOf(rows.second.row) * pair_bytes_ : first;
        FilterSlab(0, rows, src, block, Min(kSlab, end - block), first, second, clock);
      }
    }
  }

  // Items count the pairs of output rows within a pair of blocks of output channels.
  void ProjectItems(int begin, int end) const {
    Clock clock(args_.stage_ticks);
    for (int item = begin; item < end; ++item) {
      const int pair = item % Pairs(), block = item / Pairs() * 2;
      const int first = pair * 2 - RowsMissing();
      const int row = Max(first, 0);
      ProjectBlocks(0, row, Min(first + 2, w_.oh) - row, filtered_ + pair * pair_bytes_, block,
                    Min(block + 2, ProjectedBlocks()), false);
    }
    clock.Lap(Args::kProject);
  }

 private:
  InvertedResidualCellsS8(const InvertedResidualS8Args& args, std::byte* scratch, bool whole_image)
      : args_(args), e_(args.expand.window), w_(args.depthwise.window) {
    const int c = args.depthwise.c;
    blocks_ = (c + kLanes - 1) / kLanes;
    const int reach = (w_.ow - 1) * w_.stride_w + kKernel;
    const int expanded = w_.pad_left + w_.iw;
    used_columns_ = reach > expanded ? reach : expanded;
    columns_ = used_columns_ + kSlack;
    quads_ = (w_.ow + 1) / 2;
    row_steps_ = (e_.kw * args.expand.ic + Ops::kGroup - 1) / Ops::kGroup;
    const int reached = (w_.iw - 1 + kSlack) * e_.stride_w + e_.kw;
    const int stored = e_.pad_left + e_.iw;
    src_row_bytes_ =
        RoundUp((ptrdiff_t{reached > stored ? reached : stored} * args.expand.ic + kGroup) * kExpansion, 64);
    size_t offset = 0;
    const auto place = [&](ptrdiff_t bytes) {
      std::byte* at = scratch + offset;
      offset += static_cast<size_t>(RoundUp(bytes, 64));
      return at;
    };
    // Loads of whole registers may reach a register past a row.
    const int expanded_rows = whole_image ? w_.ih : 4;
    src_rows_ =
        place(args.has_expand ? ((expanded_rows - 1) * e_.stride_h + e_.kh) * src_row_bytes_ + kCell : 0);
    padding_row_ = place(PadsSource() ? src_row_bytes_ : 0);
    weights_ = place(blocks_ * ptrdiff_t{kPreparedBytes});
    const int slab_blocks = Min(blocks_, kSlab);
    const ptrdiff_t expand_wide =
        kWidens && args.has_expand ? ptrdiff_t{slab_blocks} * e_.kh * row_steps_ * Ops::kBytes : 0;
    const bool crosses = !whole_image && Crosses(2);
    const bool widens = !whole_image && WidensProjection(2);
    const ptrdiff_t project_wide =
        crosses || widens ? ptrdiff_t{blocks_} * (kLanes / kGroup) * 2 * Ops::kBytes : 0;
    crosses_expansion_ = !whole_image && CrossesExpansion();
    src_sums_ = reinterpret_cast<int32_t*>(
        place(crosses_expansion_ ? ptrdiff_t{w_.iw} * 4 * ptrdiff_t{sizeof(int32_t)} : 0));
    wide_ = place(expand_wide > project_wide ? expand_wide : project_wide);
    slot_sums_ = place(crosses ? quads_ * 4 * ptrdiff_t{sizeof(int32_t)} : 0);
    rows_ = CellRows(blocks_, slab_blocks, columns_, place);
    pair_bytes_ = ptrdiff_t{blocks_} * quads_ * kCell;
    if (whole_image) {
      filtered_ = args.filtered;
    } else {
      filtered_ = place((w_.stride_h == 1 ? 2 : 1) * pair_bytes_ + kSlack * kCell);
    }
    scratch_bytes_ = offset;
  }

  using Args = InvertedResidualS8Args;
  using Clock = StageClock<Args::kStages>;
  static constexpr int kColumnCells = (kKernel + 3) / 4;                       // of a column of weights
  static constexpr int kPreparedBytes = (kKernel * kColumnCells + 1) * kCell;  // weights and the bias

  static constexpr int Min(int a, int b) { return a < b ? a : b; }
  static constexpr int Max(int a, int b) { return a > b ? a : b; }
  static constexpr ptrdiff_t RoundUp(ptrdiff_t value, ptrdiff_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
  }

  // Weights of the first rows of a cell, with 5x5 filters of two, by column; and the bias for activations as
  // cells hold them.
  void PrepareWeights(int begin, int end) const {
    const DwConvS8Args& d = args_.depthwise;
    const I32 offset = Cells::OffsetGroup(d.src_zp);
    const int8_t none[kLanes] = {};
    for (int block = begin; block < end; ++block) {
      std::byte* out = weights_ + block * ptrdiff_t{kPreparedBytes};
      I32 sums = Ops::SetI32(0);
      for (int i = 0; i < kKernel * kColumnCells; ++i, out += kCell) {
        const int kx = i / kColumnCells, top = i % kColumnCells * 4;
        const auto row = [&](int r) QRUN_INLINE_LAMBDA {
          if (top + r >= kKernel) return none;
          return d.wei + ptrdiff_t{(top + r) * kKernel + kx} * d.c_padded + block * kLanes;
        };
        const Cell weights = Cells::JoinTaps(row(0), row(1), row(2), row(3));
        Cells::DotGroup(sums, offset, weights);
        Cells::Store(out, weights);
      }
      Ops::StoreI32(out, Ops::SubI32(Ops::LoadI32(d.bia + block * kLanes), sums));
    }
  }

  Cell PaddingCell() const { return Cells::Padding(args_.depthwise.src_zp); }

  // Whether any expanded pixel reads padding, on any side of the image.
  bool PadsSource() const {
    return args_.has_expand &&
           (e_.pad_left > 0 || e_.pad_top > 0 || (e_.ow - 1) * e_.stride_w + e_.kw - e_.pad_left > e_.iw ||
            (e_.oh - 1) * e_.stride_h + e_.kh - e_.pad_top > e_.ih);
  }

  // The columns left of the image are written once; those on its right each time that tiles ran over them.
  void FillPadding() const {
    if (PadsSource()) {
      const ConvS8Args& expand = args_.expand;
      const PaddingPixel padding = {static_cast<uint8_t>(expand.src_zp),
                                    reinterpret_cast<const std::byte*>(expand.pad_values)};
      FillPaddingRow<GemmMathS8<Tag>>(padding, expand.ic, src_row_bytes_, padding_row_);
    }
    rows_.PadLeft(w_.pad_left, PaddingCell());
  }
  void FillRight(int block, int slab_blocks, Turn turn) const {
    for (int b = 0; b < slab_blocks; ++b)
      rows_.Pad(block - first_block_ + b, b, turn, w_.pad_left + w_.iw, used_columns_, PaddingCell());
  }

  // Output rows, the groups under them, and the expanded rows that exist there.
  struct Strip {
    int begin, end, first_group, last_group, needed_begin, needed_end;
  };
  Strip StripOf(int begin, int end) const {
    const int stride = w_.stride_h;
    return {begin,
            end,
            begin * stride / 4,
            ((end - 1) * stride + kKernel - 1) / 4,
            Max(begin * stride - w_.pad_top, 0),
            Min((end - 1) * stride + kKernel - w_.pad_top, w_.ih)};
  }
  Strip WholeImage() const { return StripOf(0, w_.oh); }

  // Pairs of output rows that are filtered together: rows 2p and 2p + 1; of 3x3 filters with stride 2, rows
  // 2p - 1 and 2p.
  int RowsMissing() const { return kKernel == 3 ? w_.stride_h - 1 : 0; }  // in the first pair
  int PairOf(int row) const { return (row + RowsMissing()) / 2; }
  int Pairs() const { return PairOf(w_.oh - 1) + 1; }
  int ProjectedBlocks() const { return (args_.project.oc + kLanes - 1) / kLanes; }
  int ProjectPairs() const { return (ProjectedBlocks() + 1) / 2; }

  // The part of `rows` output rows from `row` on that lies in [begin, end); `skipped` rows before it do not.
  struct Task {
    int row, count, skipped;
  };
  static Task MakeTask(int row, int rows, int begin, int end) {
    const int first = row > begin ? row : begin;
    const int last = row + rows < end ? row + rows : end;
    return {first, last > first ? last - first : 0, first - row};
  }

  // What one group does: `valid` expanded rows from byte `skip` of the cells on, whose first byte is expanded
  // row `top`, and output rows over joined cells, then over the cells; with 5x5 filters those that begin in
  // the upper half of the cells before, then in the lower.
  struct Rows {
    Turn turn;
    int top, skip, valid;
    Task first, second;
  };
  Rows RowsOf(const Strip& strip, int group) const {
    const int rows = w_.stride_h == 1 ? 2 : 1;
    const int row = (4 * group - kRowsBefore) / w_.stride_h;
    const int top = 4 * group - w_.pad_top;
    const int skip = Min(Max(strip.needed_begin - top, 0), 4);
    return {rows_.TurnOf(group - strip.first_group),
            top,
            skip,
            Max(Min(strip.needed_end - top, 4) - skip, 0),
            MakeTask(row, rows, strip.begin, strip.end),
            MakeTask(row + rows, rows, strip.begin, strip.end)};
  }

  void RunImage(int n, int begin, int end, Clock& clock) const {
    const Strip strip = StripOf(begin, end);
    std::byte* const second = filtered_ + (w_.stride_h == 1 ? pair_bytes_ : 0);
    for (int group = strip.first_group; group <= strip.last_group; ++group) {
      const Rows rows = RowsOf(strip, group);
      if (rows.valid > 0 && args_.has_expand) {
        CopySource(n, rows.top + rows.skip, rows.valid);
        if constexpr (kCrosses) {
          if (crosses_expansion_) SumSource();
        }
      }
      for (int block = 0; block < blocks_; block += kSlab) {
        FilterSlab(n, rows, src_rows_, block, Min(kSlab, blocks_ - block), filtered_, second, clock);
      }
      if (w_.stride_h == 1) {
        ProjectRows(n, rows.first.row, rows.first.count, filtered_, clock);
        ProjectRows(n, rows.second.row, rows.second.count, second, clock);
      } else {
        const int row = rows.first.count > 0 ? rows.first.row : rows.second.row;
        ProjectRows(n, row, rows.first.count + rows.second.count, filtered_, clock);
      }
    }
  }

  // Expands a group of some blocks and filters what it completes: the output rows over joined cells into
  // `first`, those over cells into `second`; with stride 2 the two rows into one pair. `src`: the input row
  // under the first expanded one.
  void FilterSlab(int n, const Rows& rows, const std::byte* src, int block, int slab_blocks, std::byte* first,
                  std::byte* second, Clock& clock) const {
    if (args_.has_expand) {
      ExpandSlab(src, block, slab_blocks, rows);
    } else {
      for (int b = 0; b < slab_blocks; ++b) InterleaveSource(n, rows, block + b, b);
    }
    FillRight(block, slab_blocks, rows.turn);
    clock.Lap(Args::kExpand);
    WithRequantizer(args_.depthwise, depthwise_is_plain_, [&](const auto& requantizer) {
      for (int b = 0; b < slab_blocks; ++b) FilterBlock(requantizer, rows, block + b, b, first, second);
    });
    clock.Lap(Args::kDepthwise);
  }

  template <class Requantizer>
  QRUN_INLINE void FilterBlock(const Requantizer& requantizer, const Rows& rows, int block, int b,
                               std::byte* first, std::byte* second) const {
    const int kept = block - first_block_;
    const View cells = rows_.Group(kept, b, rows.turn), joined = rows_.Joined(kept, b, rows.turn);
    if constexpr (kKernel == 5) {
      Filter5x5Rows(requantizer, rows, joined.cells, cells.cells, block, first, second);
    } else if (w_.stride_h == 1) {
      FilterRows(requantizer, rows.first, Cells::kJoinedRow, joined, block, first);
      FilterRows(requantizer, rows.second, 0, cells, block, second);
    } else if (rows.first.count > 0 && rows.second.count > 0) {
      FilterStride2Pair(requantizer, joined, cells, block, first);
    } else if (rows.first.count > 0) {
      FilterSingle<2>(requantizer, Cells::kJoinedRow, joined, block, first);
    } else if (rows.second.count > 0) {
      FilterSingle<2>(requantizer, 0, cells, block, first);
    }
    if (args_.depthwise_table == nullptr) return;
    // Once for every quad that the filter made.
    const bool one_pair = w_.stride_h == 2;
    if (rows.first.count > 0 || (one_pair && rows.second.count > 0)) LookUpQuads(block, first);
    if (rows.second.count > 0 && !one_pair) LookUpQuads(block, second);
  }

  // The table behind the filter, on the quads of a block.
  void LookUpQuads(int block, std::byte* filtered) const {
    const typename Cells::ByteTable table(args_.depthwise_table);
    std::byte* quad = filtered + block * (quads_ * ptrdiff_t{kCell});
    for (std::byte* end = quad + quads_ * ptrdiff_t{kCell}; quad != end; quad += kCell) {
      Cells::Store(quad, Cells::LookUp(table, Cells::Load(quad)));
    }
  }

  // The input rows under `valid` expanded rows from y on, as the dot products want them, with padding around
  // the image.
  void CopySource(int n, int y, int valid) const {
    const int rows = (valid - 1) * e_.stride_h + e_.kh;
    const int top = y * e_.stride_h - e_.pad_top;
    const int ic = args_.expand.ic;
    const ptrdiff_t bytes = ptrdiff_t{e_.iw} * ic, left = ptrdiff_t{e_.pad_left} * ic * kExpansion;
    const ptrdiff_t end = PadsSource() ? src_row_bytes_ : bytes * kExpansion;
    for (int r = 0; r < rows; ++r) {
      const bool inside = top + r >= 0 && top + r < e_.ih;
      const int8_t* src = inside ? args_.src + PixelOffset(n, top + r, 0, e_.ih, e_.iw, ic) : nullptr;
      FillRow<GemmMathS8<Tag>>(reinterpret_cast<const std::byte*>(src), bytes, left, padding_row_, end,
                               src_rows_ + r * src_row_bytes_);
    }
  }

  // The cells of one block, `b` of its slab, from rows of the block's input.
  void InterleaveSource(int n, const Rows& group, int block, int b) const {
    const int c = args_.depthwise.c, first_channel = block * kLanes;
    const int channels = Min(c - first_channel, kLanes);
    const int zp = args_.depthwise.src_zp;
    int8_t padding[kLanes];
    for (int8_t& value : padding) value = static_cast<int8_t>(zp);
    const int8_t* rows[4];
    ptrdiff_t step[4];
    for (int r = 0; r < 4; ++r) {
      const bool inside = r >= group.skip && r < group.skip + group.valid;
      rows[r] =
          inside ? args_.src + PixelOffset(n, group.top + r, 0, w_.ih, w_.iw, c) + first_channel : padding;
      step[r] = inside ? c : 0;
    }
    const Target target = TargetOf(block, b, group.turn);
    for (int x = 0; x < w_.iw; ++x) {
      if (channels == kLanes) {
        target.Store(x * ptrdiff_t{kColumn}, Cells::JoinSource(rows[0], rows[1], rows[2], rows[3], zp));
      } else {
        int8_t part[4][kLanes] = {};
        for (int r = 0; r < 4; ++r) CopyBytes(part[r], rows[r], channels);
        target.Store(x * ptrdiff_t{kColumn}, Cells::JoinSource(part[0], part[1], part[2], part[3], zp));
      }
      for (int r = 0; r < 4; ++r) rows[r] += step[r];
    }
  }

  void ExpandSlab(const std::byte* src, int block, int slab_blocks, const Rows& rows) const {
    switch (slab_blocks) {
      case 1:
        ExpandRows<1>(src, block, rows);
        break;
      case 2:
        ExpandRows<2>(src, block, rows);
        break;
      default:
        if constexpr (kSlab == 3) ExpandRows<3>(src, block, rows);
    }
    if (args_.expand_table != nullptr && rows.valid > 0) LookUpCells(block, slab_blocks, rows);
  }
  // The table behind the expansion, by itself: it takes the registers that tiles need.
  QRUN_NOINLINE void LookUpCells(int block, int slab_blocks, const Rows& rows) const {
    const typename Cells::ByteTable table(args_.expand_table);
    const Cell padding = PaddingCell();
    const Cell keep = Cells::RowMask(rows.skip, rows.valid);
    const ptrdiff_t bytes = w_.iw * ptrdiff_t{kColumn};
    for (int b = 0; b < slab_blocks; ++b) {
      const Target target = TargetOf(block + b, b, rows.turn);
      for (ptrdiff_t at = 0; at < bytes; at += kColumn) {
        const Cell cell =
            Cells::LookUpCell(table, args_.expand.dst_zp, args_.depthwise.src_zp, target.Held(at));
        target.Store(at, Cells::Select(keep, cell, padding));
      }
    }
  }
  template <int kBlocks>
  void ExpandRows(const std::byte* src, int block, const Rows& rows) const {
    const Target target = TargetOf(block, 0, rows.turn);
    switch (rows.valid) {
      case 0:
        return ExpandNothing<kBlocks>(target);
      case 1:
        return Expand<1, kBlocks, TilePixels(1, kBlocks)>(src, block, rows.skip, target);
      case 2:
        return Expand<2, kBlocks, TilePixels(2, kBlocks)>(src, block, rows.skip, target);
      case 3:
        return Expand<3, kBlocks, TilePixels(3, kBlocks)>(src, block, rows.skip, target);
      default:
        return Expand<4, kBlocks, TilePixels(4, kBlocks)>(src, block, rows.skip, target);
    }
  }

  // Where the cells of a slab go, from the image's first column on.
  Target TargetOf(int block, int b, Turn turn) const {
    return rows_.At(block - first_block_, b, turn, w_.pad_left);
  }

  template <int kBlocks>
  void ExpandNothing(const Target& target) const {
    const Cell padding = PaddingCell();
    for (int b = 0; b < kBlocks; ++b) {
      for (int x = 0; x < w_.iw; ++x) target.Store(b * rows_.row_bytes() + x * ptrdiff_t{kColumn}, padding);
    }
  }

  // Whether results of a stage are requantised the plain way: so many products are summed up for each.
  template <class Stage>
  static bool IsPlain(const Stage& stage, int channels, int products) {
    if constexpr (CellRequantizer::kHasPlain) {
      return CellRequantizer::IsPlain(stage.dst_zp, stage.lo, stage.hi) &&
             CellRequantizer::Plain::Products::Hold(stage.bia, channels, products);
    }
    return false;
  }
  void ChooseRequantizers() {
    const int channels = args_.depthwise.c;
    expand_is_plain_ = args_.has_expand && IsPlain(args_.expand, channels, e_.kh * e_.kw * args_.expand.ic);
    depthwise_is_plain_ = IsPlain(args_.depthwise, channels, kKernel * kKernel);
  }
  template <class Stage, class Function>
  static QRUN_INLINE void WithRequantizer(const Stage& stage, bool is_plain, Function&& f) {
    if constexpr (CellRequantizer::kHasPlain) {
      if (is_plain) return f(typename CellRequantizer::Plain(stage.dst_zp, stage.lo, stage.hi));
    }
    f(CellRequantizer(stage.dst_zp, stage.lo, stage.hi));
  }

  // Products of a convolution of several rows, of one, and of a pointwise one crossed (gemm_crossed.inl.h).
  enum class Form { kRows, kOneRow, kCrossed };

  // What is too much in the crossed products of the pixels of four rows, pixel by pixel; of rows that are not
  // there anything.
  void SumSource() const {
    const std::byte* pixel = src_rows_;
    int32_t* sums = src_sums_;
    for (int x = 0; x < w_.iw; ++x, pixel += row_steps_ * 4, sums += 4) {
      CrossedRowSums<Ops> rows;
      rows.Add(pixel, src_row_bytes_, row_steps_);
      rows.Store(sums);
    }
  }
  // They pay where channels are many.
  bool CrossesExpansion() const {
    return kCrosses && args_.has_expand && e_.kh == 1 && e_.kw == 1 && e_.stride_h == 1 && e_.stride_w == 1 &&
           args_.expand.ic >= kMinCrossedChannels && args_.expand.ic % (2 * kGroup) == 0;
  }

  // kRows expanded rows, the first in byte `skip` of the cells, of kBlocks blocks. Most groups have four
  // rows: only those have code of their own for what most blocks are.
  template <int kRows, int kBlocks, int kPixels>
  void Expand(const std::byte* src_rows, int block, int skip, const Target& target) const {
    if constexpr (kCrosses && kRows >= 3 && kBlocks == 2) {
      if (crosses_expansion_) {
        return WithRequantizer(args_.expand, expand_is_plain_, [&](const auto& requantizer) {
          ExpandTiles<kRows, kBlocks, 1, Form::kCrossed>(requantizer, src_rows, block, skip, target);
        });
      }
    }
    if constexpr (kRows == 4) {
      WithRequantizer(args_.expand, expand_is_plain_, [&](const auto& requantizer) {
        if (e_.kh == 1) {
          ExpandTiles<kRows, kBlocks, kPixels, Form::kOneRow>(requantizer, src_rows, block, skip, target);
        } else {
          ExpandTiles<kRows, kBlocks, kPixels, Form::kRows>(requantizer, src_rows, block, skip, target);
        }
      });
    } else {
      const CellRequantizer requantizer(args_.expand.dst_zp, args_.expand.lo, args_.expand.hi);
      ExpandTiles<kRows, kBlocks, kPixels, Form::kRows>(requantizer, src_rows, block, skip, target);
    }
  }
  template <int kRows, int kBlocks, int kPixels, Form kForm, class Requantizer>
  QRUN_NOINLINE void ExpandTiles(const Requantizer& requantizer, const std::byte* src, int block, int skip,
                                 Target target) const {
    // Copies: what is stored may alias all that lies in memory.
    const ConvS8Args& a = args_.expand;
    const ptrdiff_t row_stride = e_.stride_h * src_row_bytes_, src_row_bytes = src_row_bytes_;
    const ptrdiff_t pixel_bytes = ptrdiff_t{e_.stride_w} * a.ic * kExpansion;
    const ptrdiff_t steps = ptrdiff_t{e_.kh} * row_steps_;
    const WeightSteps<Ops, kBlocks, kWidens> weights = {steps * kStep};
    const ptrdiff_t row_steps_bytes = row_steps_ * weights.kBytes, row_bytes = rows_.row_bytes();
    const int8_t* packed = a.wei + block * weights.block_stride;
    const std::byte* wei = kWidens ? wide_ : reinterpret_cast<const std::byte*>(packed);
    const float* scales = a.scale + block * kLanes;
    const int kh = kForm == Form::kRows ? e_.kh : 1;
    const Cell padding = PaddingCell();
    const Cell keep = Cells::RowMask(skip, kRows);
    const bool finishes = args_.expand_table == nullptr;
    using Products = typename Requantizer::Products;
    I32 bias[kBlocks];
    Unroll<kBlocks>(
        [&](auto b) QRUN_INLINE_LAMBDA { bias[b.value] = Ops::LoadI32(a.bia + (block + b.value) * kLanes); });
    if constexpr (kForm == Form::kCrossed) {
      WidenCrossed<Ops>(packed, weights.block_stride, steps, bias, wide_);
    } else if constexpr (kWidens) {
      WidenSteps<Ops, kBlocks>(packed, weights.block_stride, steps, wide_);
    }
    Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA { bias[b.value] = Products::Start(bias[b.value]); });
    [[maybe_unused]] const int32_t* sums = src_sums_;
    for (int left = w_.iw; left > 0; left -= kPixels) {
      I32 acc[kPixels * kRows * kBlocks];
      if constexpr (kForm == Form::kCrossed) {
        Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
          const I32 sum = Ops::SetI32(sums[r.value]);
          Unroll<2>([&](auto b)
                        QRUN_INLINE_LAMBDA { acc[r.value * 2 + b.value] = Ops::SubI32(bias[b.value], sum); });
        });
        sums += 4;
        const std::byte* pixel = src;
        const std::byte* stop = wei + row_steps_bytes;
        for (const std::byte* w = wei; w != stop; w += 2 * weights.kBytes, pixel += 8) {
          const I32 wei_steps[3] = {Ops::LoadI32(w + Ops::kBytes), Ops::LoadI32(w + 2 * Ops::kBytes),
                                    Ops::LoadI32(w + 3 * Ops::kBytes)};
          Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
            const std::byte* groups = pixel + r.value * row_stride;
            Ops::DotCrossed(acc[r.value * 2], acc[r.value * 2 + 1], Ops::BroadcastGroup(groups),
                            Ops::BroadcastGroup(groups + 4), w, wei_steps);
          });
        }
      } else {
        Unroll<kPixels * kRows * kBlocks>([&](auto i)
                                              QRUN_INLINE_LAMBDA { acc[i.value] = bias[i.value % kBlocks]; });
        const std::byte* w = wei;
        const std::byte* src_row = src;
        for (int ky = 0; ky < kh; ++ky, src_row += src_row_bytes) {
          const std::byte* pixel[kPixels];
          Unroll<kPixels>([&](auto p)
                              QRUN_INLINE_LAMBDA { pixel[p.value] = src_row + p.value * pixel_bytes; });
          for (const std::byte* stop = w + row_steps_bytes; w != stop; w += weights.kBytes) {
            I32 wei_step[kBlocks];
            Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA { wei_step[b.value] = weights.Load(w, b.value); });
            DotTile<Ops, kPixels * kRows, kBlocks>(acc, wei_step, [&](auto i) QRUN_INLINE_LAMBDA {
              return Ops::BroadcastGroup(pixel[i.value / kRows] + i.value % kRows * row_stride);
            });
            Unroll<kPixels>([&](auto p) QRUN_INLINE_LAMBDA { pixel[p.value] += 4; });
          }
        }
      }
      Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
        const Products products(F32::load_unaligned(scales + b.value * kLanes));
        Unroll<kPixels>([&](auto p) QRUN_INLINE_LAMBDA {
          const auto row = [&](auto r) QRUN_INLINE_LAMBDA {
            constexpr int last = r.value < kRows ? r.value : kRows - 1;
            return products(acc[(p.value * kRows + last) * kBlocks + b.value]);
          };
          Cell cell = Cells::FromRows(requantizer, row(Index<0>{}), row(Index<1>{}), row(Index<2>{}),
                                      row(Index<3>{}));
          if constexpr (kRows < 4) cell = Cells::Select(keep, Cells::MoveRows(cell, skip), padding);
          const ptrdiff_t at = b.value * row_bytes + p.value * kColumn;
          if (finishes) {
            target.Store(at, cell);
          } else {
            target.Hold(at, cell);
          }
        });
      });
      src += kPixels * pixel_bytes;
      target.Advance(kPixels * kColumn);
    }
  }

  struct Filter {
    Cell wei[3];
    I32 bias;
    F32 scale;
  };
  QRUN_INLINE Filter LoadFilter(int block, int shift) const {
    const std::byte* prepared = weights_ + block * ptrdiff_t{kPreparedBytes};
    Filter f;
    Unroll<3>([&](auto kx) QRUN_INLINE_LAMBDA {
      f.wei[kx.value] = Cells::MoveRows(Cells::Load(prepared + kx.value * kCell), shift);
    });
    f.bias = Ops::LoadI32(prepared + 3 * kCell);
    f.scale = F32::load_unaligned(args_.depthwise.scale + block * kLanes);
    return f;
  }

  // One quad. cell(j, kx) is the address of the cell under column kx of slot j, wei(j, kx) its weights.
  template <class Requantizer, class Cell, class Weights>
  QRUN_INLINE void FilterQuad(const Requantizer& requantizer, const Filter& f, Cell&& cell, Weights&& wei,
                              std::byte* quad) const {
    using Products = typename Requantizer::Products;
    const Products products(f.scale);
    const I32 start = Products::Start(f.bias);
    I32 acc[4] = {start, start, start, start};
    Unroll<3>([&](auto kx) QRUN_INLINE_LAMBDA {
      Unroll<4>([&](auto j) QRUN_INLINE_LAMBDA { Cells::Dot(acc[j.value], cell(j, kx), wei(j, kx)); });
    });
    Cells::StoreQuad(quad, requantizer, products(acc[0]), products(acc[1]), products(acc[2]),
                     products(acc[3]));
  }

  // `shift`: the byte of the cells that holds the first input row of a pair of output rows.
  template <class Requantizer>
  QRUN_INLINE void FilterRows(const Requantizer& requantizer, const Task& task, int shift, View cells,
                              int block, std::byte* filtered) const {
    if (task.count == 2) FilterPair(requantizer, shift, cells, block, filtered);
    if (task.count == 1) FilterSingle<1>(requantizer, shift + task.skipped, cells, block, filtered);
  }

  // Two output rows over the same cells; stride 1.
  template <class Requantizer>
  void FilterPair(const Requantizer& requantizer, int shift, View cells, int block,
                  std::byte* filtered) const {
    const Filter f = LoadFilter(block, shift), shifted = LoadFilter(block, shift + 1);
    std::byte* quad = filtered + block * (quads_ * ptrdiff_t{kCell});
    for (int q = 0; q < quads_; ++q, quad += kCell, cells = cells + 2 * kColumn) {
      FilterQuad(
          requantizer, f,
          [&](auto j, auto kx) QRUN_INLINE_LAMBDA { return cells + (j.value / 2 + kx.value) * kColumn; },
          [&](auto j, auto kx)
              QRUN_INLINE_LAMBDA { return j.value % 2 == 0 ? f.wei[kx.value] : shifted.wei[kx.value]; },
          quad);
    }
  }

  // Two output rows, each over its own cells; stride 2.
  template <class Requantizer>
  void FilterStride2Pair(const Requantizer& requantizer, View even, View odd, int block,
                         std::byte* filtered) const {
    const Filter e = LoadFilter(block, Cells::kJoinedRow), o = LoadFilter(block, 0);
    std::byte* quad = filtered + block * (quads_ * ptrdiff_t{kCell});
    for (int q = 0; q < quads_; ++q, quad += kCell, even = even + 4 * kColumn, odd = odd + 4 * kColumn) {
      FilterQuad(
          requantizer, o,
          [&](auto j, auto kx) QRUN_INLINE_LAMBDA {
            return (j.value % 2 == 0 ? even : odd) + (j.value / 2 * 2 + kx.value) * kColumn;
          },
          [&](auto j, auto kx)
              QRUN_INLINE_LAMBDA { return j.value % 2 == 0 ? e.wei[kx.value] : o.wei[kx.value]; },
          quad);
    }
  }

  // One output row; `shift` is the byte of the cells that holds its first input row.
  template <int kStride, class Requantizer>
  void FilterSingle(const Requantizer& requantizer, int shift, View cells, int block,
                    std::byte* filtered) const {
    const Filter f = LoadFilter(block, shift);
    std::byte* quad = filtered + block * (quads_ * ptrdiff_t{kCell});
    for (int x = 0; x < w_.ow; x += 4, quad += kCell, cells = cells + 4 * kStride * kColumn) {
      FilterQuad(
          requantizer, f,
          [&](auto j, auto kx)
              QRUN_INLINE_LAMBDA { return cells + (j.value * kStride + kx.value) * kColumn; },
          [&](auto, auto kx) QRUN_INLINE_LAMBDA { return f.wei[kx.value]; }, quad);
    }
  }

  // The output rows of a group with 5x5 filters; `former`: the cells before `cells`.
  template <class Requantizer>
  QRUN_INLINE void Filter5x5Rows(const Requantizer& requantizer, const Rows& rows, const std::byte* former,
                                 const std::byte* cells, int block, std::byte* first,
                                 std::byte* second) const {
    const Task& a = rows.first;
    const Task& b = rows.second;
    if (w_.stride_h == 1) {
      if (a.count == 2) FilterPair5x5<1>(requantizer, 0, former, cells, block, first);
      if (a.count == 1) FilterSingle5x5<1>(requantizer, a.skipped, former, cells, block, first);
      if (b.count == 2) FilterPair5x5<1>(requantizer, 2, former, cells, block, second);
      if (b.count == 1) FilterSingle5x5<1>(requantizer, 2 + b.skipped, former, cells, block, second);
    } else if (a.count > 0 && b.count > 0) {
      FilterPair5x5<2>(requantizer, 0, former, cells, block, first);
    } else if (a.count > 0) {
      FilterSingle5x5<2>(requantizer, 0, former, cells, block, first);
    } else if (b.count > 0) {
      FilterSingle5x5<2>(requantizer, 2, former, cells, block, first);
    }
  }

  // Two output rows, whose first input rows are rows s and s + kStride of the former cells.
  template <int kStride, class Requantizer>
  QRUN_NOINLINE void FilterPair5x5(const Requantizer& requantizer, int s, const std::byte* former,
                                   const std::byte* cells, int block, std::byte* filtered) const {
    const std::byte* prepared = weights_ + block * ptrdiff_t{kPreparedBytes};
    const Filter5x5<Tag> filters[2] = {{prepared, s}, {prepared, s + kStride}};
    FilterQuads5x5<2, kStride>(requantizer, filters, former, cells, quads_, block, filtered);
  }

  template <int kStride, class Requantizer>
  QRUN_NOINLINE void FilterSingle5x5(const Requantizer& requantizer, int s, const std::byte* former,
                                     const std::byte* cells, int block, std::byte* filtered) const {
    const Filter5x5<Tag> filters[1] = {{weights_ + block * ptrdiff_t{kPreparedBytes}, s}};
    FilterQuads5x5<1, kStride>(requantizer, filters, former, cells, (w_.ow + 3) / 4, block, filtered);
  }

  template <int kRows, int kStride, class Requantizer>
  QRUN_INLINE void FilterQuads5x5(const Requantizer& requantizer, const Filter5x5<Tag> (&filters)[kRows],
                                  const std::byte* former, const std::byte* cells, int quads, int block,
                                  std::byte* filtered) const {
    using Products = typename Requantizer::Products;
    const I32 start =
        Products::Start(Ops::LoadI32(weights_ + (block + 1) * ptrdiff_t{kPreparedBytes} - kCell));
    const Products products(F32::load_unaligned(args_.depthwise.scale + block * kLanes));
    constexpr ptrdiff_t kAdvance = 4 / kRows * kStride * kColumn;
    std::byte* quad = filtered + block * (quads_ * ptrdiff_t{kCell});
    for (int q = 0; q < quads; ++q, quad += kCell, former += kAdvance, cells += kAdvance) {
      I32 acc[4] = {start, start, start, start};
      AddQuad5x5<Tag, kRows, kStride>(acc, filters, former, cells);
      Cells::StoreQuad(quad, requantizer, products(acc[0]), products(acc[1]), products(acc[2]),
                       products(acc[3]));
    }
  }

  // `rows` (0, 1 or 2) output rows from `row` on.
  void ProjectRows(int n, int row, int rows, const std::byte* filtered, Clock& clock) const {
    if (rows == 0) return;
    int block = 0;
    if constexpr (kCrosses) {
      if (Crosses(rows)) block = ProjectCrossed(n, row, rows, filtered);
    }
    ProjectBlocks(n, row, rows, filtered, block, ProjectedBlocks(), WidensProjection(rows));
    clock.Lap(Args::kProject);
    if (!args_.residual) return;
    AddSource(rows, args_.dst + PixelOffset(n, row, 0, w_.oh, w_.ow, args_.project.oc));
    clock.Lap(Args::kResidual);
  }

  // Blocks [block, end) of output channels of 1 or 2 output rows; widens: there is memory at wide_.
  void ProjectBlocks(int n, int row, int rows, const std::byte* filtered, int block, int end,
                     bool widens) const {
    const int slots = rows * w_.ow;
    int8_t* dst = args_.dst + PixelOffset(n, row, 0, w_.oh, w_.ow, args_.project.oc);
    for (; end - block >= 2; block += 2) {
      if (widens) {
        WidenProjection<2>(block);
        ProjectPair<kWidens>(filtered, block, slots, rows, dst);
      } else {
        ProjectPair<false>(filtered, block, slots, rows, dst);
      }
    }
    if (block == end) return;
    if (widens) {
      WidenProjection<1>(block);
      ProjectLast<kWidens>(filtered, block, slots, rows, dst);
    } else {
      ProjectLast<false>(filtered, block, slots, rows, dst);
    }
  }

  bool WidensProjection(int rows) const { return kWidens && rows * w_.ow >= kWideSlots; }
  ptrdiff_t ProjectSteps() const { return (args_.project.ic + kGroup - 1) / kGroup; }
  template <int kBlocks>
  void WidenProjection(int block) const {
    const ptrdiff_t steps = ProjectSteps(), block_stride = steps * kStep;
    WidenSteps<Ops, kBlocks>(args_.project.wei + block * block_stride, block_stride, steps, wide_);
  }

  // Two output blocks.
  template <bool kWide>
  void ProjectPair(const std::byte* filtered, int block, int slots, int rows, int8_t* dst) const {
    constexpr int kTall = Ops::kProjectSlots[1][0], kShort = Ops::kProjectSlots[1][1];
    constexpr int kTiny = Ops::kProjectSlots[1][2];
    int slot = 0;
    for (; slots - slot > kShort; slot += kTall)
      ProjectPairTile<kTall, kWide>(filtered, block, slot, slots, rows, dst);
    if (slots - slot > kTiny) {
      ProjectPairTile<kShort, kWide>(filtered, block, slot, slots, rows, dst);
    } else if (slot < slots) {
      ProjectPairTile<kTiny, kWide>(filtered, block, slot, slots, rows, dst);
    }
  }
  // One output block.
  template <bool kWide>
  void ProjectLast(const std::byte* filtered, int block, int slots, int rows, int8_t* dst) const {
    constexpr int kTall = Ops::kProjectSlots[0][0], kShort = Ops::kProjectSlots[0][1];
    int slot = 0;
    for (; slots - slot > kShort; slot += kTall)
      ProjectTile<kTall, 1, 0, kWide>(filtered, block, slot, slots, rows, dst);
    if (slot < slots) ProjectTile<kShort, 1, 0, kWide>(filtered, block, slot, slots, rows, dst);
  }

  // Slots [slot, slot + kSlots) of two output blocks.
  template <int kSlots, bool kWide>
  QRUN_INLINE void ProjectPairTile(const std::byte* filtered, int block, int slot, int slots, int rows,
                                   int8_t* dst) const {
    if (slot % 4 == 0) {
      ProjectTile<kSlots, 2, 0, kWide>(filtered, block, slot, slots, rows, dst);
    } else {
      ProjectTile<kSlots, 2, 2, kWide>(filtered, block, slot, slots, rows, dst);
    }
  }

  // Slots [slot, slot + kSlots) of kBlocks output blocks, whose weights are at wide_ if kWide;
  // slot % 4 == kPhase. Those past `slots` are not written.
  template <int kSlots, int kBlocks, int kPhase, bool kWide>
  QRUN_NOINLINE void ProjectTile(const std::byte* filtered, int block, int slot, int slots, int rows,
                                 int8_t* dst) const {
    const ConvS8Args& a = args_.project;
    const ptrdiff_t steps = ProjectSteps();
    const WeightSteps<Ops, kBlocks, kWide> weights = {steps * kStep};
    const std::byte* w =
        kWide ? wide_ : reinterpret_cast<const std::byte*>(a.wei + block * weights.block_stride);
    I32 acc[kSlots * kBlocks];
    Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
      const I32 bias = Ops::LoadI32(a.bia + (block + b.value) * kLanes);
      Unroll<kSlots>([&](auto s) QRUN_INLINE_LAMBDA { acc[s.value * kBlocks + b.value] = bias; });
    });
    const std::byte* quad = filtered + slot / 4 * ptrdiff_t{kCell};
    const ptrdiff_t quad_stride = quads_ * ptrdiff_t{kCell};
    for (ptrdiff_t left = steps; left > 0; left -= kLanes / kGroup, quad += quad_stride) {
      const std::byte* src = quad;
      ptrdiff_t advance = kExpansion == 1 ? 16 : 4;  // or 4 and 12: a 128-bit lane has 4 channels
      const std::byte* stop = w + weights.kBytes * (left < kLanes / kGroup ? left : kLanes / kGroup);
      for (; w != stop; w += weights.kBytes) {
        I32 wei_step[kBlocks];
        Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA { wei_step[b.value] = weights.Load(w, b.value); });
        DotTile<Ops, kSlots, kBlocks>(acc, wei_step, [&](auto s) QRUN_INLINE_LAMBDA {
          return Ops::BroadcastGroup(src + Cells::GroupAt(s.value + kPhase));
        });
        src += advance;
        if constexpr (kExpansion == 2) advance = 16 - advance;
      }
    }
    StoreSlots<kSlots, kBlocks>(acc, block, slot, slots, rows, dst);
  }

  template <int kSlots, int kBlocks>
  QRUN_INLINE void StoreSlots(const I32 (&acc)[kSlots * kBlocks], int block, int slot, int slots, int rows,
                              int8_t* dst) const {
    const ConvS8Args& a = args_.project;
    const GemmMathS8<Tag> math = {Requantizer<Tag>(a.dst_zp, a.lo, a.hi), a.scale};
    const ptrdiff_t row_bytes = ptrdiff_t{w_.ow} * a.oc;
    dst += block * kLanes;
    // Slots of two rows alternate, and a tile begins with an even one.
    dst += slot * ptrdiff_t{a.oc} / rows;
    const ptrdiff_t odd = rows == 2 ? row_bytes : a.oc, step = rows == 2 ? a.oc : 2 * ptrdiff_t{a.oc};
    const auto pixel = [&](int s) QRUN_INLINE_LAMBDA { return dst + s / 2 * step + s % 2 * odd; };
    math.template Store<kSlots, kBlocks>(acc, block * kLanes, pixel, slots - slot, a.oc - block * kLanes);
  }

  // Crossed products (gemm_crossed.inl.h) pay where enough slots share the widened weights, and enough
  // channels the sums of slots.
  bool Crosses(int rows) const {
    return kCrosses && rows * w_.ow >= 20 && args_.project.oc >= 32 && args_.project.ic % kLanes == 0;
  }

  // The pairs of output blocks; returns how many blocks those are.
  int ProjectCrossed(int n, int row, int rows, const std::byte* filtered) const {
    const ConvS8Args& a = args_.project;
    const int slots = rows * w_.ow, whole = slots / 4;
    int8_t* dst = args_.dst + PixelOffset(n, row, 0, w_.oh, w_.ow, a.oc);
    auto* sums = reinterpret_cast<int32_t*>(slot_sums_);
    SumSlots(filtered, whole, sums);
    const ptrdiff_t steps = a.ic / kGroup, block_stride = steps * kStep;
    int block = 0;
    for (; ProjectedBlocks() - block >= 2; block += 2) {
      I32 bias[2] = {Ops::LoadI32(a.bia + block * kLanes), Ops::LoadI32(a.bia + (block + 1) * kLanes)};
      WidenCrossed<Ops>(a.wei + block * block_stride, block_stride, steps, bias, wide_);
      for (int q = 0; q < whole; ++q) ProjectQuad(filtered, bias, sums, block, q, slots, rows, dst);
      if (slots % 4 == 3) {
        ProjectTile<4, 2, 0, true>(filtered, block, whole * 4, slots, rows, dst);
      } else if (slots % 4 != 0) {
        ProjectTile<2, 2, 0, true>(filtered, block, whole * 4, slots, rows, dst);
      }
    }
    return block;
  }

  // What is too much in the crossed products of the slots of `quads` quads.
  void SumSlots(const std::byte* filtered, int quads, int32_t* sums) const {
    for (int q = 0; q < quads; ++q, filtered += kCell, sums += 4) {
      I32 parts = Ops::SetI32(0);  // in every 128 bits, of the four slots
      const std::byte* quad = filtered;
      for (int block = 0; block < blocks_; ++block, quad += quads_ * ptrdiff_t{kCell}) {
        const I32 products = Ops::CrossedPairs(Ops::LoadI32(quad), Ops::LoadI32(quad + Ops::kBytes));
        parts = Ops::AddI32(parts, products);
      }
      Ops::StoreSums(sums, parts);
    }
  }

  // The four slots of quad q, of two output blocks whose weights are at wide_.
  QRUN_INLINE void ProjectQuad(const std::byte* filtered, const I32 (&bias)[2], const int32_t* sums,
                               int block, int q, int slots, int rows, int8_t* dst) const {
    I32 acc[8];
    Unroll<4>([&](auto s) QRUN_INLINE_LAMBDA {
      const I32 sum = Ops::SetI32(sums[4 * q + s.value]);
      Unroll<2>([&](auto b)
                    QRUN_INLINE_LAMBDA { acc[s.value * 2 + b.value] = Ops::SubI32(bias[b.value], sum); });
    });
    const ptrdiff_t quad_stride = quads_ * ptrdiff_t{kCell};
    const std::byte* quad = filtered + q * ptrdiff_t{kCell};
    const std::byte* w = wide_;
    for (const std::byte* stop = quad + blocks_ * quad_stride; quad != stop; quad += quad_stride) {
      for (int lane = 0; lane < Ops::kBytes; lane += 16, w += 4 * Ops::kBytes) {
        const I32 wei[3] = {Ops::LoadI32(w + Ops::kBytes), Ops::LoadI32(w + 2 * Ops::kBytes),
                            Ops::LoadI32(w + 3 * Ops::kBytes)};
        Unroll<4>([&](auto s) QRUN_INLINE_LAMBDA {
          const std::byte* src = quad + lane + Cells::GroupAt(s.value);
          Ops::DotCrossed(acc[s.value * 2], acc[s.value * 2 + 1], Ops::BroadcastGroup(src),
                          Ops::BroadcastGroup(src + 4), w, wei);
        });
      }
    }
    StoreSlots<4, 2>(acc, block, q * 4, slots, rows, dst);
  }

  void AddSource(int rows, int8_t* dst) const {
    BinaryS8Args add = args_.add;
    add.outer = rows;
    add.inner = add.b_outer_stride = ptrdiff_t{w_.ow} * args_.project.oc;
    add.b_inner_stride = 1;
    add.a = add.dst = dst;
    add.b = args_.src + (dst - args_.dst);
    add_s8<Tag>(add, 0, rows, nullptr);
  }

  const InvertedResidualS8Args& args_;
  const Window& e_;
  const Window& w_;
  int blocks_, used_columns_, columns_, quads_, row_steps_;
  ptrdiff_t src_row_bytes_, pair_bytes_;
  std::byte *src_rows_, *padding_row_, *weights_, *wide_, *slot_sums_, *filtered_;
  CellRows rows_;
  int first_block_ = 0;  // whose rows are the first
  size_t scratch_bytes_;
  int32_t* src_sums_;
  bool crosses_expansion_, expand_is_plain_ = false, depthwise_is_plain_ = false;
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_INVERTED_RESIDUAL_CELLS_S8_INL_H_
