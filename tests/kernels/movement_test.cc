#include "kernels/movement.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace qrun::kernels {
namespace {

TEST(CoalesceAxes, MakesADenseCopyOneRun) {
  StridedCopyArgs args;
  args.axes = 4;
  const int64_t extents[] = {2, 1, 3, 4}, strides[] = {12, 12, 4, 1};
  for (int a = 0; a < 4; ++a) {
    args.extent[a] = extents[a];
    args.src_stride[a] = args.dst_stride[a] = strides[a];
  }
  CoalesceAxes(args);
  EXPECT_EQ(args.axes, 1);
  EXPECT_EQ(args.extent[0], 24);
}

TEST(Softmax, MatchesDoublePrecision) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> values(-20, 20);
  for (int inner : {1, 2, 3, 10, 1000}) {
    std::vector<float> src(3 * inner), dst(src.size());
    for (float& value : src) value = values(random);
    softmax_f32({inner, src.data(), dst.data()}, 0, 3, nullptr);
    double worst = 0, worst_of_perturbed = 0;
    for (int row = 0; row < 3; ++row) {
      double sum = 0, perturbed_sum = 0;
      for (int i = 0; i < inner; ++i) sum += std::exp(double{src[row * inner + i]});
      for (int i = 0; i < inner; ++i)
        perturbed_sum += std::exp(double{src[row * inner + i]} + (i == 0 ? 1e-3 : 0));
      for (int i = 0; i < inner; ++i) {
        const double want = std::exp(double{src[row * inner + i]}) / sum;
        const double other = std::exp(double{src[row * inner + i]} + (i == 0 ? 1e-3 : 0)) / perturbed_sum;
        worst = std::max(worst, std::abs(dst[row * inner + i] - want) / want);
        worst_of_perturbed = std::max(worst_of_perturbed, std::abs(dst[row * inner + i] - other) / other);
      }
    }
    // src - max is rounded: up to 40 * 2^-24 in the exponent, and as much again in the sum.
    EXPECT_LE(worst, 5e-6) << inner;
    if (inner > 1) {  // the tolerance notices a changed input
      EXPECT_GT(worst_of_perturbed, 5e-6) << inner;
    }
  }
}

}  // namespace
}  // namespace qrun::kernels
