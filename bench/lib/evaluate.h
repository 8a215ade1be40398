// Runs one model, or a model and a reference, over samples and judges every output.
#ifndef QRUN_BENCH_LIB_EVALUATE_H_
#define QRUN_BENCH_LIB_EVALUATE_H_

#include <atomic>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bench/lib/metrics.h"
#include "bench/lib/samples.h"
#include "runtime/qrun.h"

namespace qrun::bench {

enum class Metric {
  kTop1,  // classification: top-1, top-5, loss, agreement
  kAuc    // anomaly or two-class detection: area under the ROC curve
};

// What one model gave for one item.
struct ItemScore {
  ClassResult classes;  // kTop1, if the output is a list of classes
  double anomaly = 0;   // kAuc: see AnomalyScore rules at Evaluate
};

struct ItemResult {
  enum class State { kPending, kDone, kFailed };
  State state = State::kPending;
  std::string error;    // kFailed
  ItemScore scores[2];  // of the model, of the reference
  Sqnr sqnr;            // all outputs against the reference's
};

struct EvaluateOptions {
  Metric metric = Metric::kTop1;
  int label_offset = 0;  // added to the labels of the source to get the model's class
  int threads = 1;       // this many decode, this many run
  std::string isa = {};
};

struct EvaluateHooks {
  // After every item; items in `results` so far. Called by one thread at a time, while no result is written.
  std::function<void(size_t done, size_t total)> progress = {};
  // Ends the run early, after the items under way, once true. May be set from a signal handler.
  const std::atomic<bool>* stop = nullptr;
};

// Evaluates the items of `source` that are kPending in `results` (results.size() = source.size()). models has
// one entry, or two: the model and the reference, whose outputs are compared.
//
// Decoding threads fill a queue of 2 * threads items from which running threads take, each with sessions of
// its own on one thread: memory does not grow with the number of items, and a result depends neither on the
// number of threads nor on the other items. An item that cannot be loaded becomes kFailed, with the reason.
//
// kAuc takes as an item's score, by the shape of the first output: the value itself if there is one; with two
// values, the confidence of class 1; if it has the input's shape, the mean squared error between input and
// output (an autoencoder; array samples of rank below 4 only).
//
// Errors: those of Session::Create; invalid_argument for a label outside of the model's classes, models whose
// outputs differ in shape, or kAuc without labels; unsupported if the metric does not fit the model.
Status Evaluate(std::span<const Model* const> models, const SampleSource& source,
                const EvaluateOptions& options, const EvaluateHooks& hooks, std::vector<ItemResult>& results);

// Equal number, extents and meaning of inputs and outputs, or invalid_argument naming both sides.
Status CheckSameShapes(const Model& a, const Model& b);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_EVALUATE_H_
