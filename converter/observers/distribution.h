// How the values of a tensor are spread, as observers look at it.
#ifndef QRUN_CONVERTER_OBSERVERS_DISTRIBUTION_H_
#define QRUN_CONVERTER_OBSERVERS_DISTRIBUTION_H_

#include <cstdint>
#include <span>
#include <vector>

#include "converter/histogram.h"

namespace qrun::converter {

// A histogram with the zeros taken out: int8 represents them exactly.
class Distribution {
 public:
  Distribution() = default;
  // `zeros`: how many of the values counted were 0.
  Distribution(const Histogram& histogram, uint64_t zeros);

  uint64_t count() const { return count_; }  // of all values
  uint64_t zeros() const { return zeros_; }
  // Smallest and largest value; 0 if there was none.
  float min() const { return min_; }
  float max() const { return max_; }

  double bin_width() const { return width_; }
  double Centre(size_t i) const { return first_edge_ + (static_cast<double>(i) + 0.5) * width_; }
  // Values other than 0 per bin, from the bin of min() to the bin of max(); empty if there was none.
  std::span<const uint64_t> counts() const { return counts_; }

 private:
  uint64_t count_ = 0, zeros_ = 0;
  float min_ = 0, max_ = 0;
  double width_ = 1, first_edge_ = 0;
  std::vector<uint64_t> counts_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_OBSERVERS_DISTRIBUTION_H_
