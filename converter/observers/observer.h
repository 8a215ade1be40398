// Observers: ways of choosing the range of a tensor from what calibration has kept of it.
#ifndef QRUN_CONVERTER_OBSERVERS_OBSERVER_H_
#define QRUN_CONVERTER_OBSERVERS_OBSERVER_H_

#include <span>
#include <string_view>

#include "converter/observers/tensor_observer.h"
#include "converter/range.h"
#include "schema/status.h"

namespace qrun::converter {

// A row of observer_list.inc. A range lies within what was seen, and carries has_nonfinite; it is not seen()
// if nothing was.
struct ObserverKind {
  std::string_view name;  // what --observer takes
  std::string_view description;
  Range (*choose)(const TensorObserver& seen);
};

std::span<const ObserverKind> ObserverKinds();

// Errors: invalid_argument, listing the known names.
Result<const ObserverKind*> FindObserverKind(std::string_view name);

Range MinMaxRange(const TensorObserver& seen);
Range MovingAverageRange(const TensorObserver& seen);

// Cuts off at most kPercentileTail of all values on either side.
inline constexpr double kPercentileTail = 1e-4;
Range PercentileRange(const TensorObserver& seen);

// The range with the least divergence sum p log(p / q) of what int8 makes of the histogram from the
// histogram, both without zeros, with clipped values in the outermost bins of p and missing in q: the
// calibration of NVIDIA's TensorRT (Migacz, GTC 2017), here for 255 steps of an asymmetric range.
Range EntropyRange(const TensorObserver& seen);

// Least sum of squared errors, rounding and clipping (QuantizationError).
Range MseRange(const TensorObserver& seen);

// Clipping counts three times: it is no noise, but moves the mean of the layer's output. (The weight is that
// of AIMET's scheme "tf_enhanced".)
Range SqnrRange(const TensorObserver& seen);

// Banner et al., "Post training 4-bit quantization of convolutional networks" (2019): mean +- 3.92 sigma
// (Gauss) or +- 9.89 b (Laplace, b = mean |x - mean|), whichever distribution has the tensor's ratio of b and
// sigma; cut to what was seen.
Range AciqRange(const TensorObserver& seen);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_OBSERVERS_OBSERVER_H_
