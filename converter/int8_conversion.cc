#include "converter/int8_conversion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "converter/calibrate.h"
#include "converter/compare.h"
#include "converter/emit.h"
#include "converter/observers/auto_ranges.h"
#include "converter/observers/observer.h"
#include "converter/precision/mixed_precision.h"
#include "converter/repair/absorb_biases.h"
#include "converter/repair/bias_correction.h"
#include "converter/repair/equalize.h"
#include "converter/repair/split_outliers.h"

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
        keep_float_(options.keep_float),
        split_(SplitSamples(options.limit == 0 ? source.size() : std::min(options.limit, source.size()))),
        learn_(source, split_.learn),
        check_(source, split_.check) {}

  Result<Int8Conversion> Run() {
    QRUN_RETURN_IF_ERROR(CalibrateGraph());
    original_ = *model_;
    result_.samples_used = calibration_.samples_used;
    result_.failures = calibration_.failures;
    begin_stage_("quantise");
    UseRanges(calibration_.Ranges(**FindObserverKind("minmax")));
    QRUN_RETURN_IF_ERROR(QuantizeAndMeasure("min-max", "ranges from minimum to maximum, no repair"));
    if (options_.equalize) QRUN_RETURN_IF_ERROR(Equalize());
    if (options_.smooth) QRUN_RETURN_IF_ERROR(Smooth());
    if (options_.absorb_biases) QRUN_RETURN_IF_ERROR(Absorb());
    if (options_.split_outliers) QRUN_RETURN_IF_ERROR(Split());
    if (options_.observer != "minmax") QRUN_RETURN_IF_ERROR(Observe());
    if (options_.least_error_weights) {
      begin_stage_("quantise");
      least_error_weights_ = true;
      QRUN_RETURN_IF_ERROR(
          QuantizeAndMeasure("weight scales", "least squared error, inputs weighted with their power"));
    }
    if (options_.goal.given() || options_.sensitivity) QRUN_RETURN_IF_ERROR(MixPrecisions());
    if (options_.learn_rounding && result_.quantization.int8_operators != 0) QRUN_RETURN_IF_ERROR(Learn());
    if (CorrectsBiases() && result_.quantization.int8_operators != 0) QRUN_RETURN_IF_ERROR(CorrectMeans());
    if (meter_) QRUN_RETURN_IF_ERROR(CheckGoal());
    result_.split = std::move(split_);
    for (size_t id = 0; id < scales_.size(); ++id) {
      const bool split = !scales_[id].empty() && !result_.graph.values[id].shape.empty() &&
                         result_.graph.values[id].shape.back() != static_cast<int64_t>(scales_[id].size());
      if (split) continue;
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

  void UseRanges(std::vector<Range> ranges) {
    ranges_ = std::move(ranges);
    if (options_.input_range) ranges_[graph_.inputs[0]] = *options_.input_range;
  }

  QuantizeOptions HowToQuantize(std::span<const std::string> keep_float) const {
    QuantizeOptions options;
    options.keep_float.assign(keep_float.begin(), keep_float.end());
    options.chosen_float = keep_float.size() - options_.keep_float.size();
    options.goal = GoalText(options_.goal);
    options.per_channel_weights = options_.per_channel_weights;
    options.least_error_weights = least_error_weights_;
    options.channels = calibration_.channels;
    options.weight_bits = options_.weight_bits;
    options.symmetric_activations = options_.symmetric_activations;
    options.rounded = rounded_;
    return options;
  }

  Result<Graph> Quantized(std::span<const std::string> keep_float, QuantizeReport& report) const {
    Graph graph = graph_;
    report = {};
    QRUN_RETURN_IF_ERROR(QuantizeGraph(graph, ranges_, HowToQuantize(keep_float), &report));
    return graph;
  }

  // Learnt biases keep the outputs' means already, where they matter: behind the clamp.
  bool CorrectsBiases() const { return options_.correct_biases && !options_.learn_rounding; }

  Status QuantizeAndMeasure(std::string name, std::string what) {
    QRUN_ASSIGN_OR_RETURN(result_.graph, Quantized(keep_float_, result_.quantization));
    return Measure(std::move(name), std::move(what));
  }

  // As it will be emitted; bias correction stands for learned rounding, which takes minutes and gains more.
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
    return Status::InvalidArgument(
        "the goal (" + GoalText(options_.goal) +
        ") was missed in the end: " + JudgementText(result_.precision->search.after) +
        (options_.learn_rounding
             ? ", with the roundings learnt; the search had taken bias correction in their place: "
               "ask for more than you need, or leave --learn-rounding out"
             : ""));
  }

  Status MixPrecisions() {
    const MixedPrecisionInput input = {
        graph_,          result_.graph, ranges_,       calibration_.channels, options_.keep_float,
        *original_,      check_,        options_.goal, options_.sensitivity,  options_.fuses_blocks,
        options_.threads};
    QRUN_ASSIGN_OR_RETURN(
        MixedPrecision mixed,
        MixPrecision(
            input, [&](std::span<const std::string> keep_float) { return Finished(keep_float); },
            begin_stage_, progress_));
    result_.sensitivity = std::move(mixed.sensitivity);
    result_.precision = std::move(mixed.precision);
    if (mixed.meter) meter_.emplace(std::move(*mixed.meter));
    if (!result_.precision || result_.precision->keep_float.empty()) return Status::Ok();
    for (const std::string& expression : result_.precision->keep_float) keep_float_.push_back(expression);
    QRUN_RETURN_IF_ERROR(QuantizeAndMeasure(
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
        EqualizeChannels(graph_, calibration_.channels, options_.per_channel_weights, options_.weight_bits);
    return TakeScales("equalise", report);
  }

  Status Smooth() {
    begin_stage_("smooth");
    const EqualizeReport report =
        SmoothChannels(graph_, calibration_.channels, options_.per_channel_weights, options_.weight_bits);
    return report.channels == 0 ? Status::Ok() : TakeScales("smooth", report);
  }

  Status TakeScales(std::string name, const EqualizeReport& report) {
    AddScales(report, scales_);
    if (report.channels != 0) {
      if (!result_.original_calibration) result_.original_calibration = std::move(calibration_);
      QRUN_RETURN_IF_ERROR(CalibrateGraph());
      UseRanges(calibration_.Ranges(**FindObserverKind("minmax")));
    }
    begin_stage_("quantise");
    return QuantizeAndMeasure(std::move(name), ScaledText(report));
  }

  // Channels are lowered by what no sample fell below, and no normal distribution of their moments would.
  Status Absorb() {
    std::vector<std::vector<double>> floor, ceiling;
    for (const ChannelStatistics& seen : calibration_.channels) {
      auto& least = floor.emplace_back();
      auto& most = ceiling.emplace_back();
      for (size_t c = 0; seen.seen() && c < seen.channels(); ++c) {
        const double mean = seen.Mean(c), variance = std::max(0.0, seen.MeanSquare(c) - mean * mean);
        least.push_back(std::max(0.0, std::min<double>(seen.Min(c), mean - 3 * std::sqrt(variance))));
        most.push_back(seen.Max(c));
      }
    }
    const AbsorptionReport report = AbsorbHighBiases(graph_, floor, ceiling);
    if (report.channels == 0) return Status::Ok();
    QRUN_RETURN_IF_ERROR(CalibrateGraph());
    UseRanges(calibration_.Ranges(**FindObserverKind("minmax")));
    begin_stage_("quantise");
    return QuantizeAndMeasure("absorb biases",
                              fmt::format("{} channels of {} layers, ranges up to {:.0f} % narrower",
                                          report.channels, report.layers, 100 * report.largest_share));
  }

  // Taken back where the samples that nothing was learnt from do not gain.
  Status Split() {
    Graph graph = graph_;
    const SplitReport report = SplitOutliers(graph, calibration_.channels);
    if (report.channels == 0) return Status::Ok();
    std::swap(graph, graph_);
    const double before = result_.steps.back().sqnr_db;
    Calibration calibration = std::move(calibration_);
    std::vector<Range> ranges = ranges_;
    Graph int8 = result_.graph;
    QuantizeReport quantization = result_.quantization;
    QRUN_RETURN_IF_ERROR(CalibrateGraph());
    UseRanges(calibration_.Ranges(**FindObserverKind("minmax")));
    begin_stage_("quantise");
    QRUN_RETURN_IF_ERROR(QuantizeAndMeasure(
        "split outliers", fmt::format("{} channels added to {} tensors, ranges up to {:.3g} times narrower",
                                      report.channels, report.tensors, report.largest_gain)));
    if (result_.steps.back().sqnr_db > before) return Status::Ok();
    result_.steps.pop_back();
    graph_ = std::move(graph);
    calibration_ = std::move(calibration);
    ranges_ = std::move(ranges);
    result_.graph = std::move(int8);
    result_.quantization = std::move(quantization);
    return Status::Ok();
  }

  Status Observe() {
    begin_stage_("observe");
    std::string what = options_.observer;
    if (options_.observer == kAutoObserver) {
      QRUN_ASSIGN_OR_RETURN(AutoRanges chosen,
                            ChooseRanges(graph_, calibration_, learn_, options_.symmetric_activations,
                                         options_.threads, progress_));
      UseRanges(std::move(chosen.ranges));
      result_.ranges_by_answers = chosen.judged;
      what += ":";
      for (const auto& [observer, tensors] : chosen.chosen) what += fmt::format(" {} {}", tensors, observer);
    } else {
      QRUN_ASSIGN_OR_RETURN(const ObserverKind* kind, FindObserverKind(options_.observer));
      UseRanges(calibration_.Ranges(*kind));
    }
    begin_stage_("quantise");
    return QuantizeAndMeasure("observer", std::move(what));
  }

  Status Learn() {
    begin_stage_("learn rounding");
    QRUN_ASSIGN_OR_RETURN(
        LearnedRounding learned,
        LearnRounding(graph_, ranges_, HowToQuantize(keep_float_), learn_,
                      {*options_.learn_rounding, options_.learn_steps, options_.threads}, progress_));
    ranges_ = std::move(learned.ranges);
    rounded_ = std::move(learned.rounded);
    const LearnReport& report = learned.report;
    begin_stage_("quantise");
    return QuantizeAndMeasure(
        "learned rounding",
        fmt::format(
            "{} of {} {}, {} of {} weights turned, {} samples, held-out error {:.2f} dB lower on average",
            report.better, report.chains,
            options_.learn_rounding == ChainKind::kBlocks ? "blocks and layers" : "layers", report.turned,
            report.weights, report.samples, report.gain_db));
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
  Graph graph_;                          // float, repaired so far
  std::vector<std::string> keep_float_;  // the options', and what mixed precision adds
  SampleSplit split_;
  const SubsetSource learn_, check_;
  std::optional<Model> model_;     // of graph_
  std::optional<Model> original_;  // before any repair
  Calibration calibration_;
  std::vector<Range> ranges_;
  std::vector<std::vector<double>> scales_;   // EqualizeReport::scales, of all steps
  std::map<ValueId, RoundedLinear> rounded_;  // what was learnt
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
