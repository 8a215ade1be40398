#include "converter/subset_source.h"

#include <algorithm>
#include <numeric>

namespace qrun::converter {

SampleSplit SplitSamples(size_t count) {
  SampleSplit split;
  if (count < kLeastToSplit) {
    split.learn.resize(count);
    std::iota(split.learn.begin(), split.learn.end(), size_t{0});
    split.check = split.learn;
    return split;
  }
  const size_t checks = std::min(count / 8, kMostCheckSamples);
  for (size_t i = 0, next = 0; i < count; ++i) {
    // Check sample k stands in the middle of the k-th of `checks` equal parts.
    const bool check = next < checks && i == (2 * next + 1) * count / (2 * checks);
    next += check;
    (check ? split.check : split.learn).push_back(i);
  }
  return split;
}

}  // namespace qrun::converter
