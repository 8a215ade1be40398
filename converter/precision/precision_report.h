// What was measured of single layers, and what the search for a goal decided.
#ifndef QRUN_CONVERTER_PRECISION_PRECISION_REPORT_H_
#define QRUN_CONVERTER_PRECISION_PRECISION_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "converter/precision/search.h"
#include "converter/precision/sensitivity.h"
#include "converter/precision/timing.h"

namespace qrun::converter {

struct SensitivityReport {
  Sensitivity sensitivity;
  std::vector<TimedPair> times;  // per layer
};

struct PrecisionReport {
  std::string goal;                     // as on the command line
  SearchResult search;                  // kept: indices of `layers`
  std::vector<std::string> layers;      // names of the candidates
  std::vector<std::string> keep_float;  // --keep-float expressions that give the same file without a search
  double seconds = 0;                   // that the search took
};

struct SpeedReport {
  double required = 0;
  TimedPair measured;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_PRECISION_REPORT_H_
