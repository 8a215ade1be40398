// inverted_residual_s8: the depth-first inverted residual; see InvertedResidualS8Args.
#ifndef QRUN_KERNELS_INVERTED_RESIDUAL_S8_INL_H_
#define QRUN_KERNELS_INVERTED_RESIDUAL_S8_INL_H_

#include <cstddef>

#include "kernels/args.h"
#include "kernels/inline.inl.h"
#include "kernels/inverted_residual_cells_s8.inl.h"
#include "kernels/inverted_residual_rows_s8.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

// f(Index<k>) if the cells' form for filters of k x k fits the block; or else false.
template <class Tag, class Function>
bool OnCells(const InvertedResidualS8Args& args, Function&& f) {
  if constexpr (!Tag::kScalar) {
    if (InvertedResidualCellsS8<Tag, 3>::Fits(args)) return f(Index<3>{}), true;
    if constexpr (Cells<Tag>::kHas5x5) {
      if (InvertedResidualCellsS8<Tag, 5>::Fits(args)) return f(Index<5>{}), true;
    }
  }
  return false;
}

template <class Tag>
size_t inverted_residual_s8_scratch_bytes(const InvertedResidualS8Args& args) noexcept {
  size_t bytes = 0;
  if (OnCells<Tag>(args, [&](auto kernel) {
        bytes = InvertedResidualCellsS8<Tag, kernel.value>(args).ScratchBytes();
      })) {
    return bytes;
  }
  return InvertedResidualRowsS8<Tag>(args).ScratchBytes();
}

template <class Tag>
bool inverted_residual_s8_is_general(const InvertedResidualS8Args& args) noexcept {
  return !Tag::kScalar && !OnCells<Tag>(args, [](auto) {});
}

template <class Tag>
void inverted_residual_s8(const InvertedResidualS8Args& args, int begin, int end,
                          std::byte* scratch) noexcept {
  if (begin >= end) return;
  if (OnCells<Tag>(args, [&](auto kernel) {
        InvertedResidualCellsS8<Tag, kernel.value>(args, scratch).Run(begin, end);
      })) {
    return;
  }
  InvertedResidualRowsS8<Tag>(args).Run(begin, end, scratch);
}

template <class Tag>
InvertedResidualSplit inverted_residual_s8_split(const InvertedResidualS8Args& args) noexcept {
  InvertedResidualSplit split;
  if (args.depthwise.window.n == 1) {
    OnCells<Tag>(args, [&](auto kernel) {
      split = InvertedResidualCellsS8<Tag, kernel.value>::OfChannels(args).Split();
    });
  }
  return split;
}

template <class Tag>
void inverted_residual_filter_s8(const InvertedResidualS8Args& args, int begin, int end,
                                 std::byte* scratch) noexcept {
  OnCells<Tag>(args, [&](auto kernel) {
    InvertedResidualCellsS8<Tag, kernel.value>::OfChannels(args, scratch).FilterBlocks(begin, end);
  });
}

template <class Tag>
void inverted_residual_project_s8(const InvertedResidualS8Args& args, int begin, int end,
                                  std::byte* scratch) noexcept {
  OnCells<Tag>(args, [&](auto kernel) {
    InvertedResidualCellsS8<Tag, kernel.value>::OfChannels(args, scratch).ProjectItems(begin, end);
  });
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_INVERTED_RESIDUAL_S8_INL_H_
