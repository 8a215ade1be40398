// The options of qeval and qbench that say what to evaluate on.
#ifndef QRUN_BENCH_CLI_DATASET_OPTIONS_H_
#define QRUN_BENCH_CLI_DATASET_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <span>
#include <string>

#include "bench/lib/evaluate.h"
#include "bench/lib/samples.h"

namespace qrun::bench {

struct DatasetOptions {
  SampleOptions samples;
  std::string metric = "top1";
  int label_offset = 0;

  bool given() const { return !samples.list.empty() || !samples.inputs.empty(); }
  Metric metric_kind() const { return metric == "auc" ? Metric::kAuc : Metric::kTop1; }
};

void AddDatasetOptions(CLI::App& app, DatasetOptions& options);

// Options that contradict each other. Errors: invalid_argument.
Status CheckDatasetOptions(const DatasetOptions& options);

// Evaluates what is pending in `results` (see Evaluate), with a progress bar and the time left on stderr, and
// then names every item that failed there. checkpoint may be empty; it is called about every five seconds,
// from one thread at a time.
struct DatasetRun {
  const char* tool = "";
  bool quiet = false;
  int threads = 1;
  std::string isa = {};
  const std::atomic<bool>* stop = nullptr;
  std::function<void()> checkpoint = {};
};
Status RunDataset(const DatasetOptions& options, const DatasetRun& run, const SampleSource& source,
                  std::span<const Model* const> models, std::vector<ItemResult>& results);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_CLI_DATASET_OPTIONS_H_
