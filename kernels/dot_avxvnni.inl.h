// S8<AvxVnni>: see dot.inl.h.
#ifndef QRUN_KERNELS_DOT_AVXVNNI_INL_H_
#define QRUN_KERNELS_DOT_AVXVNNI_INL_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/dot_ymm.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

template <>
struct S8<AvxVnni> : YmmS8<AvxVnni::simd> {
  static constexpr int kGroup = 4;
  static constexpr int kOffset = 128;
  static constexpr int kTilePixels[] = {6, 3,
                                        1};  // 6 x 2 accumulators, 2 weights, 1 activation of 16 registers
  static constexpr int kExpandBlocks = 3, kExpandAccumulators = 12;
  static constexpr int kProjectSlots[2][3] = {{12, 8}, {6, 4, 2}};

  static QRUN_INLINE I32 LoadWei(const int8_t* p) { return Load(p); }
  // Assembly for the reason that dot_avx512vnni.inl.h gives; {vex}: the encoding that needs no AVX-512.
  static QRUN_INLINE void Dot(I32& acc, I32 src, I32 wei) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(src), "x"(wei));
  }
  static QRUN_INLINE void ExpandGroups(const int8_t* src, std::byte* dst) {
    Store(dst, OffsetTaps(Load(src)));
    Store(dst + 32, OffsetTaps(Load(src + 32)));
  }
  // In pieces that overlap: a copy to where a whole register can be loaded would stall.
  static QRUN_INLINE void ExpandGroupsPart(const int8_t* src, int n, std::byte* dst) {
    const auto piece = [&](int at) QRUN_INLINE_LAMBDA {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + at));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + at),
                       _mm256_castsi256_si128(OffsetTaps(_mm256_castsi128_si256(v))));
    };
    if (n >= 16) {
      for (int at = 0; at < n - 16; at += 16) piece(at);
      piece(n - 16);
    } else {
      alignas(32) int8_t all[32] = {};
      CopyBytes(all, src, n);
      Store(dst, OffsetTaps(Load(all)));
    }
  }

  static QRUN_INLINE void InterleaveTaps(const Bytes (&rows)[4], I32 (&out)[4]) {
    const __m256i lo01 = _mm256_unpacklo_epi8(rows[0], rows[1]);
    const __m256i hi01 = _mm256_unpackhi_epi8(rows[0], rows[1]);
    const __m256i lo23 = _mm256_unpacklo_epi8(rows[2], rows[3]);
    const __m256i hi23 = _mm256_unpackhi_epi8(rows[2], rows[3]);
    out[0] = _mm256_unpacklo_epi16(lo01, lo23);
    out[1] = _mm256_unpackhi_epi16(lo01, lo23);
    out[2] = _mm256_unpacklo_epi16(hi01, hi23);
    out[3] = _mm256_unpackhi_epi16(hi01, hi23);
  }
  static QRUN_INLINE I32 OffsetTaps(I32 groups) {
    return _mm256_xor_si256(groups, _mm256_set1_epi8(static_cast<char>(0x80)));
  }

  static QRUN_INLINE I32 RoundBounded(F32 v) { return _mm256_cvtps_epi32(v); }
  static QRUN_INLINE I32 PackOffsetInLane(I32 a, I32 b, I32 c, I32 d, I32 zp) {
    return _mm256_packus_epi16(_mm256_adds_epi16(_mm256_packs_epi32(a, b), zp),
                               _mm256_adds_epi16(_mm256_packs_epi32(c, d), zp));
  }
  static QRUN_INLINE I32 PackPlainInLane(I32 a, I32 b, I32 c, I32 d) {
    return _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  }
  static QRUN_INLINE I32 MaxOffset(I32 a, I32 b) { return _mm256_max_epu8(a, b); }
  static QRUN_INLINE I32 MinOffset(I32 a, I32 b) { return _mm256_min_epu8(a, b); }
  static QRUN_INLINE I32 RowsToLanes(Bytes rows) {
    return _mm256_shuffle_epi8(rows, _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6,
                                                                               10, 14, 3, 7, 11, 15)));
  }
  static QRUN_INLINE I32 JoinTaps(const int8_t* row0, const int8_t* row1, const int8_t* row2,
                                  const int8_t* row3) {
    const auto widen = [](const int8_t* p) QRUN_INLINE_LAMBDA {
      return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    };
    const __m256i low = _mm256_or_si256(widen(row0), _mm256_slli_epi32(widen(row1), 8));
    const __m256i high = _mm256_or_si256(widen(row2), _mm256_slli_epi32(widen(row3), 8));
    return _mm256_or_si256(low, _mm256_slli_epi32(high, 16));
  }
  static QRUN_INLINE I32 RotateRows(I32 cell, int rows) {
    return _mm256_or_si256(_mm256_sll_epi32(cell, _mm_cvtsi32_si128(8 * rows)),
                           _mm256_srl_epi32(cell, _mm_cvtsi32_si128(32 - 8 * rows)));
  }
  static QRUN_INLINE I32 CellRows(int first, int count) {
    return RotateRows(SetI32(static_cast<int32_t>((uint64_t{1} << 8 * count) - 1)), first);
  }
  static QRUN_INLINE I32 Select(I32 mask, I32 a, I32 b) { return _mm256_blendv_epi8(b, a, mask); }
  static QRUN_INLINE I32 JoinCells(I32 before, I32 cell) { return _mm256_blend_epi16(cell, before, 0xAA); }
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DOT_AVXVNNI_INL_H_
