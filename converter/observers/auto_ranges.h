// The observer "auto": per tensor the observer whose range does the least harm to the answers.
#ifndef QRUN_CONVERTER_OBSERVERS_AUTO_RANGES_H_
#define QRUN_CONVERTER_OBSERVERS_AUTO_RANGES_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "converter/calibrate.h"
#include "converter/graph.h"
#include "converter/sample_runner.h"
#include "schema/status.h"

namespace qrun::converter {

struct AutoRanges {
  std::vector<Range> ranges;          // per ValueId
  std::map<std::string, int> chosen;  // observer -> tensors that it was chosen for
  bool judged = false;                // false: too few samples, nothing was tried
};

// For every activation and every row of observer_list.inc, the activation is rounded and clipped to int8 in
// the row's range while all else stays float, and the network is run on from there. The harm of a range is
//
//   squared error of the outputs / squares of the outputs
//
// per sample; Softmax is left out of outputs that it makes, for what it makes of a large lead hides errors.
// Rare values that no later layer minds are thus clipped, and those that decide are kept. From minimum to
// maximum is what a range remains unless another row has the least mean harm and its gain is not chance:
// kAutoLeastGainDb on average over the samples (of the logarithm), and more than twice its standard error.
// With fewer than kAutoLeastSamples nothing is known well enough, and nothing is clipped.
//
// `graph`: float, canonical, as calibrated. `symmetric`: QuantizeOptions::symmetric_activations. Runs the
// first samples of `source`: kAutoSamples, or as many as kAutoMacs allow, but kAutoLeastSamples at least.
// The result does not depend on `threads` nor on the CPU. Errors: those of HybridSession.
inline constexpr std::string_view kAutoObserver = "auto";
inline constexpr size_t kAutoSamples = 32, kAutoLeastSamples = 8;
inline constexpr double kAutoLeastGainDb = 1, kAutoMacs = 4e12;
Result<AutoRanges> ChooseRanges(const Graph& graph, const Calibration& calibration,
                                const CalibrationSource& source, bool symmetric, int threads,
                                const ProgressFunction& progress);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_OBSERVERS_AUTO_RANGES_H_
