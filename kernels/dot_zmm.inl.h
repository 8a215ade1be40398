// What the instruction sets on 512-bit registers share: everything of S8 but the dot products (dot.inl.h).
#ifndef QRUN_KERNELS_DOT_ZMM_INL_H_
#define QRUN_KERNELS_DOT_ZMM_INL_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

template <class Simd>
struct ZmmS8 {
  static constexpr int kLanes = 16;
  static constexpr int kBytes = 64;
  static constexpr int kRegisters = 32;
  using I32 = __m512i;
  using Bytes = __m512i;
  using F32 = xsimd::batch<float, Simd>;

  static QRUN_INLINE I32 SetI32(int32_t v) { return _mm512_set1_epi32(v); }
  static QRUN_INLINE I32 LoadI32(const void* p) { return _mm512_loadu_si512(p); }
  static QRUN_INLINE void StoreI32(void* p, I32 v) { _mm512_storeu_si512(p, v); }
  static QRUN_INLINE I32 AddI32(I32 a, I32 b) { return _mm512_add_epi32(a, b); }
  static QRUN_INLINE I32 SubI32(I32 a, I32 b) { return _mm512_sub_epi32(a, b); }

  static QRUN_INLINE I32 BroadcastGroup(const std::byte* p) {
    int32_t group;
    __builtin_memcpy(&group, p, 4);
    return _mm512_set1_epi32(group);
  }
  static QRUN_INLINE I32 Widen(const int8_t* p) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static QRUN_INLINE F32 ToF32(I32 v) { return _mm512_cvtepi32_ps(v); }
  static QRUN_INLINE F32 FusedProduct(I32 bits, F32 scale, F32 offset) {
    return _mm512_fmadd_ps(_mm512_castsi512_ps(bits), scale, offset);
  }
  static QRUN_INLINE I32 RoundToI32(F32 v) {
    return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_set1_ps(32767.0f), v));
  }
  static QRUN_INLINE Bytes SetWords(int v) { return _mm512_set1_epi16(static_cast<int16_t>(v)); }
  static QRUN_INLINE Bytes PackInLane(I32 a, I32 b, I32 c, I32 d, Bytes zp) {
    return _mm512_packs_epi16(_mm512_adds_epi16(_mm512_packs_epi32(a, b), zp),
                              _mm512_adds_epi16(_mm512_packs_epi32(c, d), zp));
  }
  static QRUN_INLINE Bytes PackInOrder(I32 a, I32 b, I32 c, I32 d, Bytes zp) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, PackInLane(a, b, c, d, zp));
  }

  static QRUN_INLINE __mmask64 First(int n) { return n >= 64 ? ~__mmask64{0} : (__mmask64{1} << n) - 1; }
  static QRUN_INLINE Bytes LoadBytes(const int8_t* p) { return _mm512_loadu_si512(p); }
  static QRUN_INLINE Bytes LoadBytesPart(const int8_t* p, int n) {
    return _mm512_maskz_loadu_epi8(First(n), p);
  }
  static QRUN_INLINE void StoreBytes(int8_t* p, Bytes v) { _mm512_storeu_si512(p, v); }
  static QRUN_INLINE Bytes SetBytes(int v) { return _mm512_set1_epi8(static_cast<char>(v)); }
  static QRUN_INLINE Bytes MaxBytes(Bytes a, Bytes b) { return _mm512_max_epi8(a, b); }
  static QRUN_INLINE Bytes MinBytes(Bytes a, Bytes b) { return _mm512_min_epi8(a, b); }

  template <int kPart, int kParts>
  static QRUN_INLINE void StorePart(int8_t* p, Bytes v) {
    if constexpr (kParts == 1) {
      _mm512_storeu_si512(p, v);
    } else if constexpr (kParts == 2) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_extracti64x4_epi64(v, kPart));
    } else {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_extracti32x4_epi32(v, kPart));
    }
  }
  template <int kPart, int kParts>
  static QRUN_INLINE void StorePartOf(int8_t* p, Bytes v, int n) {
    if constexpr (kParts == 1) {
      _mm512_mask_storeu_epi8(p, First(n), v);
    } else if constexpr (kParts == 2) {
      _mm256_mask_storeu_epi8(p, static_cast<__mmask32>(First(n)), _mm512_extracti64x4_epi64(v, kPart));
    } else {
      _mm_mask_storeu_epi8(p, static_cast<__mmask16>(First(n)), _mm512_extracti32x4_epi32(v, kPart));
    }
  }

  // vpermi2w reads 64 words by 6 bits, so two of them and one more bit find the pair of neighbours that holds
  // an entry.
  struct ByteTable {
    __m512i part[4];
    explicit QRUN_INLINE ByteTable(const int8_t* table) {
      for (int i = 0; i < 4; ++i) part[i] = _mm512_loadu_si512(table + 64 * i);
    }
    // Entries for the byte in the low half of each word of `index` (already + 128), in the low half of the
    // result.
    QRUN_INLINE __m512i LookUpWords(__m512i index) const {
      const __m512i pair = _mm512_srli_epi16(index, 1);
      const __m512i low = _mm512_permutex2var_epi16(part[0], pair, part[1]);
      const __m512i high = _mm512_permutex2var_epi16(part[2], pair, part[3]);
      const __m512i word =
          _mm512_mask_blend_epi16(_mm512_test_epi16_mask(index, _mm512_set1_epi16(128)), low, high);
      const __mmask32 odd = _mm512_test_epi16_mask(index, _mm512_set1_epi16(1));
      return _mm512_mask_srli_epi16(word, odd, word, 8);
    }
    QRUN_INLINE Bytes operator()(Bytes src) const {
      const __m512i index = _mm512_xor_si512(src, _mm512_set1_epi8(static_cast<char>(0x80)));
      const __m512i even = LookUpWords(_mm512_and_si512(index, _mm512_set1_epi16(255)));
      const __m512i odd = LookUpWords(_mm512_srli_epi16(index, 8));
      return _mm512_mask_blend_epi8(0xAAAAAAAAAAAAAAAAu, even, _mm512_slli_epi16(odd, 8));
    }
  };
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DOT_ZMM_INL_H_
