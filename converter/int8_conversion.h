// From a canonical float graph to the int8 graph: calibrate, repair, quantise.
#ifndef QRUN_CONVERTER_INT8_CONVERSION_H_
#define QRUN_CONVERTER_INT8_CONVERSION_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "converter/calibrate.h"
#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "converter/precision/goal.h"
#include "converter/precision/precision_report.h"
#include "converter/quantize.h"
#include "converter/range.h"
#include "converter/repair/learn_rounding.h"
#include "converter/report.h"
#include "converter/sample_runner.h"
#include "converter/subset_source.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

struct Int8Options {
  std::string observer = "auto";  // a row of observer_list.inc, or auto
  bool equalize = true;
  bool smooth = true;  // outliers that a gain makes
  bool per_channel_weights = true;
  bool least_error_weights = false;
  bool absorb_biases = true;
  bool split_outliers = false;  // where the check samples gain
  bool correct_biases = true;
  int weight_bits = 8;                 // QuantizeOptions::weight_bits
  bool symmetric_activations = false;  // QuantizeOptions::symmetric_activations
  // Learn the rounding of the weights: layer by layer, or inverted residuals as wholes. Nothing: do not.
  std::optional<ChainKind> learn_rounding;
  size_t learn_steps = LearnOptions().steps;
  // All that the only input can hold, in place of what samples show: see FoldedPreprocessing.
  std::optional<Range> input_range;
  std::vector<std::string> keep_float;
  PrecisionGoal goal;        // keeps as few more layers float as it takes; fails if it cannot be met
  bool sensitivity = false;  // measure the layers one at a time
  bool fuses_blocks = true;  // whether the graph's inverted residuals will become one operator each
  size_t limit = 0;          // samples to use from the front of the source; 0: all
  int threads = 1;           // the result does not depend on it
};

struct Int8Conversion {
  Graph graph;
  Graph float_graph;        // what was quantised, repaired
  SampleSplit split;        // of the samples used
  size_t samples_used = 0;  // of split.learn
  std::vector<SampleFailure> failures;
  QuantizeReport quantization;
  std::vector<RepairStep> steps;                    // the first is the model without any repair
  Calibration calibration;                          // of float_graph
  std::optional<Calibration> original_calibration;  // of the graph given, if channels were scaled
  bool ranges_by_answers = false;                   // AutoRanges::judged
  std::optional<SensitivityReport> sensitivity;
  std::optional<PrecisionReport> precision;  // if a goal was given
};

// Samples are split into those that ranges and corrections are learnt from and those that the steps are
// measured on (SplitSamples). `begin_stage` is told what begins. The same graph, samples and options give the
// same result on every CPU and number of threads (within a time budget as long as it lasts). Errors: those of
// RunSamples, PlanInt8, EmitModel and MixPrecision.
Result<Int8Conversion> ConvertToInt8(const Graph& graph, const CalibrationSource& source,
                                     const Int8Options& options,
                                     const std::function<void(const char*)>& begin_stage,
                                     const ProgressFunction& progress);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_INT8_CONVERSION_H_
