// qbench: time, memory and accuracy of a .qfb model, alone or against another one.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "bench/cli/dataset_options.h"
#include "bench/lib/bench_report.h"
#include "bench/lib/machine.h"
#include "bench/lib/output_file.h"
#include "converter/html/page.h"
#include "kernels/dispatch.h"
#include "runtime/cli/progress.h"
#include "runtime/cli/terminal.h"
#include "runtime/file.h"

namespace qrun::bench {
namespace {

constexpr int kColdRepeats = 5;
constexpr int kProfileRounds = 5;

struct Arguments {
  std::vector<std::string> models, isas;
  std::vector<int> threads = {1};
  int batch = 1;
  std::string json, html, csv, trace, cache;
  TimingOptions timing;
  bool quiet = false, candidates = false;
  DatasetOptions dataset;
};

void AddOptions(CLI::App& app, Arguments& args) {
  app.add_option("models", args.models,
                 "One model, or two to compare: the baseline first, usually float and int8")
      ->required()
      ->expected(1, 2);
  app.add_option("--threads", args.threads, "Numbers of threads to measure with")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--isa", args.isas,
                 "Instruction sets to measure with, by name (default: $QRUN_ISA, else the best of this CPU)")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--batch", args.batch, "Items of one run")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--rounds", args.timing.rounds, "Rounds; in each every model is timed once, in random order")
      ->check(CLI::Range(2, 10000))
      ->capture_default_str();
  app.add_option("--seed", args.timing.seed, "Seed of the order and of the bootstrap")->capture_default_str();
  app.add_option("--json", args.json,
                 "Write everything as JSON to a file; - or nothing: to stdout instead of the text")
      ->expected(0, 1)
      ->default_str("-");
  app.add_option("--html", args.html, "Write a report with charts: one HTML file that needs no network");
  app.add_option("--csv", args.csv, "Write a row per model and configuration to a file");
  app.add_option("--trace", args.trace,
                 "Write the time of every step as a trace for chrome://tracing or Perfetto");
  app.add_option("--cache", args.cache,
                 "A folder for packed weights: also time the cold start that finds them there");
  app.add_flag("--candidates", args.candidates,
               "Also time, operator by operator, what else could run it, and mark what the plan takes");
  app.add_flag("--quiet", args.quiet, "No progress bar");
  AddDatasetOptions(app, args.dataset);
  app.footer(
      "Times are of one run. The interval is a 95 % bootstrap interval of the ratio of medians; if "
      "it\n"
      "contains 1 and is wide, the machine was too noisy to tell. With labels: Overall = retention / 100 + "
      "speedup / 5.\n"
      "Exit codes: 0 success, 1 something failed (also if single images did), 2 wrong arguments.\n"
      "Example: qbench float.qfb int8.qfb --threads 1,2 --list val.csv --json result.json");
}

Status CheckArguments(const Arguments& args) {
  QRUN_RETURN_IF_ERROR(CheckDatasetOptions(args.dataset));
  if (args.dataset.samples.ignore_labels && args.models.size() < 2) {
    return Status::InvalidArgument("--ignore-labels compares two models, one was given");
  }
  for (const std::string* path : {&args.html, &args.csv, &args.trace}) {
    if (*path == "-") return Status::InvalidArgument("--html, --csv and --trace want a file, not -");
  }
  if (!args.html.empty()) QRUN_RETURN_IF_ERROR(html::CheckAvailable());
  return CheckOutputPaths({args.json, args.html, args.csv, args.trace});
}

struct Accuracies {
  std::optional<EvaluationSummary> summary;  // of the candidate, with the baseline as reference
  // Index 0: the baseline or only model.
  nlohmann::json of[2] = {nullptr, nullptr};
};

Result<Accuracies> MeasureAccuracy(const Arguments& args, const std::vector<ModelFile>& files) {
  Accuracies accuracies;
  if (!args.dataset.given()) return accuracies;
  std::vector<const Model*> models;  // the candidate first: it is the one judged against a reference
  for (size_t i = files.size(); i-- > 0;) models.push_back(&files[i].model);
  QRUN_ASSIGN_OR_RETURN(const auto source, OpenSamples(args.dataset.samples, models));
  std::vector<ItemResult> results(source->size());
  DatasetRun run;
  run.tool = "qbench";
  run.quiet = args.quiet;
  run.threads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 64u));
  run.isa = args.isas[0];
  QRUN_RETURN_IF_ERROR(RunDataset(args.dataset, run, *source, models, results));
  accuracies.summary = Summarize(results, *source, args.dataset.metric_kind(), models);
  if (accuracies.summary->images == 0) {
    return Status::InvalidArgument(fmt::format("none of the {} items could be used", results.size()));
  }
  for (size_t i = 0; i < files.size(); ++i) {
    accuracies.of[i] = AccuracyJson(*accuracies.summary, files.size() - 1 - i);
  }
  return accuracies;
}

// The cold start that maps packed weights. The first start leaves them in the folder.
Result<ColdStart> MeasureCachedStart(const Measurement& m, const std::string& folder) {
  SessionOptions options = m.options;
  options.weight_cache = folder;
  QRUN_ASSIGN_OR_RETURN(const ColdStart first, MeasureColdStart(m.file->path, options, 1));
  QRUN_ASSIGN_OR_RETURN(const ColdStart cached, MeasureColdStart(m.file->path, options, kColdRepeats));
  static_cast<void>(first);
  if (!cached.weights_from_cache) {
    return Status::Io(fmt::format("no packed weights of '{}' can be kept in '{}'", m.file->path, folder));
  }
  return cached;
}

// Every model on every instruction set with every number of threads; the models of one configuration
// together. First everything that needs a fresh process, while this one has no threads yet.
Result<std::vector<Measurement>> Measure(const Arguments& args, const std::vector<ModelFile>& files) {
  std::vector<Measurement> all;
  for (const std::string& isa : args.isas) {
    for (int threads : args.threads) {
      for (const ModelFile& file : files) {
        Measurement& m = all.emplace_back();
        m.file = &file;
        m.is_candidate = &file != &files[0];
        m.options.threads = threads;
        m.options.isa = isa;
        m.options.batch = args.batch;
      }
    }
  }
  {
    cli::ProgressBar bar("cold start", args.quiet);
    for (size_t i = 0; i < all.size(); ++i) {
      bar.Update(i, all.size());
      QRUN_ASSIGN_OR_RETURN(all[i].cold, MeasureColdStart(all[i].file->path, all[i].options, kColdRepeats));
      if (args.cache.empty()) continue;
      QRUN_ASSIGN_OR_RETURN(all[i].cold_cached, MeasureCachedStart(all[i], args.cache));
    }
  }
  cli::ProgressBar bar("time", args.quiet);
  for (size_t first = 0; first < all.size(); first += files.size()) {
    std::vector<Contender> contenders;
    for (size_t i = first; i < first + files.size(); ++i) {
      contenders.push_back({&all[i].file->model, all[i].options});
    }
    const size_t batches = static_cast<size_t>(args.timing.rounds) * all.size();
    const size_t before = static_cast<size_t>(args.timing.rounds) * first;
    QRUN_ASSIGN_OR_RETURN(auto timings, TimeInterleaved(contenders, args.timing, [&](size_t done, size_t) {
                            bar.Update(before + done, batches);
                          }));
    QRUN_ASSIGN_OR_RETURN(auto profiles, ProfileInterleaved(contenders, kProfileRounds));
    for (size_t i = 0; i < files.size(); ++i) {
      all[first + i].timings = std::move(timings[i]);
      all[first + i].profile = std::move(profiles[i]);
      if (!args.candidates) continue;
      QRUN_ASSIGN_OR_RETURN(all[first + i].candidates, MeasureCandidates(contenders[i], args.timing.rounds));
    }
  }
  return all;
}

nlohmann::json ReportJson(const Arguments& args, const std::vector<ModelFile>& files,
                          const std::vector<Measurement>& all, const Accuracies& accuracies) {
  nlohmann::json report = {{"tool", "qbench"},
                           {"version", Version()},
                           {"machine", DescribeMachine()},
                           {"options",
                            {{"rounds", args.timing.rounds},
                             {"seed", args.timing.seed},
                             {"threads", args.threads},
                             {"batch", args.batch},
                             {"isas", args.isas}}},
                           {"results", nlohmann::json::array()},
                           {"comparison", nullptr},
                           {"comparisons", nlohmann::json::array()}};
  for (const Measurement& m : all) report["results"].push_back(ResultJson(m, accuracies.of[m.is_candidate]));
  if (files.size() == 1) return report;
  for (size_t i = 0; i < all.size(); i += 2) {
    report["comparisons"].push_back(ComparisonJson(all[i], all[i + 1], accuracies.summary, args.timing.seed));
  }
  report["comparison"] = report["comparisons"][0];
  return report;
}

Status WriteReports(const Arguments& args, const nlohmann::json& report,
                    const std::vector<Measurement>& all) {
  if (!args.csv.empty()) QRUN_RETURN_IF_ERROR(WriteText(args.csv, ReportCsv(report)));
  if (!args.trace.empty()) {
    std::vector<Profile> profiles;
    std::vector<std::string> names;
    for (const Measurement& m : all) {
      profiles.push_back(m.profile);
      names.push_back(fmt::format("{} ({}, {} threads)", m.file->path, m.options.isa, m.options.threads));
    }
    QRUN_RETURN_IF_ERROR(WriteJson(args.trace, TraceJson(profiles, names)));
  }
  if (!args.html.empty()) {
    QRUN_ASSIGN_OR_RETURN(
        const std::string page,
        html::ReportPage("qbench: " + fmt::format("{}", fmt::join(args.models, ", ")), JsonText(report, -1)));
    QRUN_RETURN_IF_ERROR(WriteText(args.html, page));
  }
  if (!args.json.empty()) QRUN_RETURN_IF_ERROR(WriteJson(args.json, report));
  if (args.json != "-") fmt::print("{}", ReportText(report));
  return Status::Ok();
}

// Fills in the instruction sets by name, so that everything that follows uses the same ones.
Status ResolveIsas(std::vector<std::string>& isas) {
  if (isas.empty()) isas.emplace_back();
  for (std::string& isa : isas) {
    QRUN_ASSIGN_OR_RETURN(const kernels::KernelTable* table, kernels::ChooseTable(isa));
    isa = table->isa;
  }
  return Status::Ok();
}

Result<std::vector<ModelFile>> OpenModels(const std::vector<std::string>& paths) {
  std::vector<ModelFile> files;
  for (const std::string& path : paths) {
    QRUN_ASSIGN_OR_RETURN(ModelFile file, OpenModelFile(path));
    files.push_back(std::move(file));
  }
  if (files.size() == 2) QRUN_RETURN_IF_ERROR(CheckSameShapes(files[0].model, files[1].model));
  return files;
}

Result<int> Bench(Arguments& args) {
  QRUN_RETURN_IF_ERROR(ResolveIsas(args.isas));
  QRUN_ASSIGN_OR_RETURN(const std::vector<ModelFile> files, OpenModels(args.models));
  QRUN_ASSIGN_OR_RETURN(const std::vector<Measurement> all, Measure(args, files));
  QRUN_ASSIGN_OR_RETURN(const Accuracies accuracies, MeasureAccuracy(args, files));
  QRUN_RETURN_IF_ERROR(WriteReports(args, ReportJson(args, files, all, accuracies), all));
  return accuracies.summary && accuracies.summary->failed > 0 ? cli::kExitError : cli::kExitOk;
}

int Main(int argc, char** argv) {
  CLI::App app("Measures time, memory and accuracy of one .qfb model, or of two against each other.",
               "qbench");
  Arguments args;
  AddOptions(app, args);
  if (const int code = cli::Parse(app, argc, argv); code >= 0) return code;
  if (app.count("--json") > 0 && args.json.empty()) args.json = "-";
  if (const Status status = CheckArguments(args); !status.ok()) return cli::FailSession("qbench", status);
  RequestFreshPages();
  const Result<int> code = Bench(args);
  return code.ok() ? *code : cli::Fail("qbench", code.error());
}

}  // namespace
}  // namespace qrun::bench

int main(int argc, char** argv) { return qrun::bench::Main(argc, argv); }
