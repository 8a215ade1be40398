// Gemm's arithmetic on int8.
#ifndef QRUN_KERNELS_GEMM_S8_INL_H_
#define QRUN_KERNELS_GEMM_S8_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/dot_tile.inl.h"
#include "kernels/gemm.inl.h"
#include "kernels/gemm_crossed.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/requantize.inl.h"

namespace qrun::kernels {
namespace {

template <class Ops>
constexpr Product ProductOf() {
  if constexpr (requires { Ops::kRowPairs; }) {
    return Product::kRowPairs;
  } else if constexpr (requires { Ops::kLaneSteps; }) {
    return Product::kLanes;
  } else {
    return Product::kBroadcast;
  }
}

template <class Ops>
constexpr int StepsAtOnce() {
  if constexpr (ProductOf<Ops>() == Product::kRowPairs) {
    return 2;
  } else if constexpr (ProductOf<Ops>() == Product::kLanes) {
    return Ops::kLaneSteps;
  } else {
    return 1;
  }
}

template <class Tag>
struct GemmMathS8 {
  using Ops = S8<Tag>;
  using Reg = typename Ops::I32;
  using F32 = typename Ops::F32;
  using Wei = int8_t;
  using Bia = int32_t;
  using Dst = int8_t;
  static constexpr int kLanes = Ops::kLanes;
  static constexpr int kWeiPerStep = Ops::kLanes * Ops::kGroup;
  static constexpr auto& kTilePixels = Ops::kTilePixels;
  static constexpr Product kProduct = ProductOf<Ops>();
  static constexpr int kStepsAtOnce = StepsAtOnce<Ops>();
  static constexpr int kCellSrc = kCellSteps * Ops::kGroup;  // activations of a cell
  static constexpr bool kCrosses = requires { Ops::kCrossedRows; };

  Requantizer<Tag> requantizer;
  const float* scale;

  static QRUN_INLINE Reg LoadBia(const int32_t* p) { return Ops::LoadI32(p); }
  static QRUN_INLINE Reg LoadWei(const int8_t* p) { return Ops::LoadWei(p); }
  static QRUN_INLINE Reg Broadcast(const std::byte* p) { return Ops::BroadcastGroup(p); }
  template <int kRows, int kBlocks, class Src>
  static QRUN_INLINE void MulAddTile(Reg (&acc)[kRows * kBlocks], const Reg (&wei)[kBlocks], Src&& src) {
    DotTile<Ops, kRows, kBlocks>(acc, wei, src);
  }

  static QRUN_INLINE Reg LoadSteps(const std::byte* p) { return Ops::LoadI32(p); }
  template <int kStep>
  static QRUN_INLINE void MulAddLane(Reg& acc, Reg src, Reg wei) {
    Ops::template DotLane<kStep>(acc, src, wei);
  }

  // Weights of a single step are followed by zeros, which what is behind its activations meets.
  template <int kSteps>
  static QRUN_INLINE void PairWei(Reg first, Reg second, Reg& low, Reg& high) {
    Ops::ZipSteps(first, kSteps == 1 ? Ops::SetI32(0) : second, low, high);
  }
  static QRUN_INLINE Reg LoadRowPair(const std::byte* a, const std::byte* b) {
    return Ops::LoadRowPair(a, b);
  }
  static QRUN_INLINE void MulAddPairs(Reg& acc, Reg src, Reg wei) { Ops::DotPairs(acc, src, wei); }
  static QRUN_INLINE void ZipHalves(Reg& a, Reg& b) { Ops::ZipHalves(a, b); }

  // Four accumulators make one register of bytes, which holds 1, 2 or 4 rows of 4, 2 or 1 blocks. row_dst(i)
  // is where row i goes.
  template <int kRows, int kBlocks, class RowDst>
  QRUN_INLINE void Store(const Reg (&acc)[kRows * kBlocks], int channel, RowDst&& row_dst, int valid_rows,
                         int valid_channels) const {
    if (valid_rows >= kRows && valid_channels >= kBlocks * kLanes) {
      StoreTile<true, kRows, kBlocks>(acc, channel, row_dst, valid_rows, valid_channels);
    } else {
      StoreTile<false, kRows, kBlocks>(acc, channel, row_dst, valid_rows, valid_channels);
    }
  }

  static QRUN_INLINE void FillCell(const std::byte* src, std::byte* dst) {
    Ops::ExpandGroups(reinterpret_cast<const int8_t*>(src), dst);
  }
  static QRUN_INLINE void FillCellPart(const std::byte* src, int bytes, std::byte* dst) {
    Ops::ExpandGroupsPart(reinterpret_cast<const int8_t*>(src), bytes, dst);
  }
  // Writes nothing behind them.
  static QRUN_INLINE void FillCellExactly(const std::byte* src, int bytes, std::byte* dst) {
    alignas(kCellBytes) std::byte cell[kCellBytes];
    FillCellPart(src, bytes, cell);
    CopyBytes(dst, cell, bytes * ptrdiff_t{kCellBytes / kCellSrc});
  }

 private:
  // kWhole: all rows and channels of the tile are valid.
  template <bool kWhole, int kRows, int kBlocks, class RowDst>
  QRUN_INLINE void StoreTile(const Reg (&acc)[kRows * kBlocks], int channel, RowDst&& row_dst, int valid_rows,
                             int valid_channels) const {
    constexpr int kParts = 4 / kBlocks;
    constexpr int kWidth = kBlocks * kLanes;
    F32 scales[kBlocks];
    Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
      scales[b.value] = F32::load_unaligned(scale + channel + b.value * kLanes);
    });
    const auto product = [&](auto q) QRUN_INLINE_LAMBDA {
      constexpr int kLast = kRows * kBlocks - 1;  // a last register that is not full repeats it
      constexpr int i = q.value < kLast ? q.value : kLast;
      return Ops::ToF32(acc[i]) * scales[q.value % kBlocks];
    };
    Unroll<(kRows + kParts - 1) / kParts>([&](auto group) QRUN_INLINE_LAMBDA {
      constexpr int q = 4 * group.value;
      const typename Ops::Bytes bytes = requantizer.InOrder(product(Index<q>{}), product(Index<q + 1>{}),
                                                            product(Index<q + 2>{}), product(Index<q + 3>{}));
      Unroll<kParts>([&](auto part) QRUN_INLINE_LAMBDA {
        constexpr int row = group.value * kParts + part.value;
        if constexpr (kWhole) {
          if constexpr (row < kRows) Ops::template StorePart<part.value, kParts>(row_dst(row), bytes);
        } else if (row < kRows && row < valid_rows) {
          if (valid_channels >= kWidth) {
            Ops::template StorePart<part.value, kParts>(row_dst(row), bytes);
          } else {
            Ops::template StorePartOf<part.value, kParts>(row_dst(row), bytes, valid_channels);
          }
        }
      });
    });
  }
};

// Packing that the int8 convolutions of an ISA want.
template <class Tag>
constexpr ConvPacking ConvPackingOf() {
  if constexpr (Tag::kScalar) {
    return {1, 1, 0};
  } else {
    return {S8<Tag>::kGroup, S8<Tag>::kLanes, S8<Tag>::kOffset};
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_GEMM_S8_INL_H_
