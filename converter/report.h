// What a conversion did: for people, and for programs.
#ifndef QRUN_CONVERTER_REPORT_H_
#define QRUN_CONVERTER_REPORT_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "converter/import/onnx.h"
#include "converter/layer_report.h"
#include "converter/passes/passes.h"
#include "converter/precision/precision_report.h"
#include "converter/quantize.h"
#include "converter/sample_runner.h"
#include "runtime/qrun.h"

namespace qrun::converter {

// How close an output of the int8 model is to the float model's, over the checked samples.
struct OutputCheck {
  std::string name;
  double sqnr_db = 0;  // 10 log10(sum f^2 / sum (f - q)^2); infinite if equal
  double cosine = 0;   // of the outputs of all samples as one vector; 1 if both are 0
  int same_top1 = 0;   // samples whose largest element is at the same place
};

// One step on the way to the int8 model, and how close the model is to float after it.
struct RepairStep {
  std::string name;  // "min-max", "equalise", "smooth", "observer", "weight scales", "bias correction", ...
  std::string what;  // in numbers
  // Of the output that is furthest off, over the check samples; infinite if equal, NaN if not measured.
  double sqnr_db = 0;
  // Whether the options that the file keeps say nothing of it; else it would stand there twice.
  bool in_recipe = true;
};

struct CalibrationFacts {
  std::string path, observer;
  size_t samples_used = 0;
  std::vector<SampleFailure> failures;
};

struct ConversionReport {
  struct Source {
    std::string path, sha256, producer;
    uint64_t bytes = 0;
    int64_t opset = 0;
    int operators = 0;
    std::vector<std::string> notes;  // what the importer assumed
  };
  struct Stage {
    std::string name;
    double seconds = 0;
  };

  std::string model_name, output_path, dtype;  // dtype: "int8" or "fp32"
  Source source;
  std::vector<TensorInfo> inputs, outputs;
  std::optional<Preprocessing> preprocessing;
  size_t labels = 0;
  std::vector<PassReport::Entry> passes;
  std::optional<CalibrationFacts> calibration;
  std::vector<RepairStep> steps;  // to the int8 model; the first is without any repair
  std::optional<SensitivityReport> sensitivity;
  std::optional<PrecisionReport> precision;  // if a goal was given
  std::optional<SpeedReport> speed;          // if a speedup was required
  std::optional<QuantizeReport> quantization;
  int blocks_fused = 0;
  std::map<std::string, int> operators;  // of the file: kind -> how often
  int64_t parameters = 0;                // elements of weights and biases
  int64_t macs = 0;                      // multiply-accumulates of one sample
  uint64_t file_bytes = 0;
  std::string file_sha256;
  std::string options;       // those that shape the file, as a command line
  uint64_t float_bytes = 0;  // of the file without quantisation; int8 only
  uint64_t arena_bytes = 0;
  std::string qdq_path;  // empty: none was written
  uint64_t qdq_bytes = 0;
  size_t samples_checked = 0;
  std::vector<OutputCheck> checks;
  std::optional<LayerReport> layers;
  // cli::DescribePlan on the best instruction set here, one thread; null for a model that was not made. The
  // float one of an int8 conversion is the graph that was calibrated.
  nlohmann::json int8_plan, float_plan;
  std::vector<Stage> stages;
  std::vector<std::string> warnings;
};

// One JSON object; its fields are listed in converter/README.md. Ends in a newline. indent: spaces per level,
// or -1 for everything on one line.
std::string SummaryJson(const ConversionReport& report, int indent = 2);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPORT_H_
