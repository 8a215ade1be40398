// Runs the float model over samples and shows every activation to observers, on several threads, with a
// result that does not depend on their number.
#ifndef QRUN_CONVERTER_SAMPLE_RUNNER_H_
#define QRUN_CONVERTER_SAMPLE_RUNNER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

// done and total count samples. Called from one thread at a time.
using ProgressFunction = std::function<void(size_t done, size_t total)>;

// Sees the activations of some of the samples, sample by sample in order; used by one thread at a time.
class ActivationSink {
 public:
  virtual ~ActivationSink() = default;
  // `tensor` is an index in the model's tensor list; once per sample and tensor.
  virtual void See(int tensor, std::span<const float> values) = 0;
};

struct SampleFailure {
  std::string sample;
  std::string message;  // names the file
};

// What a run over the samples leaves, beside what the sinks keep.
struct SampleRun {
  std::vector<std::unique_ptr<ActivationSink>> shards;  // in the order of the samples
  size_t samples_used = 0;
  std::vector<SampleFailure> failures;  // samples that could not be loaded, in order
};

inline constexpr size_t kSampleShards = 8;

// Where part `shard` of kSampleShards begins among `total` samples; the next one's begin is its end.
constexpr size_t ShardBegin(size_t total, size_t shard) { return total * shard / kSampleShards; }

// The samples are cut into kSampleShards consecutive parts, each with a sink of its own that `make_sink`
// makes: merged in order, they do not depend on `threads`. Every thread runs a session of one thread (with
// reproducible_float: the values do not depend on the CPU either) and holds one sample. A sample that cannot
// be loaded is skipped and listed. Precondition: all activations of `model` are float32. Errors: those of
// Session::Create; invalid_argument if no sample is usable.
Result<SampleRun> RunSamples(const Model& model, const CalibrationSource& source, int threads,
                             const std::function<std::unique_ptr<ActivationSink>()>& make_sink,
                             const ProgressFunction& progress);

// Loads sample i of `source` into the session's inputs.
Status LoadSample(const CalibrationSource& source, size_t i, Session& session,
                  std::vector<std::vector<float>>& scratch);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_SAMPLE_RUNNER_H_
