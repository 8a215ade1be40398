// The observer "auto": per tensor the observer whose range does the least harm.
#ifndef QRUN_CONVERTER_OBSERVERS_AUTO_RANGES_H_
#define QRUN_CONVERTER_OBSERVERS_AUTO_RANGES_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "converter/calibrate.h"
#include "converter/graph.h"
#include "schema/status.h"

namespace qrun::converter {

struct AutoRanges {
  std::vector<Range> ranges;          // per ValueId
  std::map<std::string, int> chosen;  // observer -> tensors that it was chosen for
};

// For every activation and every row of observer_list.inc, the activation is rounded and clipped to int8 in
// the row's range and each operator that reads it is run, in float, alone; the row with the least sum over
// readers of
//
//   mean squared error of the output / mean square of the output
//
// is taken, the first of equals. Ties of clipping and rounding are thus settled where they matter: a value
// that a ReLU or small weights hide may be clipped. Tensors that no operator reads take least squared error
// on themselves.
//
// `graph`: float, canonical, as calibrated. Uses the first samples of `source`, kAutoSamples at most. The
// result does not depend on `threads` nor on the CPU.
inline constexpr std::string_view kAutoObserver = "auto";
inline constexpr size_t kAutoSamples = 16;
Result<AutoRanges> ChooseRanges(const Graph& graph, const Calibration& calibration,
                                const CalibrationSource& source, int threads);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_OBSERVERS_AUTO_RANGES_H_
