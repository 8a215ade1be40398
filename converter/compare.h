// The float and the int8 model side by side.
#ifndef QRUN_CONVERTER_COMPARE_H_
#define QRUN_CONVERTER_COMPARE_H_

#include <cstddef>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/report.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

struct Comparison {
  size_t samples = 0;
  std::vector<OutputCheck> outputs;
};

// Runs both models on the first `max_samples` usable samples and compares all outputs in real numbers.
// Precondition: same inputs and outputs, in shape and order. Errors: those of Session::Create.
Result<Comparison> CompareModels(const Model& reference, const Model& candidate,
                                 const CalibrationSource& source, size_t max_samples);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_COMPARE_H_
