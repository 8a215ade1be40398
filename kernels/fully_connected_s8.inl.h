// fully_connected_s8: rows times a weight matrix; see FullyConnectedS8Args. Exact: sums wrap modulo 2^32, and
// the true sum fits int32.
#ifndef QRUN_KERNELS_FULLY_CONNECTED_S8_INL_H_
#define QRUN_KERNELS_FULLY_CONNECTED_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/dot.inl.h"
#include "kernels/gemm.inl.h"
#include "kernels/gemm_s8.inl.h"
#include "kernels/im2col.inl.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"

namespace qrun::kernels {
namespace {

// The specification, on weights packed with ConvPacking{1, 1, 0}, i.e. [oc, ic]; a work item is one output
// channel.
inline void FullyConnectedS8Reference(const FullyConnectedS8Args& a, int begin, int end) noexcept {
  for (int row = 0; row < a.rows; ++row) {
    for (int oc = begin; oc < end; ++oc) {
      uint32_t acc = static_cast<uint32_t>(a.bia[oc]);
      for (int ic = 0; ic < a.ic; ++ic) {
        const int product =
            a.src[static_cast<ptrdiff_t>(row) * a.ic + ic] * a.wei[static_cast<ptrdiff_t>(oc) * a.ic + ic];
        acc += static_cast<uint32_t>(product);
      }
      a.dst[static_cast<ptrdiff_t>(row) * a.oc + oc] =
          Requantize(static_cast<int32_t>(acc), a.scale[oc], a.dst_zp, a.lo, a.hi);
    }
  }
}

template <class Tag>
ChunkLayout FullyConnectedS8Layout(const FullyConnectedS8Args& args) {
  return ChunkLayout::Of<GemmMathS8<Tag>>(args.ic, args.rows);
}

template <class Tag>
size_t fully_connected_s8_scratch_bytes(const FullyConnectedS8Args& args) noexcept {
  if constexpr (Tag::kScalar) {
    return 0;
  } else {
    return static_cast<size_t>(FullyConnectedS8Layout<Tag>(args).CellBytes());
  }
}

template <class Tag>
void FullyConnectedS8Simd(const FullyConnectedS8Args& args, int begin, int end, std::byte* scratch) noexcept {
  using Math = GemmMathS8<Tag>;
  const ChunkLayout layout = FullyConnectedS8Layout<Tag>(args);
  const Requantizer<Tag> requantizer(args.dst_zp, args.lo, args.hi);
  for (int first = 0; first < args.rows; first += layout.rows) {
    const int rows = args.rows - first < layout.rows ? args.rows - first : layout.rows;
    for (int i = 0; i < rows; ++i) {
      const int8_t* src = args.src + static_cast<ptrdiff_t>(first + i) * args.ic;
      FillCells<Math>(reinterpret_cast<const std::byte*>(src), args.ic,
                      static_cast<ptrdiff_t>(args.rows - first - i) * args.ic, layout.CellStride(),
                      scratch + i * kCellBytes);
    }
    const Gemm<Math> gemm = {{requantizer, args.scale},
                             scratch,
                             layout.CellStride(),
                             rows,
                             kOneSegment,
                             1,
                             (args.ic + S8<Tag>::kGroup - 1) / S8<Tag>::kGroup,
                             args.wei,
                             args.bia,
                             args.dst + static_cast<ptrdiff_t>(first) * args.oc,
                             args.oc,
                             args.oc};
    gemm.Run(begin, end);
  }
}

template <class Tag>
void fully_connected_s8(const FullyConnectedS8Args& args, int begin, int end, std::byte* scratch) noexcept {
  if constexpr (Tag::kScalar) {
    FullyConnectedS8Reference(args, begin, end);
  } else {
    FullyConnectedS8Simd<Tag>(args, begin, end, scratch);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_FULLY_CONNECTED_S8_INL_H_
