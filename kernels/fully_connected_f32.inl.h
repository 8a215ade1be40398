// fully_connected_f32: rows times a weight matrix; see FullyConnectedF32Args. The reference
// never fuses.
#ifndef QRUN_KERNELS_FULLY_CONNECTED_F32_INL_H_
#define QRUN_KERNELS_FULLY_CONNECTED_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/gemm_f32.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

// On weights packed with ConvF32Packing{1}, i.e. [oc, ic]; a work item is one output channel.
inline void FullyConnectedF32Reference(const FullyConnectedF32Args& a, int begin, int end) noexcept {
  for (int row = 0; row < a.rows; ++row) {
    for (int oc = begin; oc < end; ++oc) {
      const float* src = a.src + static_cast<ptrdiff_t>(row) * a.ic;
      const float* wei = a.wei + static_cast<ptrdiff_t>(oc) * a.ic;
      float acc = a.bia[oc];
      for (int ic = 0; ic < a.ic; ++ic) acc += src[ic] * wei[ic];
      a.dst[static_cast<ptrdiff_t>(row) * a.oc + oc] = ClampF32(acc, a.lo, a.hi);
    }
  }
}

// kRows rows by kBlocks blocks of channels, read in place.
template <class Tag, bool kFused, int kRows, int kBlocks>
QRUN_INLINE void FullyConnectedF32Tile(const FullyConnectedF32Args& a, int row, int block) {
  using Math = GemmMathF32<Tag, kFused>;
  using Reg = typename Math::Reg;
  constexpr int kLanes = Math::kLanes;
  const Math math = {a.lo, a.hi};
  const ptrdiff_t block_stride = static_cast<ptrdiff_t>(a.ic) * kLanes;
  const float* src = a.src + static_cast<ptrdiff_t>(row) * a.ic;
  const float* wei = a.wei + block * block_stride;
  Reg acc[kRows * kBlocks];
  Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
    const Reg bias = Math::LoadBia(a.bia + (block + b.value) * kLanes);
    Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA { acc[r.value * kBlocks + b.value] = bias; });
  });
  for (int ic = 0; ic < a.ic; ++ic, ++src, wei += kLanes) {
    Reg s[kRows];
    Unroll<kRows>([&](auto r)
                      QRUN_INLINE_LAMBDA { s[r.value] = Reg(src[r.value * static_cast<ptrdiff_t>(a.ic)]); });
    Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
      const Reg w = Math::LoadWei(wei + b.value * block_stride);
      Unroll<kRows>(
          [&](auto r) QRUN_INLINE_LAMBDA { Math::MulAdd(acc[r.value * kBlocks + b.value], s[r.value], w); });
    });
  }
  const RowsAt<float> rows_at = {a.dst + static_cast<ptrdiff_t>(row) * a.oc + block * kLanes, a.oc};
  math.template Store<kRows, kBlocks>(acc, 0, rows_at, kRows, a.oc - block * kLanes);
}

template <class Tag, bool kFused, int kBlocks>
inline void FullyConnectedF32Column(const FullyConnectedF32Args& a, int block) {
  int row = 0;
  for (; a.rows - row >= 3; row += 3) FullyConnectedF32Tile<Tag, kFused, 3, kBlocks>(a, row, block);
  for (; row < a.rows; ++row) FullyConnectedF32Tile<Tag, kFused, 1, kBlocks>(a, row, block);
}

template <class Tag, bool kFused>
void FullyConnectedF32Simd(const FullyConnectedF32Args& args, int begin, int end) noexcept {
  int block = begin;
  for (; end - block >= 4; block += 4) FullyConnectedF32Column<Tag, kFused, 4>(args, block);
  for (; block < end; ++block) FullyConnectedF32Column<Tag, kFused, 1>(args, block);
}

template <class Tag>
void fully_connected_f32(const FullyConnectedF32Args& args, int begin, int end, std::byte*) noexcept {
  if constexpr (Tag::kScalar) {
    FullyConnectedF32Reference(args, begin, end);
  } else if (args.fused) {
    FullyConnectedF32Simd<Tag, true>(args, begin, end);
  } else {
    FullyConnectedF32Simd<Tag, false>(args, begin, end);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_FULLY_CONNECTED_F32_INL_H_
