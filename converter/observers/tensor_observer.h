// What calibration keeps of one tensor: enough for every way of choosing a range.
#ifndef QRUN_CONVERTER_OBSERVERS_TENSOR_OBSERVER_H_
#define QRUN_CONVERTER_OBSERVERS_TENSOR_OBSERVER_H_

#include <span>

#include "converter/histogram.h"
#include "converter/observers/distribution.h"
#include "converter/range.h"

namespace qrun::converter {

// Memory: one Histogram of kBins, whatever the number of samples. Thread safety: none; calibration gives
// every shard its own and merges them in a fixed order.
class TensorObserver {
 public:
  static constexpr int kBins = 4096;  // 32 KiB
  // Weight of the past in the moving average, per sample.
  static constexpr double kDecay = 0.9;

  // Takes in all values of the tensor for one sample. Values that are not finite are noted and set aside.
  void Observe(std::span<const float> values);
  // Continues as if `later` had been fed to this one after its own samples.
  void Merge(const TensorObserver& later);

  // [smallest, largest] finite value seen.
  Range MinMax() const;
  // Means of the samples' minima and maxima, sample i of n weighted with kDecay^(n-1-i).
  Range MovingAverage() const;
  Distribution Values() const { return {histogram_, zeros_}; }

 private:
  Histogram histogram_{kBins};
  uint64_t zeros_ = 0;
  bool has_nonfinite_ = false;
  // Sums over samples of kDecay^(n-1-i) times the minimum, the maximum and 1; kDecay^n.
  double weighted_min_ = 0, weighted_max_ = 0, weight_ = 0, decay_ = 1;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_OBSERVERS_TENSOR_OBSERVER_H_
