#include "kernels/movement.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace qrun::kernels {
namespace {

// A transposed, strided copy element by element, straight from the definition.
template <class T>
std::vector<T> NaiveCopy(const StridedCopyArgs& args, const std::vector<T>& src, size_t dst_count) {
  std::vector<T> dst(dst_count, T(99));
  int64_t total = 1;
  for (int a = 0; a < args.axes; ++a) total *= args.extent[a];
  for (int64_t i = 0; i < total; ++i) {
    int64_t rest = i, from = 0, to = 0;
    for (int a = args.axes - 1; a >= 0; --a) {
      from += rest % args.extent[a] * args.src_stride[a];
      to += rest % args.extent[a] * args.dst_stride[a];
      rest /= args.extent[a];
    }
    dst[to] = src[from];
  }
  return dst;
}

template <class T>
void CheckRandomCopies() {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    StridedCopyArgs args;
    args.element_bytes = sizeof(T);
    args.axes = 1 + static_cast<int>(random() % kMaxAxes);
    // A dense source read through a random permutation, into a destination with gaps.
    std::vector<int> perm(args.axes);
    std::iota(perm.begin(), perm.end(), 0);
    std::shuffle(perm.begin(), perm.end(), random);
    int64_t extents[kMaxAxes], step = 1;
    for (int a = 0; a < args.axes; ++a) extents[a] = 1 + static_cast<int64_t>(random() % 5);
    int64_t src_stride[kMaxAxes];
    for (int a = args.axes - 1; a >= 0; --a) {
      src_stride[a] = step;
      step *= extents[a];
    }
    const int64_t src_count = step;
    step = 1;
    for (int a = args.axes - 1; a >= 0; --a) {
      args.extent[a] = extents[perm[a]];
      args.src_stride[a] = src_stride[perm[a]];
      args.dst_stride[a] = step;
      step *= args.extent[a] + (random() % 2 ? 0 : 1);
    }
    std::vector<T> src(src_count);
    for (int64_t i = 0; i < src_count; ++i) src[i] = static_cast<T>(i);
    const std::vector<T> want = NaiveCopy(args, src, step);

    CoalesceAxes(args);
    std::vector<T> dst(step, T(99));
    args.src = reinterpret_cast<const std::byte*>(src.data());
    args.dst = reinterpret_cast<std::byte*>(dst.data());
    const int items = static_cast<int>(args.extent[0]), cut = items / 2;
    strided_copy(args, cut, items, nullptr);
    strided_copy(args, 0, cut, nullptr);
    EXPECT_EQ(dst, want);
  }
}

TEST(StridedCopy, Bytes) { CheckRandomCopies<int8_t>(); }
TEST(StridedCopy, Floats) { CheckRandomCopies<float>(); }

TEST(StridedCopy, TableIsAppliedToEveryByte) {
  int8_t table[256], src[256], dst[256];
  for (int i = 0; i < 256; ++i) {
    table[i] = static_cast<int8_t>(127 - i);
    src[i] = static_cast<int8_t>(i - 128);
  }
  StridedCopyArgs args;
  args.extent[0] = 256;
  args.table = table;
  args.src = reinterpret_cast<const std::byte*>(src);
  args.dst = reinterpret_cast<std::byte*>(dst);
  strided_copy(args, 0, 256, nullptr);
  for (int i = 0; i < 256; ++i) EXPECT_EQ(dst[i], table[i]);
}

TEST(StridedCopy, CoalescingMakesADenseCopyOneRun) {
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
    if (inner > 1) EXPECT_GT(worst_of_perturbed, 5e-6) << inner;  // the tolerance notices a changed input
  }
}

}  // namespace
}  // namespace qrun::kernels
