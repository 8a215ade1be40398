// Measures single layers, and chooses which stay float.
#ifndef QRUN_CONVERTER_PRECISION_MIXED_PRECISION_H_
#define QRUN_CONVERTER_PRECISION_MIXED_PRECISION_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "converter/observers/channel_statistics.h"
#include "converter/precision/goal.h"
#include "converter/precision/goal_meter.h"
#include "converter/precision/precision_report.h"
#include "converter/range.h"
#include "converter/sample_runner.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

struct MixedPrecisionInput {
  const Graph& float_graph;  // as it is quantised
  const Graph& int8_graph;   // after QuantizeGraph with `ranges` and `keep_float`, before corrections
  std::span<const Range> ranges;
  std::span<const ChannelStatistics> channels;
  std::span<const std::string> keep_float;
  const Model& original;              // the float model to be like
  const CalibrationSource& held_out;  // samples that nothing was learnt from
  const PrecisionGoal& goal;
  bool sensitivity = false;  // measure it in any case
  bool fuses_blocks = true;  // whether inverted residuals will become one operator each
  int threads = 1;
};

struct MixedPrecision {
  std::optional<SensitivityReport> sensitivity;  // if it was asked for, or needed
  // If a goal was given:
  std::optional<PrecisionReport> precision;
  std::optional<GoalMeter> meter;  // to judge what is emitted in the end
};

// The int8 model as it will be emitted, with these expressions in --keep-float.
using ConvertFunction = std::function<Result<Graph>(std::span<const std::string> keep_float)>;

// `begin_stage` is told what begins. Everything but times is the same on every CPU and number of threads,
// unless a time budget runs out. Errors: those of MeasureSensitivity and SearchKeptLayers.
Result<MixedPrecision> MixPrecision(const MixedPrecisionInput& input, const ConvertFunction& convert,
                                    const std::function<void(const char*)>& begin_stage,
                                    const ProgressFunction& progress);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_MIXED_PRECISION_H_
