// The layers of a conversion as JSON; keys as converter/README.md documents them.
#ifndef QRUN_CONVERTER_LAYER_JSON_H_
#define QRUN_CONVERTER_LAYER_JSON_H_

#include <nlohmann/json.hpp>

#include "converter/layer_report.h"

namespace qrun::converter {

// {"samples": n, "rows": [...]}
nlohmann::ordered_json LayersJson(const LayerReport& report);

// The findings, as an array.
nlohmann::ordered_json FindingsJson(const std::vector<Finding>& findings);

// The number, or null if it is infinite or NaN.
nlohmann::ordered_json NumberOrNull(double value);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_LAYER_JSON_H_
