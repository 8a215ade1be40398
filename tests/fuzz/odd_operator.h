// Valid operators that no network has: what the verifier accepts has to run, however odd.
#ifndef QRUN_TESTS_FUZZ_ODD_OPERATOR_H_
#define QRUN_TESTS_FUZZ_ODD_OPERATOR_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qrun::tests {

// A model of one operator, drawn by `seed`: a convolution, a depthwise one, a pool, an inverted residual, a
// resize, a pad, a slice or a transposition, in int8 or float, with strides, dilations and paddings (cropping
// too) at and beyond the size of the image. Empty where the draw does not fit together.
std::vector<std::byte> OddOperator(uint32_t seed);

}  // namespace qrun::tests

#endif  // QRUN_TESTS_FUZZ_ODD_OPERATOR_H_
