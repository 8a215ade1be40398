// What the instruction sets on 256-bit registers share: everything of S8 but the dot products (dot.inl.h).
#ifndef QRUN_KERNELS_DOT_YMM_INL_H_
#define QRUN_KERNELS_DOT_YMM_INL_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/inline.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

template <class Simd>
struct YmmS8 {
  static constexpr int kLanes = 8;
  static constexpr int kBytes = 32;
  static constexpr int kRegisters = 16;
  using I32 = __m256i;
  using Bytes = __m256i;
  using F32 = xsimd::batch<float, Simd>;

  static QRUN_INLINE __m256i Load(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static QRUN_INLINE void Store(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }

  static QRUN_INLINE I32 SetI32(int32_t v) { return _mm256_set1_epi32(v); }
  static QRUN_INLINE I32 LoadI32(const void* p) { return Load(p); }
  static QRUN_INLINE void StoreI32(void* p, I32 v) { Store(p, v); }
  static QRUN_INLINE I32 AddI32(I32 a, I32 b) { return _mm256_add_epi32(a, b); }
  static QRUN_INLINE I32 SubI32(I32 a, I32 b) { return _mm256_sub_epi32(a, b); }
  static QRUN_INLINE I32 BroadcastGroup(const std::byte* p) {
    int32_t group;
    __builtin_memcpy(&group, p, 4);
    return _mm256_set1_epi32(group);
  }

  static QRUN_INLINE I32 Widen(const int8_t* p) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  static QRUN_INLINE F32 ToF32(I32 v) { return _mm256_cvtepi32_ps(v); }
  static QRUN_INLINE F32 FusedProduct(I32 bits, F32 scale, F32 offset) {
    return _mm256_fmadd_ps(_mm256_castsi256_ps(bits), scale, offset);
  }
  static QRUN_INLINE I32 RoundToI32(F32 v) {
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_set1_ps(32767.0f), v));
  }
  static QRUN_INLINE Bytes SetWords(int v) { return _mm256_set1_epi16(static_cast<int16_t>(v)); }
  static QRUN_INLINE Bytes PackInLane(I32 a, I32 b, I32 c, I32 d, Bytes zp) {
    return _mm256_packs_epi16(_mm256_adds_epi16(_mm256_packs_epi32(a, b), zp),
                              _mm256_adds_epi16(_mm256_packs_epi32(c, d), zp));
  }
  static QRUN_INLINE Bytes PackInOrder(I32 a, I32 b, I32 c, I32 d, Bytes zp) {
    return _mm256_permutevar8x32_epi32(PackInLane(a, b, c, d, zp), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }

  static QRUN_INLINE Bytes LoadBytes(const int8_t* p) { return Load(p); }
  static QRUN_INLINE Bytes LoadBytesPart(const int8_t* p, int n) {
    alignas(32) int8_t all[32] = {};
    CopyBytes(all, p, n);
    return Load(all);
  }
  static QRUN_INLINE void StoreBytes(int8_t* p, Bytes v) { Store(p, v); }
  static QRUN_INLINE Bytes SetBytes(int v) { return _mm256_set1_epi8(static_cast<char>(v)); }
  static QRUN_INLINE Bytes MaxBytes(Bytes a, Bytes b) { return _mm256_max_epi8(a, b); }
  static QRUN_INLINE Bytes MinBytes(Bytes a, Bytes b) { return _mm256_min_epi8(a, b); }

  template <int kPart, int kParts>
  static QRUN_INLINE void StorePart(int8_t* p, Bytes v) {
    if constexpr (kParts == 1) {
      Store(p, v);
    } else if constexpr (kParts == 2) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_extracti128_si256(v, kPart));
    } else {
      const int64_t part = _mm256_extract_epi64(v, kPart);
      __builtin_memcpy(p, &part, 8);
    }
  }
  template <int kPart, int kParts>
  static QRUN_INLINE void StorePartOf(int8_t* p, Bytes v, int n) {
    alignas(32) int8_t all[32];
    Store(all, v);
    CopyBytes(p, all + 32 / kParts * kPart, n);
  }

  // 16 tables of 16 entries are looked up by the low four bits, the high four choose among them bit by bit.
  struct ByteTable {
    __m128i part[16];
    explicit QRUN_INLINE ByteTable(const int8_t* table) {
      for (int i = 0; i < 16; ++i)
        part[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * i));
    }
    QRUN_INLINE Bytes operator()(Bytes src) const {
      const __m256i index = _mm256_xor_si256(src, _mm256_set1_epi8(static_cast<char>(0x80)));
      const __m256i low = _mm256_and_si256(index, _mm256_set1_epi8(15));
      __m256i entry[16];
      Unroll<16>([&](auto i) QRUN_INLINE_LAMBDA {
        entry[i.value] = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(part[i.value]), low);
      });
      Unroll<4>([&](auto bit)
                    QRUN_INLINE_LAMBDA {  // vpblendvb selects by bit 7; the word shift moves each bit there
                      const __m256i select = _mm256_slli_epi16(index, 3 - bit.value);
                      Unroll<(8 >> bit.value)>([&](auto i) QRUN_INLINE_LAMBDA {
                        entry[i.value] =
                            _mm256_blendv_epi8(entry[2 * i.value], entry[2 * i.value + 1], select);
                      });
                    });
      return entry[0];
    }
  };
};

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DOT_YMM_INL_H_
