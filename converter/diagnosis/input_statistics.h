// Whether samples are prepared as they were in training: the first BatchNorm remembers what it saw then.
#ifndef QRUN_CONVERTER_DIAGNOSIS_INPUT_STATISTICS_H_
#define QRUN_CONVERTER_DIAGNOSIS_INPUT_STATISTICS_H_

#include <optional>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/diagnosis/finding.h"
#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

// The operators before a model's first BatchNorm, and the moments it was trained with.
struct InputStem {
  Graph graph;  // NHWC; its only output is what the BatchNorm reads
  std::string layer, op;
  std::vector<float> mean, variance;  // per channel
};

// `source`: as imported, before any pass. Nothing if the model has several inputs, one that is not an image,
// no BatchNorm (exporters may have folded it), or none within the first few operators.
std::optional<InputStem> FindInputStem(const Graph& source);

// How far what the samples make of the stem is from the BatchNorm's moments.
struct InputFit {
  // Mean over channels of the divergence of two normal distributions with the moments seen and remembered,
  // (v/V - 1 - log(v/V) + (m - M)^2 / V) / 2, at most kMostDivergence per channel.
  double divergence = 0;
  size_t samples = 0;
  std::optional<Finding> finding;  // where another preparation fits far better

  static constexpr double kMostDivergence = 4;
};

// Tries other scalings, presets and channel orders on up to kFitSamples samples. `preprocessing`: how
// `samples` turns images into inputs; null if its values are inputs as they are. Nothing if no sample can be
// loaded. Errors: those of EmitModel and Session::Create.
inline constexpr size_t kFitSamples = 32;
Result<std::optional<InputFit>> FitInput(const InputStem& stem, const CalibrationSource& samples,
                                         const fb::PreprocessingT* preprocessing);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_DIAGNOSIS_INPUT_STATISTICS_H_
