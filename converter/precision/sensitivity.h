// How much each layer's quantisation costs, one at a time.
#ifndef QRUN_CONVERTER_PRECISION_SENSITIVITY_H_
#define QRUN_CONVERTER_PRECISION_SENSITIVITY_H_

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/precision/answers.h"
#include "converter/precision/cost_model.h"
#include "converter/precision/hybrid_model.h"
#include "converter/precision/layer_units.h"
#include "converter/sample_runner.h"
#include "schema/status.h"

namespace qrun::converter {

struct LayerSensitivity {
  LayerUnit unit;
  std::string op;     // of the unit's first operator, as in the file
  Deviation alone;    // only this layer in int8
  Deviation without;  // all layers in int8 but this one
  LayerCost cost;
};

struct Sensitivity {
  Deviation all;  // every layer in int8
  std::vector<LayerSensitivity> layers;
};

// Runs int8 and float operators as the file would, on the samples of `reference` (what the float model
// answers to `source`). `float_graph` is what QuantizeGraph made `int8_graph` of; `forms_without[i]` says
// what runs in int8 where units[i] stays float; empty: LayerSensitivity::without is not measured. Biases
// should be centred (CentreRoundingErrors), not corrected for one model. Nothing if `deadline` passed before
// the end. The result does not depend on `threads` nor on the CPU. Memory: all activations of one sample per
// thread.
Result<std::optional<Sensitivity>> MeasureSensitivity(
    const Graph& float_graph, const Graph& int8_graph, std::span<const LayerUnit> units,
    std::span<const NodeForms> forms_without, const CalibrationSource& source, const Answers& reference,
    int threads, std::optional<std::chrono::steady_clock::time_point> deadline,
    const ProgressFunction& progress);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_SENSITIVITY_H_
