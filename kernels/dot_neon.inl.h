// S8<Neon>, S8<NeonDot> and S8<NeonI8mm>: see dot.inl.h.
//
// Neon has no dot product, and sums of two products of int8 leave int16 (-128 * -128 twice), so the order of
// the bytes within a register makes each pairwise sum one of int32: bytes 0 and 1 of the four lanes are the
// lower half of the register, bytes 2 and 3 the upper half. This holds for what Dot reads alone: in memory,
// weights, activations and quads lie as for every other instruction set.
#ifndef QRUN_KERNELS_DOT_NEON_INL_H_
#define QRUN_KERNELS_DOT_NEON_INL_H_

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

// What both share: everything but the order of bytes in what Dot reads.
template <class Simd>
struct NeonS8 {
  static constexpr int kLanes = 4;
  static constexpr int kBytes = 16;
  static constexpr int kRegisters = 32;
  static constexpr int kGroup = 4;
  static constexpr int kOffset = 0;
  using I32 = int32x4_t;
  using Bytes = int32x4_t;
  using F32 = xsimd::batch<float, Simd>;

  static QRUN_INLINE int8x16_t S8Of(int32x4_t v) { return vreinterpretq_s8_s32(v); }
  static QRUN_INLINE int32x4_t FromS8(int8x16_t v) { return vreinterpretq_s32_s8(v); }
  static QRUN_INLINE int8x16_t Load(const void* p) { return vld1q_s8(static_cast<const int8_t*>(p)); }
  // The bytes of v at kOrder, one digit in hexadecimal each, the first byte's lowest.
  template <uint64_t kOrder>
  static QRUN_INLINE int32x4_t Permute(int8x16_t v) {
    constexpr auto bytes = [](int first) {
      uint64_t packed = 0;
      for (int i = 0; i < 8; ++i) packed |= ((kOrder >> 4 * (first + i)) & 15) << 8 * i;
      return packed;
    };
    constexpr uint64_t kLow = bytes(0), kHigh = bytes(8);
    const uint8x16_t index = vcombine_u8(vcreate_u8(kLow), vcreate_u8(kHigh));
    return FromS8(vqtbl1q_s8(v, index));
  }

  static QRUN_INLINE I32 SetI32(int32_t v) { return vdupq_n_s32(v); }
  static QRUN_INLINE I32 LoadI32(const void* p) { return FromS8(Load(p)); }
  static QRUN_INLINE void StoreI32(void* p, I32 v) { vst1q_s8(static_cast<int8_t*>(p), S8Of(v)); }
  static QRUN_INLINE I32 AddI32(I32 a, I32 b) { return vaddq_s32(a, b); }
  static QRUN_INLINE I32 SubI32(I32 a, I32 b) { return vsubq_s32(a, b); }

  static QRUN_INLINE I32 LoadGroup(const std::byte* p) {
    int32_t group;
    __builtin_memcpy(&group, p, 4);
    return vdupq_n_s32(group);
  }
  static QRUN_INLINE void ExpandGroups(const int8_t* src, std::byte* dst) { __builtin_memcpy(dst, src, 64); }
  static QRUN_INLINE void ExpandGroupsPart(const int8_t* src, int n, std::byte* dst) {
    CopyBytes(dst, src, n);
  }
  static QRUN_INLINE I32 OffsetTaps(I32 groups) { return groups; }

  static QRUN_INLINE I32 RoundBounded(F32 v) { return vcvtnq_s32_f32(v.data); }
  static QRUN_INLINE I32 PackOffsetInLane(I32 a, I32 b, I32 c, I32 d, I32 zp) {
    return PackInLane(a, b, c, d, zp);
  }
  // Shifts by a negative count are to the right.
  static QRUN_INLINE I32 RotateLanes(I32 v, int bits) {
    const uint32x4_t lanes = vreinterpretq_u32_s32(v);
    return vreinterpretq_s32_u32(
        vorrq_u32(vshlq_u32(lanes, vdupq_n_s32(bits)), vshlq_u32(lanes, vdupq_n_s32(bits - 32))));
  }
  static QRUN_INLINE I32 MaxOffset(I32 a, I32 b) { return MaxBytes(a, b); }
  static QRUN_INLINE I32 MinOffset(I32 a, I32 b) { return MinBytes(a, b); }
  static QRUN_INLINE int32_t LoadFour(const int8_t* p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return four;
  }
  static QRUN_INLINE I32 Select(I32 mask, I32 a, I32 b) {
    return vbslq_s32(vreinterpretq_u32_s32(mask), a, b);
  }

  static QRUN_INLINE I32 Widen(const int8_t* p) {
    const int8x8_t bytes = vreinterpret_s8_s32(vdup_n_s32(LoadFour(p)));
    return vmovl_s16(vget_low_s16(vmovl_s8(bytes)));
  }
  static QRUN_INLINE F32 ToF32(I32 v) { return vcvtq_f32_s32(v); }
  // The conversion saturates, but turns NaN into 0: vmaxnm takes its other operand.
  static QRUN_INLINE I32 RoundToI32(F32 v) {
    return vcvtnq_s32_f32(vmaxnmq_f32(v.data, vdupq_n_f32(-32768.0f)));
  }
  static QRUN_INLINE Bytes SetWords(int v) {
    return vreinterpretq_s32_s16(vdupq_n_s16(static_cast<int16_t>(v)));
  }
  static QRUN_INLINE Bytes PackInLane(I32 a, I32 b, I32 c, I32 d, Bytes zp) {
    const int16x8_t words = vreinterpretq_s16_s32(zp);
    const int16x8_t ab = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), words);
    const int16x8_t cd = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(c), d), words);
    return FromS8(vqmovn_high_s16(vqmovn_s16(ab), cd));
  }
  static QRUN_INLINE Bytes PackInOrder(I32 a, I32 b, I32 c, I32 d, Bytes zp) {
    return PackInLane(a, b, c, d, zp);
  }

  static QRUN_INLINE Bytes LoadBytes(const int8_t* p) { return LoadI32(p); }
  static QRUN_INLINE Bytes LoadBytesPart(const int8_t* p, int n) {
    alignas(16) int8_t all[16] = {};
    CopyBytes(all, p, n);
    return LoadI32(all);
  }
  static QRUN_INLINE void StoreBytes(int8_t* p, Bytes v) { StoreI32(p, v); }
  static QRUN_INLINE Bytes SetBytes(int v) { return FromS8(vdupq_n_s8(static_cast<int8_t>(v))); }
  static QRUN_INLINE Bytes MaxBytes(Bytes a, Bytes b) { return FromS8(vmaxq_s8(S8Of(a), S8Of(b))); }
  static QRUN_INLINE Bytes MinBytes(Bytes a, Bytes b) { return FromS8(vminq_s8(S8Of(a), S8Of(b))); }

  template <int kPart, int kParts>
  static QRUN_INLINE void StorePart(int8_t* p, Bytes v) {
    if constexpr (kParts == 1) {
      StoreI32(p, v);
    } else if constexpr (kParts == 2) {
      const int64_t part = vgetq_lane_s64(vreinterpretq_s64_s32(v), kPart);
      __builtin_memcpy(p, &part, 8);
    } else {
      const int32_t part = vgetq_lane_s32(v, kPart);
      __builtin_memcpy(p, &part, 4);
    }
  }
  template <int kPart, int kParts>
  static QRUN_INLINE void StorePartOf(int8_t* p, Bytes v, int n) {
    alignas(16) int8_t all[16];
    StoreI32(all, v);
    CopyBytes(p, all + 16 / kParts * kPart, n);
  }

  // vtbx leaves alone what lies outside of its 64 entries.
  struct ByteTable {
    int8x16x4_t part[4];
    explicit QRUN_INLINE ByteTable(const int8_t* table) {
      for (int i = 0; i < 4; ++i) part[i] = vld1q_s8_x4(table + 64 * i);
    }
    QRUN_INLINE Bytes operator()(Bytes src) const {
      uint8x16_t index = veorq_u8(vreinterpretq_u8_s32(src), vdupq_n_u8(0x80));
      int8x16_t entry = vqtbl4q_s8(part[0], index);
      Unroll<3>([&](auto i) QRUN_INLINE_LAMBDA {
        index = vsubq_u8(index, vdupq_n_u8(64));
        entry = vqtbx4q_s8(entry, part[i.value + 1], index);
      });
      return FromS8(entry);
    }
  };
};

template <>
struct S8<Neon> : NeonS8<Neon::simd> {
  // Accumulators, weights, 1 activation, 2 products and 1 order of bytes of 32 registers.
  static constexpr int kTilePixels[] = {12, 6, 1};
  static constexpr int kExpandBlocks = 3, kExpandAccumulators = 24;
  static constexpr int kProjectSlots[2][3] = {{24, 16}, {12, 8, 4}};

  static constexpr uint64_t kHalvesOfLanes = 0xFEBA'7632'DC98'5410;

  static QRUN_INLINE I32 LoadWei(const int8_t* p) { return Permute<kHalvesOfLanes>(Load(p)); }
  static QRUN_INLINE I32 BroadcastGroup(const std::byte* p) {
    return Permute<kHalvesOfLanes>(S8Of(LoadGroup(p)));
  }
  static QRUN_INLINE void Dot(I32& acc, I32 src, I32 wei) {
    acc = vpadalq_s16(acc, vmull_s8(vget_low_s8(S8Of(src)), vget_low_s8(S8Of(wei))));
    acc = vpadalq_s16(acc, vmull_high_s8(S8Of(src), S8Of(wei)));
  }

  static QRUN_INLINE void InterleaveTaps(const Bytes (&rows)[4], I32 (&out)[4]) {
    const auto join = [&](int8x16_t a, int8x16_t b, I32& low, I32& high) QRUN_INLINE_LAMBDA {
      const int64x2_t a2 = vreinterpretq_s64_s8(a), b2 = vreinterpretq_s64_s8(b);
      low = vreinterpretq_s32_s64(vzip1q_s64(a2, b2));
      high = vreinterpretq_s32_s64(vzip2q_s64(a2, b2));
    };
    join(vzip1q_s8(S8Of(rows[0]), S8Of(rows[1])), vzip1q_s8(S8Of(rows[2]), S8Of(rows[3])), out[0], out[1]);
    join(vzip2q_s8(S8Of(rows[0]), S8Of(rows[1])), vzip2q_s8(S8Of(rows[2]), S8Of(rows[3])), out[2], out[3]);
  }

  // Cells.
  static QRUN_INLINE I32 RowsToLanes(Bytes rows) { return Permute<0xFBEA'D9C8'7362'5140>(S8Of(rows)); }
  static QRUN_INLINE I32 JoinTaps(const int8_t* row0, const int8_t* row1, const int8_t* row2,
                                  const int8_t* row3) {
    const int32_t rows[4] = {LoadFour(row0), LoadFour(row1), LoadFour(row2), LoadFour(row3)};
    return RowsToLanes(vld1q_s32(rows));
  }
  static QRUN_INLINE I32 RotateRows(I32 cell, int rows) {
    const I32 in_lanes = Permute<0xFE76'DC54'BA32'9810>(S8Of(cell));
    return Permute<kHalvesOfLanes>(S8Of(RotateLanes(in_lanes, 8 * rows)));
  }
  static QRUN_INLINE I32 CellRows(int first, int count) {
    const auto mask = static_cast<int32_t>((uint64_t{1} << 8 * count) - 1);
    return RotateRows(Permute<kHalvesOfLanes>(S8Of(SetI32(mask))), first);
  }
  static QRUN_INLINE I32 JoinCells(I32 before, I32 cell) {
    return vcombine_s32(vget_low_s32(cell), vget_high_s32(before));
  }
};

#if defined(__ARM_FEATURE_DOTPROD)
template <>
struct S8<NeonDot> : NeonS8<NeonDot::simd> {
  // 10 x 2 accumulators, 4 x 2 weights, 1 register of activations of 32 registers: 18 loads for 80 products,
  // where 14 x 2 with broadcast activations take 64 for 112.
  static constexpr int kTilePixels[] = {10, 5, 1};
  static constexpr int kLaneSteps = 4;
  static constexpr int kExpandBlocks = 3, kExpandAccumulators = 24;
  static constexpr int kProjectSlots[2][3] = {{28, 16}, {14, 8, 4}};

  template <int kStep>
  static QRUN_INLINE void DotLane(I32& acc, I32 src, I32 wei) {
    acc = vdotq_laneq_s32(acc, S8Of(wei), S8Of(src), kStep);
  }
  static QRUN_INLINE I32 LoadWei(const int8_t* p) { return LoadI32(p); }
  static QRUN_INLINE I32 BroadcastGroup(const std::byte* p) { return LoadGroup(p); }
  static QRUN_INLINE void Dot(I32& acc, I32 src, I32 wei) { acc = vdotq_s32(acc, S8Of(src), S8Of(wei)); }

  static QRUN_INLINE void InterleaveTaps(const Bytes (&rows)[4], I32 (&out)[4]) {
    const auto join = [&](int8x16_t a, int8x16_t b, I32& low, I32& high) QRUN_INLINE_LAMBDA {
      const int16x8_t a2 = vreinterpretq_s16_s8(a), b2 = vreinterpretq_s16_s8(b);
      low = vreinterpretq_s32_s16(vzip1q_s16(a2, b2));
      high = vreinterpretq_s32_s16(vzip2q_s16(a2, b2));
    };
    join(vzip1q_s8(S8Of(rows[0]), S8Of(rows[1])), vzip1q_s8(S8Of(rows[2]), S8Of(rows[3])), out[0], out[1]);
    join(vzip2q_s8(S8Of(rows[0]), S8Of(rows[1])), vzip2q_s8(S8Of(rows[2]), S8Of(rows[3])), out[2], out[3]);
  }

  // Cells.
  static QRUN_INLINE I32 RowsToLanes(Bytes rows) { return Permute<0xFB73'EA62'D951'C840>(S8Of(rows)); }
  static QRUN_INLINE I32 JoinTaps(const int8_t* row0, const int8_t* row1, const int8_t* row2,
                                  const int8_t* row3) {
    const int32_t rows[4] = {LoadFour(row0), LoadFour(row1), LoadFour(row2), LoadFour(row3)};
    return RowsToLanes(vld1q_s32(rows));
  }
  static QRUN_INLINE I32 RotateRows(I32 cell, int rows) { return RotateLanes(cell, 8 * rows); }
  static QRUN_INLINE I32 CellRows(int first, int count) {
    return RotateRows(SetI32(static_cast<int32_t>((uint64_t{1} << 8 * count) - 1)), first);
  }
  static QRUN_INLINE I32 JoinCells(I32 before, I32 cell) {
    return vbslq_s32(vdupq_n_u32(0xFFFF), cell, before);
  }
};
#endif

#if defined(__ARM_FEATURE_MATMUL_INT8)
// smmla multiplies 2 rows of 8 activations by 2 channels of 8 weights: in the register tiles of the
// convolutions; all else is as with sdot.
template <>
struct S8<NeonI8mm> : S8<NeonDot> {
  // 10 x 2 accumulators, 4 weights, pairs of rows; with 12 x 2, GCC spills some to load activations early.
  static constexpr int kTilePixels[] = {10, 6, 2};
  static constexpr bool kRowPairs = true;

  static QRUN_INLINE void ZipSteps(I32 first, I32 second, I32& low, I32& high) {
    low = vzip1q_s32(first, second);
    high = vzip2q_s32(first, second);
  }
  static QRUN_INLINE I32 LoadRowPair(const std::byte* a, const std::byte* b) {
    return FromS8(vcombine_s8(vld1_s8(reinterpret_cast<const int8_t*>(a)),
                              vld1_s8(reinterpret_cast<const int8_t*>(b))));
  }
  static QRUN_INLINE void DotPairs(I32& acc, I32 src, I32 wei) {
    acc = vmmlaq_s32(acc, S8Of(src), S8Of(wei));
  }
  static QRUN_INLINE void ZipHalves(I32& a, I32& b) {
    const int64x2_t a2 = vreinterpretq_s64_s32(a), b2 = vreinterpretq_s64_s32(b);
    a = vreinterpretq_s32_s64(vzip1q_s64(a2, b2));
    b = vreinterpretq_s32_s64(vzip2q_s64(a2, b2));
  }
};
#endif

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DOT_NEON_INL_H_
