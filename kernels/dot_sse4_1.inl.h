// S8<Sse41>: see dot.inl.h. Products are summed in pairs by pmaddwd on sign-extended words, which is exact.
#ifndef QRUN_KERNELS_DOT_SSE4_1_INL_H_
#define QRUN_KERNELS_DOT_SSE4_1_INL_H_

#include <smmintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

template <>
struct S8<Sse41> {
  static constexpr int kLanes = 4;
  static constexpr int kBytes = 16;
  static constexpr int kRegisters = 16;
  static constexpr int kGroup = 2;
  static constexpr int kOffset = 0;
  static constexpr int kTilePixels[] = {
      4, 2, 1};  // 4 x 2 accumulators; two-operand instructions need spare registers
  static constexpr int kExpandBlocks = 2, kExpandAccumulators = 8;
  static constexpr int kProjectSlots[2][3] = {{8, 4}, {4, 4, 2}};
  using I32 = __m128i;
  using Bytes = __m128i;
  using F32 = xsimd::batch<float, Sse41::simd>;

  static QRUN_INLINE __m128i Load(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
  static QRUN_INLINE void Store(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }
  static QRUN_INLINE __m128i WordsOfBytes(const int8_t* p) {
    return _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }

  static QRUN_INLINE I32 SetI32(int32_t v) { return _mm_set1_epi32(v); }
  static QRUN_INLINE I32 LoadI32(const void* p) { return Load(p); }
  static QRUN_INLINE void StoreI32(void* p, I32 v) { Store(p, v); }
  static QRUN_INLINE I32 AddI32(I32 a, I32 b) { return _mm_add_epi32(a, b); }
  static QRUN_INLINE I32 SubI32(I32 a, I32 b) { return _mm_sub_epi32(a, b); }

  static QRUN_INLINE I32 LoadWei(const int8_t* p) { return WordsOfBytes(p); }
  static QRUN_INLINE I32 BroadcastGroup(const std::byte* p) {
    int32_t group;
    __builtin_memcpy(&group, p, 4);
    return _mm_set1_epi32(group);
  }
  static QRUN_INLINE void Dot(I32& acc, I32 src, I32 wei) {
    acc = _mm_add_epi32(acc, _mm_madd_epi16(src, wei));
  }
  static QRUN_INLINE void ExpandGroups(const int8_t* src, std::byte* dst) {
    for (int i = 0; i < 4; ++i) Store(dst + 16 * i, WordsOfBytes(src + 8 * i));
  }
  static QRUN_INLINE void ExpandGroupsPart(const int8_t* src, int n, std::byte* dst) {
    alignas(16) int8_t all[32] = {};
    CopyBytes(all, src, n);
    ExpandGroups(all, dst);
  }

  static QRUN_INLINE void InterleaveTaps(const Bytes (&rows)[2], I32 (&out)[4]) {
    const __m128i lo = _mm_unpacklo_epi8(rows[0], rows[1]);
    const __m128i hi = _mm_unpackhi_epi8(rows[0], rows[1]);
    out[0] = _mm_srai_epi16(_mm_unpacklo_epi8(lo, lo), 8);
    out[1] = _mm_srai_epi16(_mm_unpackhi_epi8(lo, lo), 8);
    out[2] = _mm_srai_epi16(_mm_unpacklo_epi8(hi, hi), 8);
    out[3] = _mm_srai_epi16(_mm_unpackhi_epi8(hi, hi), 8);
  }
  static QRUN_INLINE I32 OffsetTaps(I32 groups) { return groups; }

  // Cells.
  static QRUN_INLINE I32 RoundBounded(F32 v) { return _mm_cvtps_epi32(v); }
  static QRUN_INLINE I32 PackWords(I32 a, I32 b) { return _mm_packs_epi32(a, b); }
  static QRUN_INLINE I32 PackUnsignedWords(I32 a, I32 b) { return _mm_packus_epi32(a, b); }
  static QRUN_INLINE I32 AddWords(I32 a, I32 b) { return _mm_add_epi16(a, b); }
  static QRUN_INLINE I32 MaxWords(I32 a, I32 b) { return _mm_max_epi16(a, b); }
  static QRUN_INLINE I32 MinWords(I32 a, I32 b) { return _mm_min_epi16(a, b); }
  static QRUN_INLINE I32 MinUnsignedWords(I32 a, I32 b) { return _mm_min_epu16(a, b); }
  static QRUN_INLINE I32 RowsToLanes(I32 rows) {
    return _mm_shuffle_epi8(rows, (_mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15)));
  }
  static QRUN_INLINE Bytes NarrowWords(I32 a, I32 b) { return _mm_packs_epi16(a, b); }
  static QRUN_INLINE I32 WidenLow(Bytes v) { return _mm_srai_epi16(_mm_unpacklo_epi8(v, v), 8); }
  static QRUN_INLINE I32 WidenHigh(Bytes v) { return _mm_srai_epi16(_mm_unpackhi_epi8(v, v), 8); }
  static QRUN_INLINE I32 ShiftUp(I32 v) { return _mm_slli_epi32(v, 16); }
  static QRUN_INLINE I32 ShiftDown(I32 v) { return _mm_srli_epi32(v, 16); }
  static QRUN_INLINE I32 Or(I32 a, I32 b) { return _mm_or_si128(a, b); }
  static QRUN_INLINE void KeepOrder(I32& sum) { asm("" : "+x"(sum)); }
  static QRUN_INLINE I32 Select(I32 mask, I32 a, I32 b) { return _mm_blendv_epi8(b, a, mask); }

  static QRUN_INLINE I32 Widen(const int8_t* p) {
    int32_t four;
    __builtin_memcpy(&four, p, 4);
    return _mm_cvtepi8_epi32(_mm_cvtsi32_si128(four));
  }
  static QRUN_INLINE F32 ToF32(I32 v) { return _mm_cvtepi32_ps(v); }
  static QRUN_INLINE I32 RoundToI32(F32 v) { return _mm_cvtps_epi32(_mm_min_ps(_mm_set1_ps(32767.0f), v)); }
  static QRUN_INLINE Bytes SetWords(int v) { return _mm_set1_epi16(static_cast<int16_t>(v)); }
  static QRUN_INLINE Bytes PackInLane(I32 a, I32 b, I32 c, I32 d, Bytes zp) {
    return _mm_packs_epi16(_mm_adds_epi16(_mm_packs_epi32(a, b), zp),
                           _mm_adds_epi16(_mm_packs_epi32(c, d), zp));
  }
  static QRUN_INLINE Bytes PackInOrder(I32 a, I32 b, I32 c, I32 d, Bytes zp) {
    return PackInLane(a, b, c, d, zp);
  }

  static QRUN_INLINE Bytes LoadBytes(const int8_t* p) { return Load(p); }
  static QRUN_INLINE Bytes LoadBytesPart(const int8_t* p, int n) {
    alignas(16) int8_t all[16] = {};
    CopyBytes(all, p, n);
    return Load(all);
  }
  static QRUN_INLINE void StoreBytes(int8_t* p, Bytes v) { Store(p, v); }
  static QRUN_INLINE Bytes SetBytes(int v) { return _mm_set1_epi8(static_cast<char>(v)); }
  static QRUN_INLINE Bytes MaxBytes(Bytes a, Bytes b) { return _mm_max_epi8(a, b); }
  static QRUN_INLINE Bytes MinBytes(Bytes a, Bytes b) { return _mm_min_epi8(a, b); }

  template <int kPart, int kParts>
  static QRUN_INLINE void StorePart(int8_t* p, Bytes v) {
    if constexpr (kParts == 1) {
      Store(p, v);
    } else if constexpr (kParts == 2) {
      const int64_t part = _mm_extract_epi64(v, kPart);
      __builtin_memcpy(p, &part, 8);
    } else {
      const int32_t part = _mm_extract_epi32(v, kPart);
      __builtin_memcpy(p, &part, 4);
    }
  }
  template <int kPart, int kParts>
  static QRUN_INLINE void StorePartOf(int8_t* p, Bytes v, int n) {
    alignas(16) int8_t all[16];
    Store(all, v);
    CopyBytes(p, all + 16 / kParts * kPart, n);
  }

  // As in dot_ymm.inl.h.
  struct ByteTable {
    __m128i part[16];
    explicit QRUN_INLINE ByteTable(const int8_t* table) {
      for (int i = 0; i < 16; ++i) part[i] = Load(table + 16 * i);
    }
    QRUN_INLINE Bytes operator()(Bytes src) const {
      const __m128i index = _mm_xor_si128(src, _mm_set1_epi8(static_cast<char>(0x80)));
      const __m128i low = _mm_and_si128(index, _mm_set1_epi8(15));
      __m128i entry[16];
      Unroll<16>([&](auto i) QRUN_INLINE_LAMBDA { entry[i.value] = _mm_shuffle_epi8(part[i.value], low); });
      Unroll<4>([&](auto bit) QRUN_INLINE_LAMBDA {
        const __m128i select = _mm_slli_epi16(index, 3 - bit.value);
        Unroll<(8 >> bit.value)>([&](auto i) QRUN_INLINE_LAMBDA {
          entry[i.value] = _mm_blendv_epi8(entry[2 * i.value], entry[2 * i.value + 1], select);
        });
      });
      return entry[0];
    }
  };
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DOT_SSE4_1_INL_H_
