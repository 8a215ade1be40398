// S8<Avx2>: see dot.inl.h. Products are summed in pairs by vpmaddwd on sign-extended words, which is exact.
#ifndef QRUN_KERNELS_DOT_AVX2_INL_H_
#define QRUN_KERNELS_DOT_AVX2_INL_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/dot_ymm.inl.h"
#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

template <>
struct S8<Avx2> : YmmS8<Avx2::simd> {
  static constexpr int kGroup = 2;
  static constexpr int kOffset = 0;
  static constexpr int kTilePixels[] = {
      6, 3, 1};  // 6 x 2 accumulators, 2 weights, 1 activation, 1 product of 16 registers
  static constexpr int kExpandBlocks = 2, kExpandAccumulators = 12;
  static constexpr int kProjectSlots[2][3] = {{12, 8}, {6, 4, 2}};

  static QRUN_INLINE __m256i WordsOfBytes(const int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }

  static QRUN_INLINE I32 LoadWei(const int8_t* p) { return WordsOfBytes(p); }
  static QRUN_INLINE void Dot(I32& acc, I32 src, I32 wei) {
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(src, wei));
  }
  // Left to itself GCC 12 puts each sum right behind its product, which costs a tenth of the speed.
  static QRUN_INLINE void DotPair(I32& acc0, I32& acc1, I32 src0, I32 src1, I32 wei0, I32 wei1) {
    I32 product0, product1;
    asm("vpmaddwd %5, %4, %2\n\tvpmaddwd %7, %6, %3\n\tvpaddd %2, %0, %0\n\tvpaddd %3, %1, %1"
        : "+x"(acc0), "+x"(acc1), "=&x"(product0), "=x"(product1)
        : "x"(src0), "x"(wei0), "x"(src1), "x"(wei1));
  }
  static constexpr int kCrossedRows = 4;  // 4 x 2 accumulators, 2 x 2 weights, 2 activations, 2 sums
  // One of the weights is read from memory for every row: with all four in registers a tile of four rows
  // takes 8.6 cycles a step instead of 8.
  static QRUN_INLINE void DotCrossed(I32& acc0, I32& acc1, I32 src0, I32 src1, const std::byte* wei0,
                                     const I32 (&wei)[3]) {
    I32 sum0, sum1;
    asm("vpaddw %[w2], %[s0], %[t0]\n\tvpaddw %[w0], %[s1], %[t1]\n\t"
        "vpaddw %[w3], %[s0], %[s0]\n\tvpaddw %[w1], %[s1], %[s1]\n\t"
        "vpmaddwd %[t0], %[t1], %[t0]\n\tvpmaddwd %[s0], %[s1], %[s0]\n\t"
        "vpaddd %[t0], %[a0], %[a0]\n\tvpaddd %[s0], %[a1], %[a1]"
        :
        [a0] "+x"(acc0), [a1] "+x"(acc1), [s0] "+x"(src0), [s1] "+x"(src1), [t0] "=&x"(sum0), [t1] "=&x"(sum1)
        : [w0] "m"(*reinterpret_cast<const __m256i_u*>(wei0)), [w1] "x"(wei[0]), [w2] "x"(wei[1]),
          [w3] "x"(wei[2]));
  }
  static QRUN_INLINE I32 CrossedPairs(I32 a, I32 b) {
    const __m256 x = _mm256_castsi256_ps(a), y = _mm256_castsi256_ps(b);
    return _mm256_madd_epi16(_mm256_castps_si256(_mm256_shuffle_ps(x, y, 0x88)),
                             _mm256_castps_si256(_mm256_shuffle_ps(x, y, 0xDD)));
  }
  static QRUN_INLINE I32 FirstPairs(I32 groups, int count) {
    const __m256i last = _mm256_setr_epi32(1, 1, 3, 3, 5, 5, 7, 7);
    return _mm256_and_si256(groups, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), last));
  }
  static QRUN_INLINE I32 AddPairs(I32 a, I32 b) { return _mm256_hadd_epi32(a, b); }
  static QRUN_INLINE void StoreSums(int32_t* p, I32 parts) {
    const __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(parts), _mm256_extracti128_si256(parts, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), sums);
  }
  static QRUN_INLINE void ExpandGroups(const int8_t* src, std::byte* dst) {
    Store(dst, WordsOfBytes(src));
    Store(dst + 32, WordsOfBytes(src + 16));
  }
  static QRUN_INLINE void ExpandGroupsPart(const int8_t* src, int n, std::byte* dst) {
    alignas(32) int8_t all[32] = {};
    CopyBytes(all, src, n);
    ExpandGroups(all, dst);
  }

  static QRUN_INLINE void InterleaveTaps(const Bytes (&rows)[2], I32 (&out)[4]) {
    const __m256i lo = _mm256_unpacklo_epi8(rows[0], rows[1]);
    const __m256i hi = _mm256_unpackhi_epi8(rows[0], rows[1]);
    out[0] = _mm256_srai_epi16(_mm256_unpacklo_epi8(lo, lo), 8);
    out[1] = _mm256_srai_epi16(_mm256_unpackhi_epi8(lo, lo), 8);
    out[2] = _mm256_srai_epi16(_mm256_unpacklo_epi8(hi, hi), 8);
    out[3] = _mm256_srai_epi16(_mm256_unpackhi_epi8(hi, hi), 8);
  }
  static QRUN_INLINE I32 OffsetTaps(I32 groups) { return groups; }

  // Cells.
  static QRUN_INLINE I32 RoundBounded(F32 v) { return _mm256_cvtps_epi32(v); }
  static QRUN_INLINE I32 PackWords(I32 a, I32 b) { return _mm256_packs_epi32(a, b); }
  static QRUN_INLINE I32 PackUnsignedWords(I32 a, I32 b) { return _mm256_packus_epi32(a, b); }
  static QRUN_INLINE I32 AddWords(I32 a, I32 b) { return _mm256_add_epi16(a, b); }
  static QRUN_INLINE I32 MaxWords(I32 a, I32 b) { return _mm256_max_epi16(a, b); }
  static QRUN_INLINE I32 MinWords(I32 a, I32 b) { return _mm256_min_epi16(a, b); }
  static QRUN_INLINE I32 MinUnsignedWords(I32 a, I32 b) { return _mm256_min_epu16(a, b); }
  static QRUN_INLINE I32 RowsToLanes(I32 rows) {
    return _mm256_shuffle_epi8(rows, _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5,
                                                                               12, 13, 6, 7, 14, 15)));
  }
  static QRUN_INLINE Bytes NarrowWords(I32 a, I32 b) { return _mm256_packs_epi16(a, b); }
  static QRUN_INLINE I32 WidenLow(Bytes v) { return _mm256_srai_epi16(_mm256_unpacklo_epi8(v, v), 8); }
  static QRUN_INLINE I32 WidenHigh(Bytes v) { return _mm256_srai_epi16(_mm256_unpackhi_epi8(v, v), 8); }
  static QRUN_INLINE I32 ShiftUp(I32 v) { return _mm256_slli_epi32(v, 16); }
  static QRUN_INLINE I32 ShiftDown(I32 v) { return _mm256_srli_epi32(v, 16); }
  static QRUN_INLINE I32 Or(I32 a, I32 b) { return _mm256_or_si256(a, b); }
  static QRUN_INLINE void KeepOrder(I32& sum) { asm("" : "+x"(sum)); }
  static QRUN_INLINE I32 Select(I32 mask, I32 a, I32 b) { return _mm256_blendv_epi8(b, a, mask); }
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DOT_AVX2_INL_H_
