// The squared error that int8 makes on a tensor, predicted from its histogram.
#ifndef QRUN_CONVERTER_OBSERVERS_QUANTIZATION_ERROR_H_
#define QRUN_CONVERTER_OBSERVERS_QUANTIZATION_ERROR_H_

#include <span>
#include <vector>

#include "converter/observers/distribution.h"

namespace qrun::converter {

// Sums over one distribution, so that every range costs the same few operations.
class QuantizationError {
 public:
  // Precondition: the distribution outlives this.
  explicit QuantizationError(const Distribution& values);

  struct Parts {
    double rounding = 0;  // step^2 / 12 for every value other than 0 inside the range
    double clipping = 0;  // squared distance of those outside
  };
  // Sum over all values of the error with int8 over [lo, hi], lo <= 0 <= hi.
  Parts Of(double lo, double hi) const;

  // The range [lo, hi] inside [min, max] (widened to hold 0) with the least rounding + weight * clipping. A
  // side on which there are no values stays 0. weight > 0.
  std::pair<double, double> BestRange(double clipping_weight) const;

 private:
  // n, sum and sum of squares of the values in the first i bins.
  struct Moments {
    double n = 0, sum = 0, squares = 0;
  };
  size_t BinsBelow(double x) const;

  const Distribution& values_;
  std::vector<Moments> below_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_OBSERVERS_QUANTIZATION_ERROR_H_
