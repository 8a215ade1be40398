// Products of matrices whose sums have one order.
#ifndef QRUN_CONVERTER_REPAIR_ROUNDING_MATMUL_H_
#define QRUN_CONVERTER_REPAIR_ROUNDING_MATMUL_H_

#include <cstddef>

namespace qrun::converter {

// Element (row, column) of a matrix is data[row * row_stride + column * column_stride].
struct MatrixView {
  const float* data;
  size_t row_stride, column_stride;
};

// dst[m][n] += sum over k, from 0 up, of a[m][k] * b[k][n]; every product and every sum is rounded to
// binary32. Rows of `b` and `dst` are `b_stride` and `dst_stride` elements apart. Splitting the work along m
// or n changes nothing: the result is the same for every split and on every CPU. Thread safe for disjoint
// parts of `dst`.
void AddProduct(MatrixView a, const float* b, size_t b_stride, float* dst, size_t dst_stride, size_t m,
                size_t n, size_t k);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ROUNDING_MATMUL_H_
