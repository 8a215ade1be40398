// Why int8 is off where it is: looks for known causes, tries their cures, and ranks what was found.
#ifndef QRUN_CONVERTER_DIAGNOSIS_DIAGNOSE_H_
#define QRUN_CONVERTER_DIAGNOSIS_DIAGNOSE_H_

#include <vector>

#include "converter/calibration_source.h"
#include "converter/diagnosis/finding.h"
#include "converter/graph.h"
#include "converter/int8_conversion.h"
#include "converter/layer_report.h"
#include "schema/status.h"

namespace qrun::converter {

// Samples that trials run on, at most.
inline constexpr size_t kTrialSamples = 8;

// What the rules (suspicion.h) find in `conversion`, and what cures gain in trials on `samples`, the worst
// first (RankFindings). Causes that equalisation and smoothing have removed are listed as repaired.
// `original`: the float graph before any repair. Also fills in LayerFacts::local_sqnr_db and saturation of
// `layers`, whose rows are the graph's inputs and nodes. The result does not depend on `options.threads`.
// Errors: those of NodeWalk.
Result<std::vector<Finding>> Diagnose(const Graph& original, const Int8Conversion& conversion,
                                      const Int8Options& options, const CalibrationSource& samples,
                                      LayerReport& layers);

// Preprocessing first, then by measured damage, then what was repaired.
void RankFindings(std::vector<Finding>& findings);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_DIAGNOSIS_DIAGNOSE_H_
