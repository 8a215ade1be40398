#include "bench/cli/dataset_options.h"

#include <fmt/format.h>

#include <optional>

#include "bench/lib/clock.h"
#include "runtime/cli/progress.h"

namespace qrun::bench {
namespace {

constexpr double kSecondsBetweenCheckpoints = 5;

}  // namespace

void AddDatasetOptions(CLI::App& app, DatasetOptions& options) {
  const std::string group = "What to evaluate on";
  app.add_option("--list", options.samples.list, "CSV list of images, lines 'filename,class_index'")
      ->group(group);
  app.add_option("--root", options.samples.root, "Folder of the images (default: the list's folder)")
      ->group(group);
  app.add_option("--input", options.samples.inputs,
                 "Instead of a list: a .npy array [N, ...], one for each model input. uint8 [N, H, W, 1 or "
                 "3] counts as "
                 "images if the model says how to preprocess them")
      ->expected(1)
      ->take_all()
      ->group(group);
  app.add_option("--labels", options.samples.labels, "With --input: .npy array of N class indices")
      ->group(group);
  app.add_option("--label-offset", options.label_offset,
                 "Added to every class index; 1 for a model whose class 0 is the background")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--ignore-labels", options.samples.ignore_labels,
               "Leave out the labels: only compare the outputs of two models")
      ->group(group);
  app.add_option("--metric", options.metric,
                 "top1: classification; auc: anomalies (label 1) against normal items (label 0)")
      ->check(CLI::IsMember({"top1", "auc"}))
      ->capture_default_str()
      ->group(group);
}

Status CheckDatasetOptions(const DatasetOptions& options) {
  const SampleOptions& samples = options.samples;
  if (!samples.list.empty() && !samples.inputs.empty()) {
    return Status::InvalidArgument("give images with --list or arrays with --input, not both");
  }
  if (samples.inputs.empty() && !samples.labels.empty()) {
    return Status::InvalidArgument("--labels goes with --input; the labels of images stand in the list");
  }
  if (samples.list.empty() && !samples.root.empty()) {
    return Status::InvalidArgument("--root goes with --list");
  }
  if (options.metric_kind() == Metric::kAuc && options.label_offset != 0) {
    return Status::InvalidArgument("--label-offset goes with --metric top1");
  }
  return Status::Ok();
}

Status RunDataset(const DatasetOptions& options, const DatasetRun& run, const SampleSource& source,
                  std::span<const Model* const> models, std::vector<ItemResult>& results) {
  size_t known = 0;
  for (const ItemResult& result : results) known += result.state != ItemResult::State::kPending;
  std::optional<cli::ProgressBar> bar(std::in_place, known == 0 ? "evaluate" : "resume", run.quiet);
  Stopwatch since_checkpoint;
  EvaluateHooks hooks;
  hooks.stop = run.stop;
  hooks.progress = [&](size_t done, size_t total) {
    bar->Update(done - known, total - known);
    if (run.checkpoint && since_checkpoint.Seconds() > kSecondsBetweenCheckpoints) {
      run.checkpoint();
      since_checkpoint.LapMs();
    }
  };
  const EvaluateOptions evaluate = {.metric = options.metric_kind(),
                                    .label_offset = options.label_offset,
                                    .threads = run.threads,
                                    .isa = run.isa};
  QRUN_RETURN_IF_ERROR(Evaluate(models, source, evaluate, hooks, results));
  bar.reset();
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].state != ItemResult::State::kFailed) continue;
    fmt::print(stderr, "{}: failed: {}: {}\n", run.tool, source.Name(i), results[i].error);
  }
  return Status::Ok();
}

}  // namespace qrun::bench
