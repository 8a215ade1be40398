// What the benchmarks derive from the shapes that they share with the tests.
#ifndef QRUN_BENCH_KERNELS_SHAPES_H_
#define QRUN_BENCH_KERNELS_SHAPES_H_

#include <cmath>

#include "tests/kernels/shapes.h"

namespace qrun::bench {

inline constexpr int kSrcZeroPoint = 3;

inline size_t InputCount(const kernels::ConvShape& s) {
  return static_cast<size_t>(s.n * s.in[0] * s.in[1] * s.ic);
}

inline size_t OutputCount(const kernels::ConvShape& s) {
  const kernels::Window w = s.ToWindow();
  return static_cast<size_t>(w.n * w.oh * w.ow * s.oc);
}

// Of a convolution; padding counts, as it does everywhere where MACs are stated.
inline double Macs(const kernels::ConvShape& s) {
  return static_cast<double>(OutputCount(s)) * s.kernel[0] * s.kernel[1] * s.ic / s.groups;
}

// Bound for the difference of two orders of summation of K products of values in -1..1, as in the tests.
inline double SumTolerance(int K) { return 8e-7 * (std::sqrt(K) + 1); }

}  // namespace qrun::bench

#endif  // QRUN_BENCH_KERNELS_SHAPES_H_
