// Sensitivity, mixed precision and speed in a report's JSON; the fields are listed in converter/README.md.
#ifndef QRUN_CONVERTER_PRECISION_PRECISION_JSON_H_
#define QRUN_CONVERTER_PRECISION_PRECISION_JSON_H_

#include <nlohmann/json.hpp>
#include <optional>

#include "converter/precision/precision_report.h"

namespace qrun::converter {

// null for what there is not.
nlohmann::ordered_json SensitivityJson(const std::optional<SensitivityReport>& report,
                                       const std::optional<PrecisionReport>& precision);
nlohmann::ordered_json PrecisionJson(const std::optional<PrecisionReport>& report);
nlohmann::ordered_json SpeedJson(const std::optional<SpeedReport>& report);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_PRECISION_JSON_H_
