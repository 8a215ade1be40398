#include "converter/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "converter/analyze_layers.h"
#include "converter/calibration_files.h"
#include "converter/compare.h"
#include "converter/count_work.h"
#include "converter/data_free.h"
#include "converter/diagnosis/diagnose.h"
#include "converter/diagnosis/input_statistics.h"
#include "converter/emit.h"
#include "converter/fold_preprocessing.h"
#include "converter/import/onnx.h"
#include "converter/labels.h"
#include "converter/observers/auto_ranges.h"
#include "converter/passes/fuse_inverted_residual.h"
#include "converter/passes/passes.h"
#include "converter/precision/labelled_samples.h"
#include "converter/precision/timing.h"
#include "converter/qdq/emit_qdq.h"
#include "converter/sha256.h"
#include "converter/subset_source.h"
#include "runtime/cli/input.h"
#include "runtime/cli/model_report.h"
#include "runtime/file.h"
#include "runtime/image/golden.h"

namespace qrun::converter {
namespace {

// Model::FromBytes of what the emitter made; only a bug of ours can make it fail.
Result<Model> Reopen(const EmittedModel& emitted) {
  Result<Model> model = Model::FromBytes(emitted.bytes);
  if (!model.ok()) return model.error().Annotate("the converted model does not pass its own verifier");
  return model;
}

// The options that shape the file, as the words of a command line; paths and thread counts do not. What mixed
// precision is to reach does not either: what it chose does, and stands there as --keep-float.
std::vector<std::string> OptionWords(const ConvertOptions& options, std::span<const std::string> keep_float) {
  std::vector<std::string> words = {"--dtype", options.int8 ? "int8" : "fp32"};
  const auto add = [&](const char* option, std::string value) {
    if (value.empty()) return;
    words.push_back(option);
    words.push_back(std::move(value));
  };
  const Int8Options& q = options.quantization;
  if (options.int8) {
    add("--observer", q.observer);
    add("--weights", q.per_channel_weights ? "per-channel" : "per-tensor");
    add("--weight-scale", q.least_error_weights ? "mse" : "max");
    if (q.symmetric_activations) add("--activations", "symmetric");
    if (q.weight_bits != 8) add("--weight-bits", std::to_string(q.weight_bits));
    if (q.learn_rounding) {
      add("--learn-rounding", *q.learn_rounding == ChainKind::kBlocks ? "blocks" : "layers");
      add("--learn-steps", std::to_string(q.learn_steps));
    }
    if (options.data_free) words.push_back("--data-free");
    if (q.split_outliers) words.push_back("--split-outliers");
    if (!q.absorb_biases) words.push_back("--no-bias-absorption");
    if (!q.equalize) words.push_back("--no-equalize");
    if (!q.smooth) words.push_back("--no-smoothing");
    if (!q.correct_biases) words.push_back("--no-bias-correction");
  }
  const PreprocessingOptions& p = options.preprocessing;
  add("--preprocess", p.preset);
  add("--resize", p.resize);
  if (!p.mean.empty()) add("--mean", fmt::format("{}", fmt::join(p.mean, ",")));
  if (!p.std.empty()) add("--std", fmt::format("{}", fmt::join(p.std, ",")));
  add("--color", p.color);
  if (options.int8) {
    // A file made with a .onnx beside it can be made again without.
    const std::optional<bool> fold = options.qdq_path.empty() ? options.fold_preprocessing : false;
    if (fold) words.push_back(*fold ? "--fold-preprocessing" : "--no-fold-preprocessing");
  }
  if (!options.fuse) words.push_back("--no-fuse");
  if (q.limit != 0) add("--limit", std::to_string(q.limit));
  for (const std::string& expression : keep_float) add("--keep-float", expression);
  for (const auto& [name, shape] : options.input_shape) {
    add("--input-shape", (name.empty() ? "" : name + ":") + fmt::format("{}", fmt::join(shape, ",")));
  }
  return words;
}

// The name that the file records: of the path, unless the options say it.
std::string RecordedName(const std::string& recorded, const std::string& path) {
  return recorded.empty() ? std::filesystem::path(path).filename().string() : recorded;
}

class Conversion {
 public:
  Conversion(const ConvertOptions& options, const ConvertHooks& hooks) : options_(options), hooks_(hooks) {}

  Result<ConversionReport> Run() {
    QRUN_RETURN_IF_ERROR(Prepare());
    QRUN_RETURN_IF_ERROR(Import());
    QRUN_RETURN_IF_ERROR(Describe());
    if (options_.int8) QRUN_RETURN_IF_ERROR(Quantize());
    if (options_.fuse) {
      Begin("fuse");
      const Graph before = graph_;
      report_.blocks_fused = FuseInvertedResidual(graph_);
      if (report_.layers) NameBlocks(before, graph_, *report_.layers);
    }
    QRUN_RETURN_IF_ERROR(Emit());
    if (source_) QRUN_RETURN_IF_ERROR(Check());
    if (options_.required_speedup > 0) QRUN_RETURN_IF_ERROR(CheckSpeed());
    Begin("write");
    QRUN_RETURN_IF_ERROR(WriteFile(options_.output_path, {file_.bytes}));
    if (!options_.qdq_path.empty()) QRUN_RETURN_IF_ERROR(WriteFile(options_.qdq_path, {qdq_}));
    EndStage();
    return std::move(report_);
  }

 private:
  void EndStage() {
    const auto now = std::chrono::steady_clock::now();
    if (stage_ != nullptr) stage_->seconds += std::chrono::duration<double>(now - stage_begin_).count();
    stage_begin_ = now;
  }
  // A stage that begins again goes on.
  void Begin(const char* stage) {
    EndStage();
    auto& stages = report_.stages;
    auto found = std::find_if(stages.begin(), stages.end(), [&](const auto& s) { return s.name == stage; });
    if (found == stages.end()) found = stages.insert(stages.end(), {stage, 0});
    stage_ = &*found;
    if (hooks_.stage) hooks_.stage(stage);
  }

  // What would fail after the work is done.
  Status Prepare() {
    QRUN_RETURN_IF_ERROR(ValidateOptions(options_));
    QRUN_RETURN_IF_ERROR(CheckOutputPaths({options_.output_path, options_.qdq_path}));
    metadata_.labels = options_.labels;
    if (!options_.labels_path.empty()) {
      QRUN_ASSIGN_OR_RETURN(metadata_.labels, ReadLabels(options_.labels_path));
    }
    if (!options_.int8 && (!options_.calibration_path.empty() || !options_.quantization.keep_float.empty())) {
      report_.warnings.push_back("--calibrate and --keep-float have no effect with --dtype fp32");
    }
    return Status::Ok();
  }

  Status Import() {
    Begin("import");
    const std::filesystem::path path(options_.source_path);
    {
      QRUN_ASSIGN_OR_RETURN(const auto bytes,
                            ReadFile(options_.source_path, std::numeric_limits<int64_t>::max()));
      report_.source.sha256 = Sha256Hex(bytes);
      report_.source.bytes = bytes.size();
    }
    ImportReport imported;
    QRUN_ASSIGN_OR_RETURN(graph_, ImportOnnx(options_.source_path, {options_.input_shape}, &imported));
    report_.source.path = options_.source_path;
    report_.source.opset = imported.opset;
    report_.source.producer = imported.producer;
    report_.source.notes = imported.notes;
    for (const auto& [type, count] : imported.operators) report_.source.operators += count;

    if (options_.int8 && options_.analyze) input_stem_ = FindInputStem(graph_);

    Begin("passes");
    PassReport passes;
    QRUN_RETURN_IF_ERROR(RunPasses(graph_, {}, &passes));
    report_.passes = std::move(passes.entries);
    for (const Node& node : graph_.nodes) {
      const Work work = CountWork(graph_, node);
      report_.macs += work.macs;
      report_.parameters += work.parameters;
    }
    return Status::Ok();
  }

  // Everything that the file says beside the graph.
  Status Describe() {
    const std::string source_name = RecordedName(options_.source_name, options_.source_path);
    report_.model_name = metadata_.name = std::filesystem::path(source_name).stem().string();
    report_.output_path = options_.output_path;
    report_.dtype = options_.int8 ? "int8" : "fp32";
    metadata_.producer = "qconvert " + std::string(Version());

    const Value& output = graph_.values[graph_.outputs[0]];
    if (const size_t count = metadata_.labels.size(); count != 0) {
      const int64_t elements = ElementCount(output.shape);
      if (static_cast<int64_t>(count) != elements) {
        return Status::InvalidArgument("'" + options_.labels_path + "' has " + std::to_string(count) +
                                       " labels, but output '" + output.name + "' " +
                                       ShapeString(output.shape) + " has " + std::to_string(elements) +
                                       " elements");
      }
      report_.labels = count;
    }

    const std::vector<const Value*> inputs = InputValues();
    const bool images = options_.int8 && inputs.size() == 1 && IsImageInput(*inputs[0]) &&
                        (options_.data_free || CalibratesOnImages());
    if (images || options_.preprocessing.any()) {
      if (inputs.size() != 1) {
        return Status::InvalidArgument("the model has " + std::to_string(inputs.size()) +
                                       " inputs: image preprocessing needs exactly one");
      }
      QRUN_ASSIGN_OR_RETURN(metadata_.preprocessing, MakePreprocessing(options_.preprocessing, *inputs[0]));
      if (options_.preprocessing.preset.empty()) {
        report_.warnings.push_back(
            "no --preprocess given: images are prepared as for torch (mean 0.485 0.456 0.406, std "
            "0.229 0.224 0.225) where no flag says otherwise");
      }
    }

    fb::ProvenanceT& provenance = metadata_.provenance.emplace();
    provenance.source_name = source_name;
    provenance.source_sha256 = report_.source.sha256;
    provenance.source_bytes = report_.source.bytes;
    RecordOptions(options_.quantization.keep_float);
    return Status::Ok();
  }

  void RecordOptions(std::span<const std::string> keep_float) {
    fb::ProvenanceT& provenance = *metadata_.provenance;
    provenance.arguments = OptionWords(options_, keep_float);
    provenance.options = report_.options = fmt::format("{}", fmt::join(provenance.arguments, " "));
  }

  std::vector<const Value*> InputValues() const {
    std::vector<const Value*> inputs;
    for (ValueId id : graph_.inputs) inputs.push_back(&graph_.values[id]);
    return inputs;
  }

  bool CalibratesOnImages() const {
    const Result<CalibrationFiles> files = FindCalibrationFiles(options_.calibration_path);
    return files.ok() && files->kind == CalibrationFiles::Kind::kImages;
  }

  Status Quantize() {
    QRUN_ASSIGN_OR_RETURN(const EmittedModel float_file, EmitModel(graph_, metadata_));
    QRUN_ASSIGN_OR_RETURN(float_model_, Reopen(float_file));
    QRUN_RETURN_IF_ERROR(Fold());
    report_.float_bytes = float_file.bytes.size();
    if (options_.plan_float) {
      QRUN_ASSIGN_OR_RETURN(const Session session, Session::Create(*float_model_));
      report_.float_plan = cli::DescribePlan(session);
    }
    Int8Options options = options_.quantization;
    options.fuses_blocks = options_.fuse;
    if (folded_) options.input_range = folded_->range;
    if (!options_.labels_list.empty()) {
      QRUN_ASSIGN_OR_RETURN(options.goal.labelled, OpenLabelled());
    }
    QRUN_ASSIGN_OR_RETURN(Int8Conversion int8,
                          options_.data_free ? FromStatistics(options) : FromSamples(options));
    graph_ = std::move(int8.graph);
    if (folded_) FinishFolding(graph_, *folded_);
    const Graph float_graph = std::move(int8.float_graph);
    check_samples_ = std::move(int8.split.check);
    for (const RepairStep& step : int8.steps) {
      if (step.in_recipe) metadata_.provenance->recipe.push_back(step.name + ": " + step.what);
    }
    report_.steps = std::move(int8.steps);
    report_.sensitivity = std::move(int8.sensitivity);
    report_.precision = std::move(int8.precision);
    if (report_.precision) {
      for (const std::string& expression : report_.precision->keep_float)
        options.keep_float.push_back(expression);
      RecordOptions(options.keep_float);
    }
    report_.quantization = std::move(int8.quantization);
    if (!options_.qdq_path.empty()) {
      QRUN_ASSIGN_OR_RETURN(qdq_, EmitQdq(graph_, float_graph));
      report_.qdq_path = options_.qdq_path;
      report_.qdq_bytes = qdq_.size();
    }
    if (report_.quantization->int8_operators == 0)
      report_.warnings.push_back("no operator runs in int8; see what was kept float");
    return Status::Ok();
  }

  // The graph that is quantised takes pixels from here on, if that is asked for.
  Status Fold() {
    if (!options_.fold_preprocessing.value_or(options_.qdq_path.empty())) return Status::Ok();
    const bool images = metadata_.preprocessing && (options_.data_free || CalibratesOnImages());
    // A symmetric grid has no room for all pixels.
    if (images && !options_.quantization.symmetric_activations)
      folded_ = FoldPreprocessing(graph_, *metadata_.preprocessing);
    if (folded_) {
      report_.passes.push_back({"fold_preprocessing", "preprocessing folded into the first convolution", 1});
    } else if (options_.fold_preprocessing) {
      return Status::InvalidArgument(
          "--fold-preprocessing wants images as samples, asymmetric activations, means that are levels of "
          "grey, positive deviations, and an input that one convolution alone reads; convert without it");
    }
    return Status::Ok();
  }

  // How pictures become what the graph that is quantised takes.
  std::optional<fb::PreprocessingT> GraphPreprocessing() const {
    return folded_ ? folded_->preprocessing : metadata_.preprocessing;
  }

  Result<std::shared_ptr<const LabelledSamples>> OpenLabelled() const {
    if (!metadata_.preprocessing) {
      return Status::InvalidArgument(
          "--labels-list names images, but the model does not take images: calibrate on images or give "
          "--preprocess");
    }
    return OpenLabelledSamples(options_.labels_list, options_.labels_root, options_.label_offset,
                               *GraphPreprocessing(), ElementCount(graph_.values[graph_.outputs[0]].shape));
  }

  // Fails if int8 is not as fast as it must be.
  Status CheckSpeed() {
    constexpr int kRuns = 51;
    Begin("speed");
    SpeedReport& speed = report_.speed.emplace();
    speed.required = options_.required_speedup;
    QRUN_ASSIGN_OR_RETURN(speed.measured, TimeModels(*float_model_, *model_, kRuns));
    if (speed.measured.Speedup() >= speed.required) return Status::Ok();
    return Status::InvalidArgument(fmt::format(
        "int8 is {:.2f} times as fast as float32 on this machine ({:.0f} us against {:.0f} us, medians "
        "of {} runs in turns on one thread), but --require-speedup asks for {}",
        speed.measured.Speedup(), speed.measured.int8_us, speed.measured.float_us, speed.measured.runs,
        speed.required));
  }

  Result<Int8Conversion> FromSamples(const Int8Options& options) {
    QRUN_ASSIGN_OR_RETURN(
        source_, OpenCalibrationSource(options_.calibration_path, InputValues(), metadata_.preprocessing));
    std::unique_ptr<CalibrationSource> pixels;
    if (folded_) {
      QRUN_ASSIGN_OR_RETURN(
          pixels, OpenCalibrationSource(options_.calibration_path, InputValues(), GraphPreprocessing()));
    }
    const CalibrationSource& samples = folded_ ? *pixels : *source_;
    QRUN_ASSIGN_OR_RETURN(
        Int8Conversion int8,
        ConvertToInt8(
            graph_, samples, options, [&](const char* stage) { Begin(stage); }, hooks_.progress));
    if (options_.analyze) QRUN_RETURN_IF_ERROR(Analyze(int8, samples));
    auto& facts = report_.calibration.emplace();
    facts.path = options_.calibration_path;
    facts.observer = options_.quantization.observer;
    facts.samples_used = int8.samples_used;
    facts.failures = std::move(int8.failures);
    fb::ProvenanceT& provenance = *metadata_.provenance;
    provenance.calibration_name = RecordedName(options_.calibration_name, options_.calibration_path);
    provenance.calibration = provenance.calibration_name + ": " + std::to_string(facts.samples_used) +
                             " samples, " + std::to_string(facts.failures.size()) + " failed";
    QRUN_ASSIGN_OR_RETURN(provenance.calibration_sha256, HashCalibrationFiles(options_.calibration_path));
    return int8;
  }

  Result<Int8Conversion> FromStatistics(const Int8Options& options) {
    std::vector<ChannelMoments> inputs;
    for (const Value* input : InputValues()) {
      inputs.push_back(ExpectedInput(*input, GraphPreprocessing()));
    }
    QRUN_ASSIGN_OR_RETURN(
        DataFreeConversion converted,
        ConvertWithoutData(graph_, inputs, options, [&](const char* stage) { Begin(stage); }));
    metadata_.provenance->calibration = "none: data-free";
    report_.warnings.push_back(std::move(converted.warning));
    return std::move(converted.int8);
  }

  // Precondition: graph_ is the one that `int8` was made of, on `source`.
  Status Analyze(const Int8Conversion& int8, const CalibrationSource& source) {
    Begin("analyse");
    QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(int8.graph, {}));
    QRUN_ASSIGN_OR_RETURN(const Model model, Reopen(file));
    // Channels of the repaired float model have the scales that int8's have.
    QRUN_ASSIGN_OR_RETURN(const EmittedModel float_file, EmitModel(int8.float_graph, {}));
    QRUN_ASSIGN_OR_RETURN(const Model float_model, Reopen(float_file));
    const SubsetSource samples(source, int8.split.check);
    QRUN_ASSIGN_OR_RETURN(
        report_.layers, AnalyzeLayers({int8.float_graph, float_model, float_file.tensor_of_value},
                                      {int8.graph, model, file.tensor_of_value}, samples, 0, samples.size()));
    Begin("diagnose");
    LayerReport& layers = *report_.layers;
    QRUN_ASSIGN_OR_RETURN(layers.findings, Diagnose(graph_, int8, options_.quantization, samples, layers));
    if (!input_stem_) return Status::Ok();
    QRUN_ASSIGN_OR_RETURN(auto fit, FitInput(*input_stem_, SubsetSource(*source_, int8.split.learn),
                                             metadata_.preprocessing ? &*metadata_.preprocessing : nullptr));
    if (!fit) return Status::Ok();
    layers.input_divergence = fit->divergence;
    if (fit->finding) layers.findings.push_back(std::move(*fit->finding));
    RankFindings(layers.findings);
    return Status::Ok();
  }

  Status StoreGoldenHash() {
    if (!metadata_.preprocessing) return Status::Ok();
    std::optional<image::InputQuantization> quantization;
    const Value& input = graph_.values[graph_.inputs[0]];
    if (const auto& quant = input.quant) {
      quantization = {quant->scale[0], quant->zero_point.empty() ? 0 : quant->zero_point[0],
                      input.channel_scale, input.channel_offset};
    }
    QRUN_ASSIGN_OR_RETURN(metadata_.preprocessing->golden_hash,
                          image::GoldenHash(ToSpec(*metadata_.preprocessing), quantization));
    return Status::Ok();
  }

  Status Emit() {
    Begin("emit");
    QRUN_RETURN_IF_ERROR(StoreGoldenHash());
    QRUN_ASSIGN_OR_RETURN(file_, EmitModel(graph_, metadata_));
    QRUN_ASSIGN_OR_RETURN(model_, Reopen(file_));
    QRUN_RETURN_IF_ERROR(cli::CheckGolden(*model_));
    report_.file_bytes = file_.bytes.size();
    report_.file_sha256 = Sha256Hex(file_.bytes);
    // Not in the file: scratch differs between instruction sets, the file must not.
    QRUN_ASSIGN_OR_RETURN(const Session session, Session::Create(*model_));
    report_.arena_bytes = session.arena_bytes();
    (options_.int8 ? report_.int8_plan : report_.float_plan) = cli::DescribePlan(session);
    report_.inputs = model_->inputs();
    report_.outputs = model_->outputs();
    if (model_->preprocessing() != nullptr) report_.preprocessing = *model_->preprocessing();
    for (const Node& node : graph_.nodes) ++report_.operators[OperatorKind(node)];
    return Status::Ok();
  }

  Status Check() {
    Begin("check");
    QRUN_ASSIGN_OR_RETURN(
        const Comparison comparison,
        CompareModels(*float_model_, *model_, SubsetSource(*source_, check_samples_), check_samples_.size()));
    report_.samples_checked = comparison.samples;
    report_.checks = comparison.outputs;
    return Status::Ok();
  }

  const ConvertOptions& options_;
  const ConvertHooks& hooks_;
  ConversionReport report_;
  std::chrono::steady_clock::time_point stage_begin_;
  ConversionReport::Stage* stage_ = nullptr;  // the one that runs
  Graph graph_;
  std::optional<InputStem> input_stem_;
  std::optional<FoldedPreprocessing> folded_;
  ModelMetadata metadata_;
  std::unique_ptr<CalibrationSource> source_;
  std::vector<size_t> check_samples_;
  std::optional<Model> float_model_, model_;
  EmittedModel file_;
  std::vector<std::byte> qdq_;
};

}  // namespace

Status ValidateOptions(const ConvertOptions& options) {
  if (const std::string& name = options.quantization.observer; name != kAutoObserver) {
    if (const auto observer = FindObserverKind(name); !observer.ok()) return observer.error();
  }
  if (options.data_free && (!options.int8 || !options.calibration_path.empty())) {
    return Status::InvalidArgument(
        "--data-free is int8 without samples: leave out --calibrate and --dtype fp32");
  }
  const Int8Options& q = options.quantization;
  const bool wants_samples = q.learn_rounding || q.split_outliers || q.observer != "minmax" ||
                             q.sensitivity || q.goal.given() || !options.labels_list.empty();
  if (options.data_free && wants_samples) {
    return Status::InvalidArgument(
        "--data-free has no samples: leave out --learn-rounding, --split-outliers, --observer, "
        "--sensitivity, goals of accuracy and --labels-list");
  }
  if (options.int8 && options.calibration_path.empty() && !options.data_free) {
    return Status::InvalidArgument(
        "int8 needs sample inputs to calibrate on: give --calibrate a folder of images, a .csv list of "
        "images or a .npy array (or choose --data-free, or --dtype fp32)");
  }
  if (!options.int8 && !options.qdq_path.empty()) {
    return Status::InvalidArgument("--emit-qdq writes a quantised graph: it goes with --dtype int8");
  }
  if (options.fold_preprocessing.value_or(false) && (!options.int8 || !options.qdq_path.empty())) {
    return Status::InvalidArgument(
        "--fold-preprocessing goes with --dtype int8 and without --emit-qdq: ONNX has no padding that "
        "differs between channels");
  }
  const PrecisionGoal& goal = options.quantization.goal;
  if (!options.int8 && (goal.given() || options.quantization.sensitivity || options.required_speedup > 0)) {
    return Status::InvalidArgument(
        "--min-sqnr, --max-drop, --sensitivity and --require-speedup are about int8: they go with --dtype "
        "int8");
  }
  if (goal.budget_seconds && !goal.given()) {
    return Status::InvalidArgument("--time-budget goes with --min-sqnr or --max-drop");
  }
  if (!options.labels_list.empty() && !goal.max_drop_points) {
    return Status::InvalidArgument("--labels-list goes with --max-drop");
  }
  if (options.labels_list.empty() && (!options.labels_root.empty() || options.label_offset != 0)) {
    return Status::InvalidArgument("--root and --label-offset go with --labels-list");
  }
  for (const std::string* path : {&options.output_path, &options.qdq_path}) {
    std::error_code ignored;
    if (std::filesystem::equivalent(options.source_path, *path, ignored)) {
      return Status::InvalidArgument("the output '" + *path + "' is the source itself");
    }
  }
  return Status::Ok();
}

Result<ConversionReport> Convert(const ConvertOptions& options, const ConvertHooks& hooks) {
  try {
    return Conversion(options, hooks).Run();
  } catch (const std::bad_alloc&) {
    return Status::ResourceLimit("out of memory while converting '" + options.source_path + "'");
  }
}

}  // namespace qrun::converter
