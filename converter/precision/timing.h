// How long models and layers take on this machine. Nothing here decides what a file holds: times differ from
// run to run.
#ifndef QRUN_CONVERTER_PRECISION_TIMING_H_
#define QRUN_CONVERTER_PRECISION_TIMING_H_

#include <span>
#include <vector>

#include "converter/graph.h"
#include "converter/precision/layer_units.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

// Medians over `runs`, in microseconds.
struct TimedPair {
  double float_us = 0, int8_us = 0;
  int runs = 0;
  // float_us / int8_us; 0 if nothing was measured.
  double Speedup() const { return int8_us > 0 ? float_us / int8_us : 0; }
};

// Runs both models in turns, one thread each, on the best instruction set here and with all of its kernels:
// what disturbs the machine meets both. A few runs first do not count. Inputs are zeros. Errors: those of
// Session::Create.
Result<TimedPair> TimeModels(const Model& float_model, const Model& int8_model, int runs);

// The same for each unit by itself, without the conversions around it. `int8_graph`: `float_graph` after
// QuantizeGraph.
Result<std::vector<TimedPair>> TimeUnits(const Graph& float_graph, const Graph& int8_graph,
                                         std::span<const LayerUnit> units, int runs);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_TIMING_H_
