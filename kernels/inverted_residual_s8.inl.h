// inverted_residual_s8: the depth-first inverted residual; see InvertedResidualS8Args.
#ifndef QRUN_KERNELS_INVERTED_RESIDUAL_S8_INL_H_
#define QRUN_KERNELS_INVERTED_RESIDUAL_S8_INL_H_

#include <cstddef>

#include "kernels/args.h"
#include "kernels/inverted_residual_cells_s8.inl.h"
#include "kernels/inverted_residual_rows_s8.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

template <class Tag>
size_t inverted_residual_s8_scratch_bytes(const InvertedResidualS8Args& args) noexcept {
  if constexpr (!Tag::kScalar) {
    if (InvertedResidualCellsS8<Tag>::Fits(args)) return InvertedResidualCellsS8<Tag>(args).ScratchBytes();
  }
  return InvertedResidualRowsS8<Tag>(args).ScratchBytes();
}

template <class Tag>
void inverted_residual_s8(const InvertedResidualS8Args& args, int begin, int end,
                          std::byte* scratch) noexcept {
  if (begin >= end) return;
  if constexpr (!Tag::kScalar) {
    if (InvertedResidualCellsS8<Tag>::Fits(args)) {
      return InvertedResidualCellsS8<Tag>(args, scratch).Run(begin, end);
    }
  }
  InvertedResidualRowsS8<Tag>(args).Run(begin, end, scratch);
}

template <class Tag>
InvertedResidualSplit inverted_residual_s8_split(const InvertedResidualS8Args& args) noexcept {
  if constexpr (!Tag::kScalar) {
    if (args.depthwise.window.n == 1 && InvertedResidualCellsS8<Tag>::Fits(args)) {
      return InvertedResidualCellsS8<Tag>::OfChannels(args).Split();
    }
  }
  return {};
}

template <class Tag>
void inverted_residual_filter_s8(const InvertedResidualS8Args& args, int begin, int end,
                                 std::byte* scratch) noexcept {
  if constexpr (!Tag::kScalar)
    InvertedResidualCellsS8<Tag>::OfChannels(args, scratch).FilterBlocks(begin, end);
}

template <class Tag>
void inverted_residual_project_s8(const InvertedResidualS8Args& args, int begin, int end,
                                  std::byte* scratch) noexcept {
  if constexpr (!Tag::kScalar)
    InvertedResidualCellsS8<Tag>::OfChannels(args, scratch).ProjectItems(begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_INVERTED_RESIDUAL_S8_INL_H_
