// The results of an evaluation in a file, so that a long one can be interrupted and resumed.
#ifndef QRUN_BENCH_LIB_EVALUATION_STATE_H_
#define QRUN_BENCH_LIB_EVALUATION_STATE_H_

#include <string>
#include <vector>

#include "bench/lib/evaluate.h"

namespace qrun::bench {

// What the results belong to. All of it must be equal for a state to be taken up again.
struct EvaluationKey {
  std::string model_sha256 = {};
  std::string reference_sha256 = {};  // empty without reference
  std::string samples = {};           // SampleSource::Fingerprint
  std::string metric = {};            // and the label offset
  std::string isa = {};               // float results may differ between instruction sets
  bool operator==(const EvaluationKey&) const = default;
};

struct EvaluationState {
  EvaluationKey key;
  std::vector<ItemResult> results;
  double seconds = 0;  // spent on them, over all runs
};

// Replaces the file in one step. Numbers are written so that they are read back exactly. Errors: io.
Status WriteEvaluationState(const std::string& path, const EvaluationState& state);

// Reads the file into state.results and state.seconds if it exists and belongs to state.key; without a file
// they stay as they are. Precondition: state.results has one entry per item. Errors: io; invalid_argument if
// the file is no state, or belongs to something else (the message says to what).
Status ReadEvaluationState(const std::string& path, EvaluationState& state);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_EVALUATION_STATE_H_
