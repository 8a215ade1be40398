// Calibration: runs the float model over samples and observes every activation.
#ifndef QRUN_CONVERTER_CALIBRATE_H_
#define QRUN_CONVERTER_CALIBRATE_H_

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/observer.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

struct CalibrateOptions {
  const ObserverKind* observer = nullptr;  // required
  int threads = 1;
  size_t limit = 0;  // samples to use from the front of the source; 0: all
};

struct Calibration {
  struct Failure {
    std::string sample;
    std::string message;  // names the file
  };
  std::vector<Range> ranges;  // per ValueId; not seen for constants and unused values
  size_t samples_used = 0;
  std::vector<Failure> failures;  // samples that could not be loaded, in order
};

// done and total count samples. Called from one thread at a time.
using ProgressFunction = std::function<void(size_t done, size_t total)>;

// One pass over the samples. `tensor_of_value` maps the graph's values to the tensors of `float_model`
// (EmitModel).
//
// The samples are cut into kCalibrationShards consecutive parts, each with its own observers, merged in
// order: the result does not depend on the number of threads. Every thread runs a session of one thread and
// holds one sample; memory does not grow with their number. A sample that cannot be loaded is skipped and
// listed. Errors: those of Session::Create; invalid_argument if no sample is usable.
Result<Calibration> Calibrate(const Model& float_model, std::span<const int> tensor_of_value,
                              const CalibrationSource& source, const CalibrateOptions& options,
                              const ProgressFunction& progress);

inline constexpr size_t kCalibrationShards = 8;

// Loads sample i of `source` into the session's inputs.
Status LoadSample(const CalibrationSource& source, size_t i, Session& session,
                  std::vector<std::vector<float>>& scratch);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_CALIBRATE_H_
