// qeval: how accurate a .qfb model is on labelled images or arrays, alone or against a reference.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <thread>

#include "bench/cli/dataset_options.h"
#include "bench/lib/clock.h"
#include "bench/lib/evaluation_report.h"
#include "bench/lib/evaluation_state.h"
#include "bench/lib/model_file.h"
#include "bench/lib/output_file.h"
#include "kernels/dispatch.h"
#include "runtime/cli/terminal.h"
#include "runtime/file.h"

namespace qrun::bench {
namespace {

struct Arguments {
  std::string model, reference, json, confusion, state, isa;
  int threads = 1;
  bool quiet = false;
  DatasetOptions dataset;
};

std::atomic<bool> g_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // set in a signal handler

void AddOptions(CLI::App& app, Arguments& args) {
  args.threads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 64u));
  app.add_option("model", args.model, "The model file, made by qconvert")->required();
  app.add_option("--reference", args.reference,
                 "Another model with the same inputs and outputs, usually the float one: adds agreement, "
                 "retention, SQNR");
  app.add_option("--threads", args.threads,
                 "Threads that decode, and as many that run the model; the results do not depend on it")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--isa", args.isa,
                 "Instruction set, by name (default: $QRUN_ISA, else the best of this CPU)");
  app.add_option("--json", args.json,
                 "Write the results as JSON to a file; - or nothing: to stdout instead of the text")
      ->expected(0, 1)
      ->default_str("-");
  app.add_option("--confusion", args.confusion,
                 "Write the confusion matrix as CSV: rows are the right classes, columns the predicted ones");
  app.add_option(
      "--state", args.state,
      "Keep the results so far in this file, and begin with what it holds: an interrupted run goes on");
  app.add_flag("--quiet", args.quiet, "No progress bar");
  AddDatasetOptions(app, args.dataset);
  app.footer(
      "A file that cannot be read is named on stderr, counted, and left out.\n"
      "Exit codes: 0 success, 1 something failed (also if single files did, or the run was interrupted), 2 "
      "wrong "
      "arguments.\n"
      "Example: qeval int8.qfb --list val.csv --reference float.qfb --state val.state");
}

Status CheckArguments(const Arguments& args) {
  QRUN_RETURN_IF_ERROR(CheckDatasetOptions(args.dataset));
  if (!args.dataset.given()) {
    return Status::InvalidArgument("give labelled images with --list, or arrays with --input");
  }
  if (!args.confusion.empty() && args.dataset.metric_kind() != Metric::kTop1) {
    return Status::InvalidArgument("--confusion goes with --metric top1");
  }
  for (const std::string* path : {&args.confusion, &args.state}) {
    if (*path == "-") return Status::InvalidArgument("--confusion and --state want a file, not -");
  }
  return Status::Ok();
}

struct Models {
  std::vector<ModelFile> files;
  std::vector<const Model*> all;
};

Result<Models> OpenModels(const Arguments& args) {
  Models models;
  for (const std::string& path : {args.model, args.reference}) {
    if (path.empty()) continue;
    QRUN_ASSIGN_OR_RETURN(ModelFile file, OpenModelFile(path));
    models.files.push_back(std::move(file));
  }
  for (const ModelFile& file : models.files) models.all.push_back(&file.model);
  if (models.all.size() == 2) QRUN_RETURN_IF_ERROR(CheckSameShapes(*models.all[1], *models.all[0]));
  return models;
}

EvaluationKey KeyOf(const Arguments& args, const Models& models, const SampleSource& source,
                    const std::string& isa) {
  return {.model_sha256 = models.files[0].sha256,
          .reference_sha256 = models.files.size() == 2 ? models.files[1].sha256 : "",
          .samples = source.Fingerprint() + (args.dataset.samples.ignore_labels ? " without labels" : ""),
          .metric = fmt::format("{} label offset {}", args.dataset.metric, args.dataset.label_offset),
          .isa = isa};
}

nlohmann::json ReportJson(const Arguments& args, const Models& models, const EvaluationState& state,
                          const EvaluationSummary& summary, const SampleSource& source) {
  nlohmann::json report = SummaryJson(summary, state.results, source);
  report["tool"] = "qeval";
  report["version"] = Version();
  report["model"] = args.model;
  report["model_sha256"] = models.files[0].sha256;
  if (summary.has_reference) {
    report["reference"]["model"] = args.reference;
    report["reference"]["model_sha256"] = models.files[1].sha256;
  }
  report["isa"] = state.key.isa;
  report["threads"] = args.threads;
  report["seconds"] = state.seconds;
  report["images_per_second"] =
      NumberOrNull(static_cast<double>(summary.images + summary.failed) / state.seconds);
  return report;
}

// Evaluates into `state`, keeping it in its file if there is one.
Status Run(const Arguments& args, const Models& models, const SampleSource& source, EvaluationState& state) {
  const double seconds_before = state.seconds;
  Stopwatch watch;
  Status saved = Status::Ok();
  const auto save = [&] {
    state.seconds = seconds_before + watch.Seconds();
    if (!args.state.empty() && saved.ok()) saved = WriteEvaluationState(args.state, state);
  };
  if (!args.state.empty()) {
    std::signal(SIGINT, [](int) { g_stop = true; });
    std::signal(SIGTERM, [](int) { g_stop = true; });
  }
  const DatasetRun run = {.tool = "qeval",
                          .quiet = args.quiet,
                          .threads = args.threads,
                          .isa = state.key.isa,
                          .stop = &g_stop,
                          .checkpoint = save};
  const bool pending = std::any_of(state.results.begin(), state.results.end(), [](const ItemResult& result) {
    return result.state == ItemResult::State::kPending;
  });
  QRUN_RETURN_IF_ERROR(RunDataset(args.dataset, run, source, models.all, state.results));
  if (pending) save();
  QRUN_RETURN_IF_ERROR(saved);
  const auto done = std::count_if(state.results.begin(), state.results.end(), [](const ItemResult& result) {
    return result.state != ItemResult::State::kPending;
  });
  if (static_cast<size_t>(done) == state.results.size()) return Status::Ok();
  return Status::Io(fmt::format("interrupted after {} of {}; the same command goes on from '{}'", done,
                                state.results.size(), args.state));
}

int Main(int argc, char** argv) {
  CLI::App app("Measures the accuracy of a .qfb model on labelled images or arrays.", "qeval");
  Arguments args;
  AddOptions(app, args);
  if (const int code = cli::Parse(app, argc, argv); code >= 0) return code;
  if (app.count("--json") > 0 && args.json.empty()) args.json = "-";
  if (const Status status = CheckArguments(args); !status.ok()) {
    cli::Fail("qeval", status);
    return cli::kExitUsage;
  }
  if (const Status status = CheckOutputPaths({args.json, args.confusion, args.state}); !status.ok()) {
    return cli::FailSession("qeval", status);
  }
  const auto table = kernels::ChooseTable(args.isa);
  if (!table.ok()) return cli::Fail("qeval", table.error());
  const auto models = OpenModels(args);
  if (!models.ok()) return cli::Fail("qeval", models.error());
  const auto source = OpenSamples(args.dataset.samples, models->all);
  if (!source.ok()) return cli::Fail("qeval", source.error());
  if (!args.confusion.empty() && (*source)->Label(0) < 0) {
    return cli::Fail("qeval", Status::InvalidArgument("--confusion needs labels"));
  }

  EvaluationState state;
  state.key = KeyOf(args, *models, **source, (*table)->isa);
  state.results.resize((*source)->size());
  if (!args.state.empty()) {
    if (const Status status = ReadEvaluationState(args.state, state); !status.ok()) {
      return cli::Fail("qeval", status);
    }
  }
  if (const Status status = Run(args, *models, **source, state); !status.ok())
    return cli::Fail("qeval", status);

  const EvaluationSummary summary =
      Summarize(state.results, **source, args.dataset.metric_kind(), models->all);
  if (summary.images == 0) {
    return cli::Fail(
        "qeval", Status::InvalidArgument(fmt::format("none of the {} items could be used", summary.failed)));
  }
  const nlohmann::json report = ReportJson(args, *models, state, summary, **source);
  if (!args.confusion.empty()) {
    const std::string csv =
        ConfusionCsv(state.results, **source, args.dataset.label_offset, models->files[0].model);
    if (const Status status = WriteText(args.confusion, csv); !status.ok()) return cli::Fail("qeval", status);
  }
  if (!args.json.empty()) {
    if (const Status status = WriteJson(args.json, report); !status.ok()) return cli::Fail("qeval", status);
  }
  if (args.json != "-") {
    fmt::print("{}speed      {:.1f} items per second, {} thread(s), {}\n", SummaryText(summary),
               static_cast<double>(summary.images + summary.failed) / state.seconds, args.threads,
               state.key.isa);
  }
  return summary.failed == 0 ? cli::kExitOk : cli::kExitError;
}

}  // namespace
}  // namespace qrun::bench

int main(int argc, char** argv) { return qrun::bench::Main(argc, argv); }
