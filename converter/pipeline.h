// The whole conversion: import -> passes -> calibrate -> quantise -> analyse -> fuse -> emit -> check ->
// write.
#ifndef QRUN_CONVERTER_PIPELINE_H_
#define QRUN_CONVERTER_PIPELINE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "converter/int8_conversion.h"
#include "converter/preprocessing.h"
#include "converter/report.h"
#include "schema/status.h"

namespace qrun::converter {

// qconvert's command line; see `qconvert --help`.
struct ConvertOptions {
  std::string source_path, output_path;
  std::string qdq_path;  // also write the quantised graph as ONNX (qdq/emit_qdq.h); empty: do not
  bool int8 = true;
  std::string calibration_path;  // required for int8, unless data_free
  bool data_free = false;        // int8 without samples: data_free.h
  PreprocessingOptions preprocessing;
  std::string labels_path;
  std::vector<std::string> labels;  // where there is no labels_path
  // What the file is to say that the source and the calibration data are called; empty: as their paths end.
  std::string source_name, calibration_name;
  Int8Options quantization;
  bool fuse = true;
  // int8 on images: make the preprocessing's arithmetic a part of the first convolution, where it can be
  // (fold_preprocessing.h). Without a value: where that is possible. Not with qdq_path: ONNX has no padding
  // that differs between channels.
  std::optional<bool> fold_preprocessing;
  std::map<std::string, Shape> input_shape;
  // Labelled images for Int8Options::goal.
  std::string labels_list, labels_root;
  int label_offset = 0;
  double required_speedup = 0;  // of int8 over fp32 on this machine; 0: any
  // Also compare the models layer by layer and look for causes (ConversionReport::layers), and plan the float
  // model (float_plan). The file depends on neither.
  bool analyze = false, plan_float = false;
};

struct ConvertHooks {
  std::function<void(std::string_view name)> stage;  // called as each stage begins, or goes on
  ProgressFunction progress;                         // of the stage that runs, where it is long
};

// What the options alone reveal: unknown names, int8 without calibration data, a source and outputs that are
// one file, QDQ or a goal without int8, labels without a goal. Errors: invalid_argument.
Status ValidateOptions(const ConvertOptions& options);

// Converts and writes the file. The same source, options and calibration data give the same bytes on every
// machine: no time, no path and no thread count goes into the file, and the float model runs with
// SessionOptions::reproducible_float. Errors: those of every stage, naming file and node; on
// error no file is written and an existing one is untouched.
Result<ConversionReport> Convert(const ConvertOptions& options, const ConvertHooks& hooks);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PIPELINE_H_
