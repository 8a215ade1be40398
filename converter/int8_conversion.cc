#include "converter/int8_conversion.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>

#include "converter/calibrate.h"
#include "converter/compare.h"
#include "converter/emit.h"
#include "converter/observers/auto_ranges.h"
#include "converter/observers/observer.h"
#include "converter/precision/mixed_precision.h"
#include "converter/repair/bias_correction.h"
#include "converter/repair/equalize.h"

namespace qrun::converter {
namespace {

class Worker {
 public:
  Worker(const Graph& graph, const CalibrationSource& source, const Int8Options& options,
         const std::function<void(const char*)>& begin_stage, const ProgressFunction& progress)
      : options_(options),
        begin_stage_(begin_stage),
        progress_(progress),
        graph_(graph),
        split_(SplitSamples(options.limit == 0 ? source.size() : std::min(options.limit, source.size()))),
        learn_(source, split_.learn),
        check_(source, split_.check) {}

  Result<Int8Conversion> Run() {
    QRUN_RETURN_IF_ERROR(CalibrateGraph());
    original_ = *model_;
    result_.samples_used = calibration_.samples_used;
    result_.failures = calibration_.failures;
    begin_stage_("quantise");
    ranges_ = calibration_.Ranges(**FindObserverKind("minmax"));
    QRUN_RETURN_IF_ERROR(QuantizeAndMeasure("min-max", "ranges from minimum to maximum, no repair"));
    if (options_.equalize) QRUN_RETURN_IF_ERROR(Equalize());
    if (options_.observer != "minmax") QRUN_RETURN_IF_ERROR(Observe());
    if (options_.least_error_weights) {
      begin_stage_("quantise");
      least_error_weights_ = true;
      QRUN_RETURN_IF_ERROR(
          QuantizeAndMeasure("weight scales", "least squared error, inputs weighted with their power"));
    }
    if (options_.goal.given() || options_.sensitivity) QRUN_RETURN_IF_ERROR(MixPrecisions());
    if (options_.correct_biases && result_.quantization.int8_operators != 0)
      QRUN_RETURN_IF_ERROR(CorrectMeans());
    if (meter_) QRUN_RETURN_IF_ERROR(CheckGoal());
    result_.split = std::move(split_);
    for (size_t id = 0; id < scales_.size(); ++id) {
      result_.graph.values[id].channel_scale.assign(scales_[id].begin(), scales_[id].end());
    }
    result_.float_graph = std::move(graph_);
    result_.calibration = std::move(calibration_);
    return std::move(result_);
  }

 private:
  Status CalibrateGraph() {
    begin_stage_("calibrate");
    QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(graph_, {}));
    QRUN_ASSIGN_OR_RETURN(model_, Model::FromBytes(file.bytes));
    QRUN_ASSIGN_OR_RETURN(
        calibration_, Calibrate(graph_, *model_, file.tensor_of_value, learn_, options_.threads, progress_));
    return Status::Ok();
  }

  Result<Graph> Quantized(std::span<const std::string> keep_float, QuantizeReport& report) const {
    Graph graph = graph_;
    report = {};
    QuantizeOptions options;
    options.keep_float.assign(keep_float.begin(), keep_float.end());
    options.per_channel_weights = options_.per_channel_weights;
    options.least_error_weights = least_error_weights_;
    options.channels = calibration_.channels;
    QRUN_RETURN_IF_ERROR(QuantizeGraph(graph, ranges_, options, &report));
    return graph;
  }

  Status QuantizeAndMeasure(std::string name, std::string what) {
    QRUN_ASSIGN_OR_RETURN(result_.graph, Quantized(options_.keep_float, result_.quantization));
    return Measure(std::move(name), std::move(what));
  }

  // As it will be emitted.
  Result<Graph> Finished(std::span<const std::string> keep_float) const {
    QuantizeReport report;
    QRUN_ASSIGN_OR_RETURN(Graph graph, Quantized(keep_float, report));
    if (options_.correct_biases && report.int8_operators != 0) {
      QRUN_ASSIGN_OR_RETURN(std::ignore, CorrectBiases(graph_, graph, learn_, options_.threads));
    }
    return graph;
  }

  Status CheckGoal() {
    QRUN_ASSIGN_OR_RETURN(result_.precision->search.after, meter_->Judge(result_.graph));
    if (result_.precision->search.after.Meets(options_.goal)) return Status::Ok();
    return Status::InvalidArgument("the goal (" + GoalText(options_.goal) + ") was missed in the end: " +
                                   JudgementText(result_.precision->search.after));
  }

  Status MixPrecisions() {
    const MixedPrecisionInput input = {
        graph_,     result_.graph, ranges_,       calibration_.channels, options_.keep_float,
        *original_, check_,        options_.goal, options_.sensitivity,  options_.threads};
    QRUN_ASSIGN_OR_RETURN(
        MixedPrecision mixed,
        MixPrecision(
            input, [&](std::span<const std::string> keep_float) { return Finished(keep_float); },
            begin_stage_, progress_));
    result_.sensitivity = std::move(mixed.sensitivity);
    result_.precision = std::move(mixed.precision);
    if (mixed.meter) meter_.emplace(std::move(*mixed.meter));
    if (!result_.precision || result_.precision->keep_float.empty()) return Status::Ok();
    std::vector<std::string> keep_float = options_.keep_float;
    for (const std::string& expression : result_.precision->keep_float) keep_float.push_back(expression);
    QRUN_ASSIGN_OR_RETURN(result_.graph, Quantized(keep_float, result_.quantization));
    QRUN_RETURN_IF_ERROR(Measure(
        "mixed precision", fmt::format("{} of {} layers stay float", result_.precision->search.kept.size(),
                                       result_.precision->layers.size())));
    result_.steps.back().in_recipe = false;
    return Status::Ok();
  }

  Status Measure(std::string name, std::string what) {
    QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(result_.graph, {}));
    QRUN_ASSIGN_OR_RETURN(const Model model, Model::FromBytes(file.bytes));
    QRUN_ASSIGN_OR_RETURN(const Comparison comparison,
                          CompareModels(*original_, model, check_, check_.size()));
    double least = std::numeric_limits<double>::infinity();
    for (const OutputCheck& output : comparison.outputs) least = std::min(least, output.sqnr_db);
    result_.steps.push_back({std::move(name), std::move(what), least});
    return Status::Ok();
  }

  Status Equalize() {
    begin_stage_("equalise");
    const EqualizeReport report =
        EqualizeChannels(graph_, calibration_.channels, options_.per_channel_weights);
    scales_ = report.scales;
    if (report.channels != 0) {
      result_.original_calibration = std::move(calibration_);
      QRUN_RETURN_IF_ERROR(CalibrateGraph());
      ranges_ = calibration_.Ranges(**FindObserverKind("minmax"));
    }
    begin_stage_("quantise");
    return QuantizeAndMeasure(
        "equalise", fmt::format("{} channels of {} tensors, by up to {:.3g}", report.channels, report.tensors,
                                report.largest_factor));
  }

  Status Observe() {
    begin_stage_("observe");
    std::string what = options_.observer;
    if (options_.observer == kAutoObserver) {
      QRUN_ASSIGN_OR_RETURN(AutoRanges chosen, ChooseRanges(graph_, calibration_, learn_, options_.threads));
      ranges_ = std::move(chosen.ranges);
      what += ":";
      for (const auto& [observer, tensors] : chosen.chosen) what += fmt::format(" {} {}", tensors, observer);
    } else {
      QRUN_ASSIGN_OR_RETURN(const ObserverKind* kind, FindObserverKind(options_.observer));
      ranges_ = calibration_.Ranges(*kind);
    }
    begin_stage_("quantise");
    return QuantizeAndMeasure("observer", std::move(what));
  }

  Status CorrectMeans() {
    begin_stage_("correct biases");
    QRUN_ASSIGN_OR_RETURN(const BiasCorrectionReport report,
                          CorrectBiases(graph_, result_.graph, learn_, options_.threads));
    return Measure(
        "bias correction",
        fmt::format("{} channels of {} layers over {} samples, by up to {:.3g} steps of the output",
                    report.channels, report.layers, report.samples, report.largest_steps));
  }

  const Int8Options& options_;
  const std::function<void(const char*)>& begin_stage_;
  const ProgressFunction& progress_;
  Graph graph_;  // float, repaired so far
  SampleSplit split_;
  const SubsetSource learn_, check_;
  std::optional<Model> model_;     // of graph_
  std::optional<Model> original_;  // before any repair
  Calibration calibration_;
  std::vector<Range> ranges_;
  std::vector<std::vector<double>> scales_;  // EqualizeReport::scales
  bool least_error_weights_ = false;
  std::optional<GoalMeter> meter_;  // if there is a goal
  Int8Conversion result_;
};

}  // namespace

Result<Int8Conversion> ConvertToInt8(const Graph& graph, const CalibrationSource& source,
                                     const Int8Options& options,
                                     const std::function<void(const char*)>& begin_stage,
                                     const ProgressFunction& progress) {
  return Worker(graph, source, options, begin_stage, progress).Run();
}

}  // namespace qrun::converter
