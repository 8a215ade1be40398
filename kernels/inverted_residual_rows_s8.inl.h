// The depth-first inverted residual of any shape, on any instruction set.
//
// Output rows are made in bands of a few rows. For a band the next input rows are expanded behind those that
// the last band left in the ring (a stretch of rows that is moved down when it is full), filtered into a
// buffer of one band, and projected into dst, where the residual is added in place. Every part is the kernel
// of the separate operator on a range of rows, given pointers shifted so that its row numbers meet the ring:
// the bytes are the same by construction.
#ifndef QRUN_KERNELS_INVERTED_RESIDUAL_ROWS_S8_INL_H_
#define QRUN_KERNELS_INVERTED_RESIDUAL_ROWS_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/binary_s8.inl.h"
#include "kernels/conv2d_s8.inl.h"
#include "kernels/dwconv2d_s8.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/stage_clock.inl.h"
#include "kernels/table_s8.inl.h"

namespace qrun::kernels {
namespace {

template <class Tag>
class InvertedResidualRowsS8 {
 public:
  explicit InvertedResidualRowsS8(const InvertedResidualS8Args& args)
      : args_(args), w_(args.depthwise.window) {
    const ptrdiff_t band = static_cast<ptrdiff_t>(BandRows()) * w_.ow * args.depthwise.c;
    size_t offset = 0;
    const auto place = [&](size_t bytes) {
      const size_t at = offset;
      offset += (bytes + 63) / 64 * 64;
      return at;
    };
    // Vector loads of the depthwise step may reach a register past the row's end.
    ring_ = place(args.has_expand ? static_cast<size_t>(RingRows() * RowBytes()) + 64 : 0);
    filtered_ = place(static_cast<size_t>(band));
    weights_ = place(DepthwiseWeightBytes());
    depthwise_scratch_ = place(DepthwiseScratchBytes());
    const size_t expand = args.has_expand ? conv2d_s8_scratch_bytes<Tag>(args.expand) : 0;
    const size_t project = conv2d_s8_scratch_bytes<Tag>(args.project);
    conv_scratch_ = place(expand > project ? expand : project);
    scratch_bytes_ = offset;
  }

  size_t ScratchBytes() const { return scratch_bytes_; }

  void Run(int begin, int end, std::byte* scratch) const {
    Clock clock(args_.stage_ticks);
    PrepareDepthwise(scratch);
    clock.Lap(InvertedResidualS8Args::kDepthwise);
    while (begin < end) {
      const int n = begin / w_.oh;
      const int stop = end < (n + 1) * w_.oh ? end : (n + 1) * w_.oh;
      RunImage(n, begin - n * w_.oh, stop - n * w_.oh, scratch, clock);
      begin = stop;
    }
  }

 private:
  using Clock = StageClock<InvertedResidualS8Args::kStages>;

  // Two rows at least, since columns under the filter serve two; and enough pixels for two of the tallest
  // register tiles, so that each pass over the weights is worth it.
  int BandRows() const {
    const int rows = w_.ow >= 28 ? 2 : (28 + w_.ow - 1) / w_.ow;
    return rows < w_.oh ? rows : w_.oh;
  }
  // Input rows under `rows` output rows.
  int RowsUnder(int rows) const { return (rows - 1) * w_.stride_h + (w_.kh - 1) * w_.dilation_h + 1; }
  int RingRows() const {
    const int rows = RowsUnder(BandRows());
    return rows < w_.ih ? rows : w_.ih;
  }
  ptrdiff_t RowBytes() const { return static_cast<ptrdiff_t>(w_.iw) * args_.depthwise.c; }

  size_t DepthwiseWeightBytes() const {
    if constexpr (Tag::kScalar) {
      return 0;
    } else {
      const DepthwiseS8<Tag> depthwise(args_.depthwise);
      return static_cast<size_t>(depthwise.BlockBytes() * depthwise.Blocks());
    }
  }
  size_t DepthwiseScratchBytes() const {
    if constexpr (Tag::kScalar) {
      return 0;
    } else {
      return DepthwiseS8<Tag>(args_.depthwise).ColumnBytes();
    }
  }

  void PrepareDepthwise(std::byte* scratch) const {
    if constexpr (!Tag::kScalar) {
      const DepthwiseS8<Tag> depthwise(args_.depthwise);
      for (int block = 0; block < depthwise.Blocks(); ++block) {
        depthwise.PrepareBlock(block * DepthwiseS8<Tag>::kRegBytes,
                               scratch + weights_ + block * depthwise.BlockBytes());
      }
    }
  }

  void Filter(const DwConvS8Args& part, int begin, int end, std::byte* scratch) const {
    if constexpr (Tag::kScalar) {
      DwConv2dS8Reference(part, begin, end);
    } else {
      const DepthwiseS8<Tag> depthwise(part, scratch + depthwise_scratch_);
      for (int block = 0; block < depthwise.Blocks(); ++block) {
        depthwise.Rows(begin, end, block * DepthwiseS8<Tag>::kRegBytes,
                       scratch + weights_ + block * depthwise.BlockBytes());
      }
    }
  }

  // In place; nothing without a table.
  static void LookUp(const int8_t* table, int8_t* values, ptrdiff_t count) {
    if (table == nullptr) return;
    TableS8Args args;
    args.table = table;
    args.src = args.dst = values;
    table_s8<Tag>(args, 0, static_cast<int>(count), nullptr);
  }

  // Output rows [begin, end) of image n.
  void RunImage(int n, int begin, int end, std::byte* scratch, Clock& clock) const {
    int8_t* ring = reinterpret_cast<int8_t*>(scratch + ring_);
    int8_t* filtered = reinterpret_cast<int8_t*>(scratch + filtered_);
    const ptrdiff_t out_row = static_cast<ptrdiff_t>(w_.ow) * args_.project.oc;
    ConvS8Args expand = args_.expand;
    DwConvS8Args depthwise = args_.depthwise;
    ConvS8Args project = args_.project;
    expand.src = depthwise.src = args_.src;
    project.dst = args_.dst;

    depthwise.ring_rows = args_.has_expand ? RingRows() : 0;
    if (args_.has_expand) depthwise.src = ring;
    int expanded = 0;  // rows up to here have been in the ring
    for (int oy = begin; oy < end; oy += BandRows()) {
      const int rows = end - oy < BandRows() ? end - oy : BandRows();
      if (args_.has_expand) {
        const int top = oy * w_.stride_h - w_.pad_top;
        const int bottom = top + RowsUnder(rows);
        const int last = bottom < w_.ih ? bottom : w_.ih;
        int y = top > expanded ? top : expanded;
        while (y < last) {
          // Up to the ring's end. Row y of image n is row n * ih + y of the whole tensor; shifted, it meets
          // its place.
          const int slot = y % RingRows();
          const int stop = last - y < RingRows() - slot ? last : y + RingRows() - slot;
          expand.dst = ring + (slot - static_cast<ptrdiff_t>(n) * w_.ih - y) * RowBytes();
          conv2d_s8<Tag>(expand, n * w_.ih + y, n * w_.ih + stop, scratch + conv_scratch_);
          LookUp(args_.expand_table, ring + slot * RowBytes(), (stop - y) * RowBytes());
          y = expanded = stop;
        }
        clock.Lap(InvertedResidualS8Args::kExpand);
      }
      const int row = n * w_.oh + oy;
      int8_t* filtered_base = filtered - row * static_cast<ptrdiff_t>(w_.ow) * args_.depthwise.c;
      depthwise.dst = filtered_base;
      Filter(depthwise, row, row + rows, scratch);
      LookUp(args_.depthwise_table, filtered, ptrdiff_t{rows} * w_.ow * args_.depthwise.c);
      clock.Lap(InvertedResidualS8Args::kDepthwise);
      project.src = filtered_base;
      conv2d_s8<Tag>(project, row, row + rows, scratch + conv_scratch_);
      clock.Lap(InvertedResidualS8Args::kProject);
      if (args_.residual) {
        BinaryS8Args add = args_.add;
        add.outer = rows;
        add.inner = add.b_outer_stride = out_row;
        add.b_inner_stride = 1;
        add.a = add.dst = args_.dst + row * out_row;
        add.b = args_.src + row * out_row;
        add_s8<Tag>(add, 0, rows, nullptr);
        clock.Lap(InvertedResidualS8Args::kResidual);
      }
    }
  }

  const InvertedResidualS8Args& args_;
  const Window& w_;
  size_t ring_, filtered_, weights_, depthwise_scratch_, conv_scratch_, scratch_bytes_;
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_INVERTED_RESIDUAL_ROWS_S8_INL_H_
