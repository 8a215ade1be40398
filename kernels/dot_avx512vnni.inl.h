// S8<Avx512Vnni>: see dot.inl.h.
#ifndef QRUN_KERNELS_DOT_AVX512VNNI_INL_H_
#define QRUN_KERNELS_DOT_AVX512VNNI_INL_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/dot_zmm.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

template <>
struct S8<Avx512Vnni> : ZmmS8<Avx512Vnni::simd> {
  static constexpr int kGroup = 4;
  static constexpr int kOffset = 128;
  static constexpr int kTilePixels[] = {14, 7,
                                        1};  // 14 x 2 accumulators, 2 weights, 1 activation of 32 registers
  static constexpr int kExpandBlocks = 3, kExpandAccumulators = 24;
  static constexpr int kProjectSlots[2][3] = {{28, 16}, {14, 8, 4}};

  static QRUN_INLINE I32 LoadWei(const int8_t* p) { return _mm512_loadu_si512(p); }
  // GCC 12 wraps _mm512_dpbusd_epi32 in register copies inside of register tiles, which costs 40 % of their
  // speed. The weights are "v", not "vm": Clang takes memory whenever it may, and spills to have some.
  static QRUN_INLINE void Dot(I32& acc, I32 src, I32 wei) {
    asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(src), "v"(wei));
  }
  static QRUN_INLINE void ExpandGroups(const int8_t* src, std::byte* dst) {
    _mm512_storeu_si512(dst, OffsetTaps(_mm512_loadu_si512(src)));
  }
  static QRUN_INLINE void ExpandGroupsPart(const int8_t* src, int n, std::byte* dst) {
    _mm512_storeu_si512(dst, OffsetTaps(LoadBytesPart(src, n)));
  }

  static QRUN_INLINE void InterleaveTaps(const Bytes (&rows)[4], I32 (&out)[4]) {
    const __m512i lo01 = _mm512_unpacklo_epi8(rows[0], rows[1]);
    const __m512i hi01 = _mm512_unpackhi_epi8(rows[0], rows[1]);
    const __m512i lo23 = _mm512_unpacklo_epi8(rows[2], rows[3]);
    const __m512i hi23 = _mm512_unpackhi_epi8(rows[2], rows[3]);
    out[0] = _mm512_unpacklo_epi16(lo01, lo23);
    out[1] = _mm512_unpackhi_epi16(lo01, lo23);
    out[2] = _mm512_unpacklo_epi16(hi01, hi23);
    out[3] = _mm512_unpackhi_epi16(hi01, hi23);
  }
  static QRUN_INLINE I32 OffsetTaps(I32 groups) {
    return _mm512_xor_si512(groups, _mm512_set1_epi8(static_cast<char>(0x80)));
  }

  static QRUN_INLINE I32 RoundBounded(F32 v) { return _mm512_cvtps_epi32(v); }
  static QRUN_INLINE I32 PackOffsetInLane(I32 a, I32 b, I32 c, I32 d, I32 zp) {
    return _mm512_packus_epi16(_mm512_adds_epi16(_mm512_packs_epi32(a, b), zp),
                               _mm512_adds_epi16(_mm512_packs_epi32(c, d), zp));
  }
  static QRUN_INLINE I32 PackPlainInLane(I32 a, I32 b, I32 c, I32 d) {
    return _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
  }
  static QRUN_INLINE I32 MaxOffset(I32 a, I32 b) { return _mm512_max_epu8(a, b); }
  static QRUN_INLINE I32 MinOffset(I32 a, I32 b) { return _mm512_min_epu8(a, b); }
  static QRUN_INLINE I32 RowsToLanes(Bytes rows) {
    return _mm512_shuffle_epi8(
        rows, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
  }
  // The rows side by side, then their quarters: what PackInLane leaves.
  static QRUN_INLINE I32 JoinTaps(const int8_t* row0, const int8_t* row1, const int8_t* row2,
                                  const int8_t* row3) {
    const auto load = [](const int8_t* p)
                          QRUN_INLINE_LAMBDA { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
    __m512i rows = _mm512_castsi128_si512(load(row0));
    rows = _mm512_inserti32x4(rows, load(row1), 1);
    rows = _mm512_inserti32x4(rows, load(row2), 2);
    rows = _mm512_inserti32x4(rows, load(row3), 3);
    const __m512i quarters = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return RowsToLanes(_mm512_permutexvar_epi32(quarters, rows));
  }
  static QRUN_INLINE I32 RotateRows(I32 cell, int rows) {
    return _mm512_rolv_epi32(cell, _mm512_set1_epi32(8 * rows));
  }
  static QRUN_INLINE I32 CellRows(int first, int count) {
    return RotateRows(_mm512_set1_epi32(static_cast<int32_t>((uint64_t{1} << 8 * count) - 1)), first);
  }
  static QRUN_INLINE I32 Select(I32 mask, I32 a, I32 b) {
    return _mm512_ternarylogic_epi32(mask, a, b, 0xCA);
  }
  static QRUN_INLINE I32 JoinCells(I32 before, I32 cell) {
    return _mm512_mask_blend_epi16(0xAAAAAAAA, cell, before);
  }
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DOT_AVX512VNNI_INL_H_
