// How the values of a tensor are spread, from a stream of them, in bounded memory.
#ifndef QRUN_CONVERTER_HISTOGRAM_H_
#define QRUN_CONVERTER_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace qrun::converter {

// Counts values in bins of equal width. Bin i holds [ (first + i) * width, (first + i + 1) * width ), and
// width is the smallest power of two for which at most `max_bins` bins cover everything seen (but at least
// 2^-40, and 2^-30 of the largest magnitude). When a value lies outside, pairs of bins are joined, which
// loses nothing: the result depends only on the values, neither on their order nor on how they were divided
// over histograms that were merged. Infinities and NaNs are not counted. After construction nothing
// allocates. Thread safety: none.
class Histogram {
 public:
  // max_bins >= 2
  explicit Histogram(int max_bins);

  void Add(std::span<const float> values);
  // As if the other's values had been added here; same max_bins.
  void Merge(const Histogram& other);

  uint64_t total() const { return total_; }
  // Smallest and largest value counted. Precondition: total() > 0.
  float min() const { return min_; }
  float max() const { return max_; }
  double width() const;
  // The first bin holds min(), the last one max(). Empty if nothing was counted.
  const std::vector<uint64_t>& counts() const { return counts_; }
  // Lower end of bin i, also for i = counts().size().
  double Edge(size_t i) const;

 private:
  void Cover(float min, float max);
  int64_t IndexOf(float value, int exponent) const;

  int64_t max_bins_;
  uint64_t total_ = 0;
  float min_ = 0, max_ = 0;
  int exponent_;  // width = 2^exponent_
  int64_t first_ = 0;
  std::vector<uint64_t> counts_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_HISTOGRAM_H_
