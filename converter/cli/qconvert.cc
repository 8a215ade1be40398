// qconvert: turns a trained float ONNX model into a .qfb file.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <thread>

#include "converter/cli/summary_text.h"
#include "converter/html/page.h"
#include "converter/observers/auto_ranges.h"
#include "converter/observers/observer.h"
#include "converter/pipeline.h"
#include "converter/rebuild.h"
#include "runtime/cli/progress.h"
#include "runtime/cli/terminal.h"
#include "runtime/file.h"

namespace qrun::cli {
namespace {

using converter::ConversionReport;
using converter::ConvertHooks;
using converter::ConvertOptions;

constexpr size_t kWarningsShown = 10;

struct Arguments {
  ConvertOptions convert;
  std::string dtype = "int8";
  std::vector<std::string> input_shapes;
  std::string mean, std;
  std::string observer;  // empty: the default
  std::string json, html;
  std::string weights = "per-channel", weight_scale = "max", learn_rounding = "none",
              activations = "asymmetric";
  bool rebuild = false;
  std::string source;
  std::string time_budget;
  bool quiet = false, no_fuse = false, no_equalize = false, no_smoothing = false, no_bias_correction = false,
       no_bias_absorption = false;
};

int DefaultThreads() { return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 8u)); }

// "[NAME:]1,3,224,224" into the shape of input NAME ("" for the only input).
Status ParseInputShape(const std::string& text, ConvertOptions& options) {
  const size_t colon = text.rfind(':');
  const std::string name = colon == std::string::npos ? "" : text.substr(0, colon);
  const char* at = text.data() + (colon == std::string::npos ? 0 : colon + 1);
  const char* const end = text.data() + text.size();
  converter::Shape shape;
  while (true) {
    int64_t extent = 0;
    const auto [next, error] = std::from_chars(at, end, extent);
    if (error != std::errc() || extent < 1) break;
    shape.push_back(extent);
    if (next == end) {
      options.input_shape[name] = std::move(shape);
      return Status::Ok();
    }
    if (*next != ',') break;
    at = next + 1;
  }
  return Status::InvalidArgument("--input-shape '" + text + "': expected [NAME:]N,N,... such as 1,3,224,224");
}

// "0.485,0.456,0.406"; empty text leaves `numbers` empty.
Status ParseNumbers(const char* option, const std::string& text, std::vector<float>& numbers) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    float number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    const bool last = next == end;
    if (error != std::errc() || (!last && (*next != ',' || next + 1 == end))) {
      return Status::InvalidArgument(
          fmt::format("{} '{}': expected numbers such as 0.485,0.456,0.406", option, text));
    }
    numbers.push_back(number);
    at = last ? end : next + 1;
  }
  return Status::Ok();
}

// "90", "90s", "5m", "1.5h" in seconds; empty text leaves `seconds` empty.
Status ParseDuration(const char* option, const std::string& text, std::optional<double>& seconds) {
  if (text.empty()) return Status::Ok();
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<size_t>(end - rest));
  const double scale = unit == "h" ? 3600 : unit == "m" ? 60 : unit.empty() || unit == "s" ? 1 : 0;
  if (error != std::errc() || scale == 0 || !(number > 0) || number > 1e6) {
    return Status::InvalidArgument(
        fmt::format("{} '{}': expected a time such as 90s, 5m or 1h", option, text));
  }
  seconds = number * scale;
  return Status::Ok();
}

// What the command line alone shows to be wrong.
Status FinishArguments(Arguments& args) {
  args.convert.int8 = args.dtype == "int8";
  args.convert.fuse = !args.no_fuse;
  args.convert.plan_float = !args.json.empty() || !args.html.empty();
  args.convert.analyze = args.convert.plan_float || !args.quiet;
  if (args.html == "-") return Status::InvalidArgument("--report wants a file, not -");
  auto& quantization = args.convert.quantization;
  if (!args.observer.empty())
    quantization.observer = args.observer;
  else if (args.convert.data_free)
    quantization.observer = "minmax";
  quantization.per_channel_weights = args.weights == "per-channel";
  quantization.least_error_weights = args.weight_scale == "mse";
  if (args.learn_rounding != "none") {
    quantization.learn_rounding =
        args.learn_rounding == "blocks" ? converter::ChainKind::kBlocks : converter::ChainKind::kLayers;
  }
  quantization.equalize = !args.no_equalize;
  quantization.smooth = !args.no_smoothing;
  quantization.symmetric_activations = args.activations == "symmetric";
  quantization.absorb_biases = !args.no_bias_absorption;
  quantization.correct_biases = !args.no_bias_correction;
  QRUN_RETURN_IF_ERROR(ParseDuration("--time-budget", args.time_budget, quantization.goal.budget_seconds));
  auto& preprocessing = args.convert.preprocessing;
  QRUN_RETURN_IF_ERROR(ParseNumbers("--mean", args.mean, preprocessing.mean));
  QRUN_RETURN_IF_ERROR(ParseNumbers("--std", args.std, preprocessing.std));
  for (const std::string& text : args.input_shapes) QRUN_RETURN_IF_ERROR(ParseInputShape(text, args.convert));
  return ValidateOptions(args.convert);
}

void Warn(const std::string& message) { fmt::print(stderr, "qconvert: warning: {}\n", message); }

void PrintWarnings(const ConversionReport& report) {
  for (const std::string& warning : report.warnings) Warn(warning);
  if (!report.calibration) return;
  const auto& failures = report.calibration->failures;
  for (size_t i = 0; i < std::min(failures.size(), kWarningsShown); ++i)
    Warn("skipped: " + failures[i].message);
  if (failures.size() > kWarningsShown)
    Warn(fmt::format("and {} more samples skipped", failures.size() - kWarningsShown));
}

Status PrintReport(const Arguments& args, const ConversionReport& report) {
  if (!args.quiet && args.json != "-") fmt::print("{}", SummaryText(report));
  if (args.json.empty() && args.html.empty()) return Status::Ok();
  if (!args.html.empty()) {
    QRUN_ASSIGN_OR_RETURN(const std::string page,
                          html::ReportPage("qconvert: " + report.model_name, SummaryJson(report, -1)));
    QRUN_RETURN_IF_ERROR(WriteFile(args.html, {std::as_bytes(std::span(page))}));
  }
  if (args.json == "-") {
    fmt::print("{}", SummaryJson(report));
  } else if (!args.json.empty()) {
    const std::string json = SummaryJson(report);
    return WriteFile(args.json, {std::as_bytes(std::span(json))});
  }
  return Status::Ok();
}

// What would fail after the work is done.
Status CheckResults(const Arguments& args) {
  if (!args.html.empty()) QRUN_RETURN_IF_ERROR(html::CheckAvailable());
  return CheckOutputPaths({args.convert.output_path, args.convert.qdq_path, args.json, args.html});
}

std::string ObserverHelp() {
  std::string text = "How ranges are found:";
  for (const converter::ObserverKind& kind : converter::ObserverKinds()) {
    text += fmt::format(" {} ({}),", kind.name, kind.description);
  }
  return text +
         " auto (per tensor the one that harms the network's answers least; minmax where none gains for "
         "sure)";
}

void AddPrecisionOptions(CLI::App& app, Arguments& args) {
  converter::PrecisionGoal& goal = args.convert.quantization.goal;
  const std::string group = "Mixed precision (int8)";
  app.add_flag(
         "--sensitivity", args.convert.quantization.sensitivity,
         "Measure every layer by itself: it alone in int8, and all others in int8, with what each costs")
      ->group(group);
  app.add_option(
         "--min-sqnr", goal.min_sqnr_db,
         "Keep as few layers float as it takes for an SQNR of so many dB at the outputs, on samples that "
         "nothing was learnt from")
      ->check(CLI::Range(-100.0, 1000.0))
      ->group(group);
  app.add_option("--max-drop", goal.max_drop_points,
                 "Keep as few layers float as it takes to lose at most so many points: of accuracy with "
                 "--labels-list, else of answers that stay as float's")
      ->check(CLI::Range(0.0, 100.0))
      ->group(group);
  app.add_option("--labels-list", args.convert.labels_list,
                 "CSV list of labelled images, lines 'filename,class_index', that --max-drop is measured on")
      ->group(group);
  app.add_option("--root", args.convert.labels_root,
                 "Folder of the images of --labels-list (default: the list's folder)")
      ->group(group);
  app.add_option("--label-offset", args.convert.label_offset,
                 "Added to every class index; 1 for a model whose class 0 is the background")
      ->group(group);
  app.add_option(
         "--time-budget", args.time_budget,
         "End the search after so long (90s, 5m, 1h) with the fewest layers found by then; the file then "
         "depends on the machine's speed")
      ->group(group);
  app.add_option("--require-speedup", args.convert.required_speedup,
                 "Fail, writing nothing, unless int8 runs so many times as fast as fp32 on this machine")
      ->check(CLI::PositiveNumber)
      ->group(group);
}

void AddOptions(CLI::App& app, Arguments& args) {
  ConvertOptions& convert = args.convert;
  converter::Int8Options& quantization = convert.quantization;
  convert.quantization.threads = DefaultThreads();
  app.add_option("model", convert.source_path, "The float ONNX model; with --rebuild a .qfb file")
      ->required();
  app.add_option("-o,--output", convert.output_path, "The .qfb file to write")->required();
  app.add_option("--dtype", args.dtype, "int8, or fp32 to convert without quantising")
      ->check(CLI::IsMember({"int8", "fp32"}))
      ->capture_default_str();
  app.add_option("--emit-qdq", convert.qdq_path,
                 "Also write the quantised model as ONNX with QuantizeLinear and DequantizeLinear (uint8 "
                 "activations, int8 weights per channel), which other engines run");
  app.add_flag(
      "--rebuild", args.rebuild,
      "Make the given .qfb file again, byte for byte, from what it records of its source, options and "
      "calibration data");
  app.add_option("--source", args.source,
                 "With --rebuild: where the ONNX model is now; --calibrate: where the samples are");
  app.add_option("--labels", convert.labels_path,
                 "Text file with one class name per line, stored in the model");
  app.add_option("--input-shape", args.input_shapes,
                 "[NAME:]N,N,...: shape of an input that the model leaves open")
      ->expected(1)
      ->take_all();
  app.add_flag("--no-fuse", args.no_fuse, "Do not join inverted residual blocks into one operator");
  CLI::Option* fold = app.add_flag_callback(
      "--fold-preprocessing", [&] { convert.fold_preprocessing = true; },
      "int8 on images: make mean and std a part of the first convolution, which then reads pixels, or fail; "
      "by default where the model allows it; never with --emit-qdq");
  app.add_flag_callback(
         "--no-fold-preprocessing", [&] { convert.fold_preprocessing = false; },
         "The int8 model reads normalised values")
      ->excludes(fold);
  app.add_flag("--quiet", args.quiet,
               "No summary and no progress bar; warnings and errors still go to stderr");
  app.add_option("--json", args.json,
                 "Write the summary and every layer as JSON to a file; - for stdout instead of the text");
  app.add_option(
      "--report", args.html,
      "Write a report with charts: sizes, error of every layer, histograms, memory; one HTML file");

  const std::string calibration = "Calibration (int8)";
  app.add_option("--calibrate", convert.calibration_path,
                 "Samples: a folder of PNG and JPEG images, a .csv list of them, a .npy array [N, ...] or a "
                 "folder of such")
      ->group(calibration);
  app.add_option("--limit", convert.quantization.limit, "Use only the first N samples")
      ->check(AtLeastOne())
      ->group(calibration);
  app.add_option("--observer", args.observer, ObserverHelp())
      ->default_str(std::string(converter::kAutoObserver))
      ->group(calibration);
  app.add_flag("--no-equalize,!--equalize", args.no_equalize,
               "Do not scale channels to like ranges (changes no float result, only what int8 makes of it)")
      ->group(calibration);
  app.add_flag("--no-smoothing,!--smoothing", args.no_smoothing,
               "Do not move outliers that a gain makes (LayerNorm's) from activations into the weights that "
               "read them")
      ->group(calibration);
  app.add_flag(
         "--data-free", convert.data_free,
         "Without samples: ranges from BatchNorm statistics, analytic bias correction; less accurate, and "
         "nothing is measured")
      ->group(calibration);
  app.add_flag("--no-bias-absorption,!--bias-absorption", args.no_bias_absorption,
               "Do not move what a channel always has into its readers' biases")
      ->group(calibration);
  app.add_flag(
         "--split-outliers,!--no-split-outliers", quantization.split_outliers,
         "Channels that reach much further than the others become two that reach half as far, where samples "
         "that nothing is learnt from gain")
      ->group(calibration);
  app.add_flag("--no-bias-correction,!--bias-correction", args.no_bias_correction,
               "Do not shift biases so that the channels of int8 layers have float's means")
      ->group(calibration);
  app.add_option("--weights", args.weights, "Scales of weights: one per output channel, or one per tensor")
      ->check(CLI::IsMember({"per-channel", "per-tensor"}))
      ->capture_default_str()
      ->group(calibration);
  app.add_option("--weight-scale", args.weight_scale,
                 "max: the largest weight is representable; mse: least squared error, weighted with the "
                 "inputs' power")
      ->check(CLI::IsMember({"max", "mse"}))
      ->capture_default_str()
      ->group(calibration);
  app.add_option(
         "--activations", args.activations,
         "asymmetric: every range has its zero point; symmetric: it is 0, at the cost of steps that are "
         "never taken")
      ->check(CLI::IsMember({"asymmetric", "symmetric"}))
      ->capture_default_str()
      ->group(calibration);
  app.add_option(
         "--weight-bits", quantization.weight_bits,
         "Weights are rounded to integers of 2..8 bits, but in the first and the last layers; the file "
         "stores them as bytes all the same")
      ->check(CLI::Range(2, 8))
      ->capture_default_str()
      ->group(calibration);
  app.add_option("--learn-rounding", args.learn_rounding,
                 "Learn which weights to round up and which down, biases and ranges, so that outputs keep to "
                 "float's: layers (one by one) or blocks (inverted residuals as wholes); takes minutes")
      ->check(CLI::IsMember({"none", "layers", "blocks"}))
      ->capture_default_str()
      ->group(calibration);
  app.add_option("--learn-steps", quantization.learn_steps,
                 "Effort of --learn-rounding: steps for each of them")
      ->check(AtLeastOne())
      ->capture_default_str()
      ->group(calibration);
  app.add_option("--keep-float", quantization.keep_float,
                 "Nodes whose name contains a match of this regular expression stay float")
      ->expected(1)
      ->take_all()
      ->group(calibration);
  AddPrecisionOptions(app, args);
  app.add_option("--threads", quantization.threads, "Threads for calibration; the file does not depend on it")
      ->check(CLI::Range(1, 256))
      ->capture_default_str()
      ->group(calibration);

  auto& p = convert.preprocessing;
  const std::string images = "Images (stored in the model)";
  app.add_option("--preprocess", p.preset,
                 "torch: mean 0.485 0.456 0.406, std 0.229 0.224 0.225; tf: pixel / 127.5 - 1; raw: pixels "
                 "0..255. All: short "
                 "side to size * 256 / 224, then the centre")
      ->check(CLI::IsMember({"torch", "tf", "raw"}))
      ->group(images);
  app.add_option("--resize", p.resize, "Short side before the crop, in pixels; or stretch, or none")
      ->group(images);
  app.add_option("--crop", p.crop, "Size of the centre that is cut out; must be the model's input size")
      ->check(AtLeastOne())
      ->group(images);
  app.add_option("--mean", args.mean, "a,b,c: subtracted from pixels in 0..1, per channel")->group(images);
  app.add_option("--std", args.std, "a,b,c: then divided by, per channel")->group(images);
  app.add_option("--color", p.color, "Channel order of the model")
      ->check(CLI::IsMember({"rgb", "bgr", "gray"}))
      ->group(images);
  app.footer(
      "Exit codes: 0 success, 1 something failed (a model is written whole or not at all), 2 wrong "
      "arguments.\n"
      "Example: qconvert mobilenet_v2.onnx -o mobilenet_v2.qfb --calibrate photos/ --preprocess torch");
}

// --rebuild takes everything that shapes the file from the file.
Status CheckRebuildArguments(const CLI::App& app, const Arguments& args) {
  if (!args.rebuild) {
    if (args.source.empty()) return Status::Ok();
    return Status::InvalidArgument("--source goes with --rebuild; otherwise the model is the first argument");
  }
  static constexpr const char* kTaken[] = {"model",  "--output", "--rebuild", "--source", "--calibrate",
                                           "--json", "--report", "--quiet",   "--threads"};
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_single_name();
    const bool taken = std::any_of(std::begin(kTaken), std::end(kTaken),
                                   [&](const char* known) { return name == known || "--" + name == known; });
    if (option->count() != 0 && !taken) {
      return Status::InvalidArgument("--rebuild takes --" + name + " from the model; leave it out");
    }
  }
  return Status::Ok();
}

// Replaces the arguments by those that the model to rebuild was made with.
Status RecallArguments(Arguments& args) {
  QRUN_ASSIGN_OR_RETURN(
      const converter::RebuildRecipe recipe,
      converter::ReadRebuildRecipe(args.convert.source_path, args.source, args.convert.calibration_path));
  Arguments recalled;
  CLI::App app;
  AddOptions(app, recalled);
  std::vector<std::string> words = recipe.arguments;
  words.insert(words.end(), {"--output", args.convert.output_path, "--", recipe.source_path});
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return Status::Unsupported("'" + args.convert.source_path + "', made by " + recipe.producer +
                               ", records options that this qconvert does not take: " + error.what());
  }
  recalled.convert.calibration_path = recipe.calibration_path;
  recalled.convert.labels = recipe.labels;
  recalled.convert.source_name = recipe.source_name;
  recalled.convert.calibration_name = recipe.calibration_name;
  recalled.convert.quantization.threads = args.convert.quantization.threads;
  recalled.json = args.json;
  recalled.html = args.html;
  recalled.quiet = args.quiet;
  args = std::move(recalled);
  return Status::Ok();
}

int Main(int argc, char** argv) {
  CLI::App app("Turns a trained float ONNX model into a .qfb file for qrun.", "qconvert");
  Arguments args;
  AddOptions(app, args);
  if (const int code = Parse(app, argc, argv); code >= 0) return code;

  const std::string original = args.rebuild ? args.convert.source_path : "";
  if (Status status = CheckRebuildArguments(app, args); !status.ok()) return FailUsage("qconvert", status);
  if (args.rebuild) {
    if (Status status = RecallArguments(args); !status.ok()) return Fail("qconvert", status);
  }
  if (Status status = FinishArguments(args); !status.ok()) return FailUsage("qconvert", status);
  if (Status status = CheckResults(args); !status.ok()) return FailSession("qconvert", status);

  std::unique_ptr<ProgressBar> bar;
  ConvertHooks hooks;
  std::string running;
  hooks.stage = [&](std::string_view stage) {
    bar.reset();
    running = stage;
  };
  hooks.progress = [&](size_t done, size_t total) {
    if (!bar) bar = std::make_unique<ProgressBar>(running, args.quiet);
    bar->Update(done, total);
  };
  const auto report = converter::Convert(args.convert, hooks);
  bar.reset();
  if (!report.ok()) return Fail("qconvert", report.error());
  PrintWarnings(*report);
  if (!original.empty()) {
    Status status = converter::CheckRebuilt(original, args.convert.output_path);
    if (!status.ok()) return Fail("qconvert", status);
  }
  if (Status status = PrintReport(args, *report); !status.ok()) return Fail("qconvert", status);
  return kExitOk;
}

}  // namespace
}  // namespace qrun::cli

int main(int argc, char** argv) { return qrun::cli::Main(argc, argv); }
