// Gemm's arithmetic on float.
#ifndef QRUN_KERNELS_GEMM_F32_INL_H_
#define QRUN_KERNELS_GEMM_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/gemm.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

// Register tiles as in dot.inl.h: by the number of registers, which on x86 goes with their width.
template <int kLanes>
struct FloatTiles {
#if defined(__aarch64__)
  static constexpr bool k32Registers = true;
#else
  static constexpr bool k32Registers = kLanes == 16;
#endif
  static constexpr int kTall = k32Registers ? 14 : kLanes == 8 ? 6 : 4;
  static constexpr int kPixels[] = {kTall, kTall / 2, 1};
};

// kFused: see ConvF32Args::fused.
template <class Tag, bool kFused>
struct GemmMathF32 {
  using Reg = xsimd::batch<float, typename Tag::simd>;
  using Wei = float;
  using Bia = float;
  using Dst = float;
  static constexpr int kLanes = static_cast<int>(Reg::size);
  static constexpr int kWeiPerStep = kLanes;
  static constexpr auto& kTilePixels = FloatTiles<kLanes>::kPixels;
  static constexpr bool kCrosses = false;
  static constexpr int kCellSrc = kCellSteps;
  static constexpr Product kProduct = Product::kBroadcast;
  static constexpr int kStepsAtOnce = 1;

  float lo, hi;

  static QRUN_INLINE Reg LoadBia(const float* p) { return Reg::load_unaligned(p); }
  static QRUN_INLINE Reg LoadWei(const float* p) { return Reg::load_unaligned(p); }
  static QRUN_INLINE Reg Broadcast(const std::byte* p) {
    float value;
    __builtin_memcpy(&value, p, 4);
    return Reg(value);
  }
  static QRUN_INLINE void MulAdd(Reg& acc, Reg src, Reg wei) {
    if constexpr (kFused) {
      acc = xsimd::fma(src, wei, acc);
    } else {
      acc = acc + src * wei;
    }
  }

  template <int kRows, int kBlocks, class Src>
  static QRUN_INLINE void MulAddTile(Reg (&acc)[kRows * kBlocks], const Reg (&wei)[kBlocks], Src&& src) {
    Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
      const Reg group = src(r);
      Unroll<kBlocks>(
          [&](auto b) QRUN_INLINE_LAMBDA { MulAdd(acc[r.value * kBlocks + b.value], group, wei[b.value]); });
    });
  }

  template <int kRows, int kBlocks, class RowDst>
  QRUN_INLINE void Store(const Reg (&acc)[kRows * kBlocks], int, RowDst&& row_dst, int valid_rows,
                         int valid_channels) const {
    Unroll<kRows>([&](auto r) QRUN_INLINE_LAMBDA {
      if (r.value < valid_rows) {
        Unroll<kBlocks>([&](auto b) QRUN_INLINE_LAMBDA {
          StoreClamped(row_dst(r.value) + b.value * kLanes, acc[r.value * kBlocks + b.value],
                       valid_channels - b.value * kLanes);
        });
      }
    });
  }
  QRUN_INLINE void StoreClamped(float* dst, Reg value, int valid) const {
    value = ClampF32(value, Reg(lo), Reg(hi));
    if (valid >= kLanes) {
      value.store_unaligned(dst);
    } else {
      float all[kLanes];
      value.store_unaligned(all);
      for (int i = 0; i < valid; ++i) dst[i] = all[i];
    }
  }

  static QRUN_INLINE void FillCell(const std::byte* src, std::byte* dst) {
    __builtin_memcpy(dst, src, kCellBytes);
  }
  static QRUN_INLINE void FillCellPart(const std::byte* src, int bytes, std::byte* dst) {
    CopyBytes(dst, src, bytes);
  }
  static QRUN_INLINE void FillCellExactly(const std::byte* src, int bytes, std::byte* dst) {
    FillCellPart(src, bytes, dst);
  }
};

// Packing that the float convolutions of an ISA want.
template <class Tag>
constexpr ConvF32Packing ConvF32PackingOf() {
  if constexpr (Tag::kScalar) {
    return {1};
  } else {
    return {GemmMathF32<Tag, true>::kLanes};
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_GEMM_F32_INL_H_
