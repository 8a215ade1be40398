// S8<Avx512>: see dot.inl.h. Products are summed in pairs by vpmaddwd on sign-extended words, which is exact.
#ifndef QRUN_KERNELS_DOT_AVX512_INL_H_
#define QRUN_KERNELS_DOT_AVX512_INL_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/dot_zmm.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

template <>
struct S8<Avx512> : ZmmS8<Avx512::simd> {
  static constexpr int kGroup = 2;
  static constexpr int kOffset = 0;
  // 14 x 2 accumulators, 2 weights, 1 activation, 1 product of 32 registers
  static constexpr int kTilePixels[] = {14, 7, 1};
  static constexpr int kExpandBlocks = 3, kExpandAccumulators = 24;
  static constexpr int kProjectSlots[2][3] = {{28, 16}, {14, 8, 4}};

  static QRUN_INLINE __m512i WordsOfBytes(__m256i bytes) { return _mm512_cvtepi8_epi16(bytes); }
  static QRUN_INLINE __m256i LoadHalf(const int8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }

  static QRUN_INLINE I32 LoadWei(const int8_t* p) { return WordsOfBytes(LoadHalf(p)); }
  static QRUN_INLINE void Dot(I32& acc, I32 src, I32 wei) {
    acc = _mm512_add_epi32(acc, _mm512_madd_epi16(src, wei));
  }
  static QRUN_INLINE void DotPair(I32& acc0, I32& acc1, I32 src0, I32 src1, I32 wei0, I32 wei1) {
    I32 product0, product1;
    asm("vpmaddwd %5, %4, %2\n\tvpmaddwd %7, %6, %3\n\tvpaddd %2, %0, %0\n\tvpaddd %3, %1, %1"
        : "+v"(acc0), "+v"(acc1), "=&v"(product0), "=v"(product1)
        : "v"(src0), "v"(wei0), "v"(src1), "v"(wei1));
  }
  static QRUN_INLINE void ExpandGroups(const int8_t* src, std::byte* dst) {
    StoreI32(dst, WordsOfBytes(LoadHalf(src)));
  }
  static QRUN_INLINE void ExpandGroupsPart(const int8_t* src, int n, std::byte* dst) {
    StoreI32(dst, WordsOfBytes(_mm256_maskz_loadu_epi8(static_cast<__mmask32>(First(n)), src)));
  }

  static QRUN_INLINE void InterleaveTaps(const Bytes (&rows)[2], I32 (&out)[4]) {
    const __m512i lo = _mm512_unpacklo_epi8(rows[0], rows[1]);
    const __m512i hi = _mm512_unpackhi_epi8(rows[0], rows[1]);
    out[0] = _mm512_srai_epi16(_mm512_unpacklo_epi8(lo, lo), 8);
    out[1] = _mm512_srai_epi16(_mm512_unpackhi_epi8(lo, lo), 8);
    out[2] = _mm512_srai_epi16(_mm512_unpacklo_epi8(hi, hi), 8);
    out[3] = _mm512_srai_epi16(_mm512_unpackhi_epi8(hi, hi), 8);
  }
  static QRUN_INLINE I32 OffsetTaps(I32 groups) { return groups; }

  // Cells.
  static QRUN_INLINE I32 RoundBounded(F32 v) { return _mm512_cvtps_epi32(v); }
  static QRUN_INLINE I32 PackWords(I32 a, I32 b) { return _mm512_packs_epi32(a, b); }
  static QRUN_INLINE I32 PackUnsignedWords(I32 a, I32 b) { return _mm512_packus_epi32(a, b); }
  static QRUN_INLINE I32 AddWords(I32 a, I32 b) { return _mm512_add_epi16(a, b); }
  static QRUN_INLINE I32 MaxWords(I32 a, I32 b) { return _mm512_max_epi16(a, b); }
  static QRUN_INLINE I32 MinWords(I32 a, I32 b) { return _mm512_min_epi16(a, b); }
  static QRUN_INLINE I32 MinUnsignedWords(I32 a, I32 b) { return _mm512_min_epu16(a, b); }
  static QRUN_INLINE I32 RowsToLanes(I32 rows) {
    return _mm512_shuffle_epi8(
        rows, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15)));
  }
  static QRUN_INLINE Bytes NarrowWords(I32 a, I32 b) { return _mm512_packs_epi16(a, b); }
  static QRUN_INLINE I32 WidenLow(Bytes v) { return _mm512_srai_epi16(_mm512_unpacklo_epi8(v, v), 8); }
  static QRUN_INLINE I32 WidenHigh(Bytes v) { return _mm512_srai_epi16(_mm512_unpackhi_epi8(v, v), 8); }
  static QRUN_INLINE I32 ShiftUp(I32 v) { return _mm512_slli_epi32(v, 16); }
  static QRUN_INLINE I32 ShiftDown(I32 v) { return _mm512_srli_epi32(v, 16); }
  static QRUN_INLINE I32 Or(I32 a, I32 b) { return _mm512_or_si512(a, b); }
  static QRUN_INLINE void KeepOrder(I32& sum) { asm("" : "+v"(sum)); }
  static QRUN_INLINE I32 Select(I32 mask, I32 a, I32 b) {
    return _mm512_ternarylogic_epi32(mask, a, b, 0xCA);
  }
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DOT_AVX512_INL_H_
