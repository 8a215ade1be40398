#include "converter/observers/distribution.h"

#include <cmath>

namespace qrun::converter {

Distribution::Distribution(const Histogram& histogram, uint64_t zeros)
    : count_(histogram.total()), zeros_(zeros) {
  if (count_ == 0) return;
  min_ = histogram.min();
  max_ = histogram.max();
  width_ = histogram.width();
  first_edge_ = histogram.Edge(0);
  if (zeros == count_) return;
  counts_ = histogram.counts();
  // Edges are multiples of the width: 0 is the lower end of its bin.
  if (zeros != 0) counts_[static_cast<size_t>(std::nearbyint(-first_edge_ / width_))] -= zeros;
}

}  // namespace qrun::converter
