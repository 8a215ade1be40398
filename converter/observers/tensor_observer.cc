#include "converter/observers/tensor_observer.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace qrun::converter {

void TensorObserver::Observe(std::span<const float> values) {
  std::vector<float> finite;
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
    has_nonfinite_ = true;
    std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
                 [](float v) { return std::isfinite(v); });
    values = finite;
  }
  if (values.empty()) return;
  histogram_.Add(values);
  zeros_ += static_cast<uint64_t>(std::count(values.begin(), values.end(), 0.0f));
  const auto [lo, hi] = std::minmax_element(values.begin(), values.end());
  weighted_min_ = weighted_min_ * kDecay + *lo;
  weighted_max_ = weighted_max_ * kDecay + *hi;
  weight_ = weight_ * kDecay + 1;
  decay_ *= kDecay;
}

void TensorObserver::Merge(const TensorObserver& later) {
  has_nonfinite_ |= later.has_nonfinite_;
  histogram_.Merge(later.histogram_);
  zeros_ += later.zeros_;
  weighted_min_ = weighted_min_ * later.decay_ + later.weighted_min_;
  weighted_max_ = weighted_max_ * later.decay_ + later.weighted_max_;
  weight_ = weight_ * later.decay_ + later.weight_;
  decay_ *= later.decay_;
}

Range TensorObserver::MinMax() const {
  Range range;
  if (histogram_.total() != 0) range = {histogram_.min(), histogram_.max()};
  range.has_nonfinite = has_nonfinite_;
  return range;
}

Range TensorObserver::MovingAverage() const {
  Range range = MinMax();
  if (weight_ == 0) return range;
  range.min = static_cast<float>(weighted_min_ / weight_);
  range.max = static_cast<float>(weighted_max_ / weight_);
  return range;
}

}  // namespace qrun::converter
