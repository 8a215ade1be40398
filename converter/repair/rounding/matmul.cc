#include "converter/repair/rounding/matmul.h"

#include <algorithm>
#include <cstring>
#include <vector>

// Wider registers only where they are: the lanes of a register do not meet, so that the result is the same.
// What chooses between the clones runs before a sanitizer is ready.
#if defined(__has_feature)
#define QRUN_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define QRUN_SANITIZED 1
#else
#define QRUN_SANITIZED 0
#endif
#if defined(__x86_64__) && !QRUN_SANITIZED
#define QRUN_CLONES [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define QRUN_CLONES
#endif

namespace qrun::converter {
namespace {

// Sums of a tile and one row of the panel fill the 16 registers of SSE2: 2 a row.
constexpr size_t kRows = 6, kColumns = 8;
using Lanes [[gnu::vector_size(kColumns * sizeof(float))]] = float;

// rows x kColumns of the product; `panel` is [k][kColumns].
template <size_t rows>
[[gnu::always_inline]] inline void Tile(MatrixView a, const float* panel, float* dst, size_t dst_stride,
                                        size_t n, size_t k) {
  Lanes acc[rows] = {};
  for (size_t i = 0; i < k; ++i) {
    Lanes b;
    std::memcpy(&b, panel + i * kColumns, sizeof(b));
    const float* x = a.data + i * a.column_stride;
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; ++r) acc[r] += x[r * a.row_stride] * b;
  }
#pragma GCC unroll 8
  for (size_t r = 0; r < rows; ++r) {
    float sums[kColumns];
    std::memcpy(sums, &acc[r], sizeof(sums));
    for (size_t j = 0; j < n; ++j) dst[r * dst_stride + j] += sums[j];
  }
}

}  // namespace

QRUN_CLONES
void AddProduct(MatrixView a, const float* b, size_t b_stride, float* dst, size_t dst_stride, size_t m,
                size_t n, size_t k) {
  std::vector<float> panel(k * kColumns);
  for (size_t j = 0; j < n; j += kColumns) {
    const size_t columns = std::min(kColumns, n - j);
    for (size_t i = 0; i < k; ++i) {
      for (size_t c = 0; c < columns; ++c) panel[i * kColumns + c] = b[i * b_stride + j + c];
    }
    size_t i = 0;
    const auto rows_from = [&] {
      return MatrixView{a.data + i * a.row_stride, a.row_stride, a.column_stride};
    };
    for (; i + kRows <= m; i += kRows) {
      Tile<kRows>(rows_from(), panel.data(), dst + i * dst_stride + j, dst_stride, columns, k);
    }
    for (; i < m; ++i) {
      Tile<1>(rows_from(), panel.data(), dst + i * dst_stride + j, dst_stride, columns, k);
    }
  }
}

}  // namespace qrun::converter
