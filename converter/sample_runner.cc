#include "converter/sample_runner.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <thread>

namespace qrun::converter {
namespace {

struct Shard {
  std::unique_ptr<ActivationSink> sink;
  size_t samples_used = 0;
  std::vector<SampleFailure> failures;
};

class Runner {
 public:
  Runner(const Model& model, const CalibrationSource& source,
         const std::function<std::unique_ptr<ActivationSink>()>& make_sink, const ProgressFunction& progress)
      : model_(model), source_(source), make_sink_(make_sink), progress_(progress), shards_(kSampleShards) {}

  Status Run(int thread_count) {
    const int workers = std::clamp(thread_count, 1, static_cast<int>(kSampleShards));
    std::vector<std::thread> threads;
    for (int i = 1; i < workers; ++i) threads.emplace_back([this] { Work(); });
    Work();
    for (std::thread& thread : threads) thread.join();
    return error_;
  }

  std::vector<Shard>& shards() { return shards_; }

 private:
  // Takes shards until none is left. Nothing may escape a thread.
  void Work() {
    Status status;
    try {
      status = RunShards();
    } catch (const std::bad_alloc&) {
      status = Status::ResourceLimit("out of memory while running the samples");
    }
    if (status.ok()) return;
    const std::lock_guard lock(mutex_);
    error_ = std::move(status);
    next_shard_ = shards_.size();
  }

  Status RunShards() {
    Shard* shard = nullptr;
    SessionOptions session_options;
    session_options.reproducible_float = true;
    session_options.tap = [&](int tensor, std::span<const std::byte> bytes) {
      shard->sink->See(tensor, {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)});
    };
    QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model_, session_options));
    std::vector<std::vector<float>> scratch;
    const size_t total = source_.size();
    for (size_t s = next_shard_++; s < shards_.size(); s = next_shard_++) {
      shard = &shards_[s];
      shard->sink = make_sink_();
      for (size_t i = ShardBegin(total, s); i < ShardBegin(total, s + 1); ++i) {
        const Status loaded = LoadSample(source_, i, session, scratch);
        if (loaded.ok()) {
          session.Run();
          ++shard->samples_used;
        } else {
          shard->failures.push_back({source_.SampleName(i), loaded.message()});
        }
        const std::lock_guard lock(mutex_);
        if (progress_) progress_(++done_, total);
      }
    }
    return Status::Ok();
  }

  const Model& model_;
  const CalibrationSource& source_;
  const std::function<std::unique_ptr<ActivationSink>()>& make_sink_;
  const ProgressFunction& progress_;
  std::vector<Shard> shards_;
  std::atomic<size_t> next_shard_ = 0;
  std::mutex mutex_;
  size_t done_ = 0;  // guarded by mutex_
  Status error_;     // guarded by mutex_
};

}  // namespace

Status LoadSample(const CalibrationSource& source, size_t i, Session& session,
                  std::vector<std::vector<float>>& scratch) {
  scratch.resize(session.inputs().size());
  std::vector<std::span<float>> spans;
  for (size_t k = 0; k < scratch.size(); ++k) {
    scratch[k].resize(static_cast<size_t>(session.inputs()[k].ElementCount()));
    spans.emplace_back(scratch[k]);
  }
  QRUN_RETURN_IF_ERROR(source.Load(i, spans));
  for (size_t k = 0; k < scratch.size(); ++k) {
    QRUN_RETURN_IF_ERROR(session.SetInput(static_cast<int>(k), scratch[k]));
  }
  return Status::Ok();
}

Result<SampleRun> RunSamples(const Model& model, const CalibrationSource& source, int threads,
                             const std::function<std::unique_ptr<ActivationSink>()>& make_sink,
                             const ProgressFunction& progress) {
  Runner runner(model, source, make_sink, progress);
  QRUN_RETURN_IF_ERROR(runner.Run(threads));
  SampleRun run;
  for (Shard& shard : runner.shards()) {
    run.shards.push_back(std::move(shard.sink));
    run.samples_used += shard.samples_used;
    for (SampleFailure& failure : shard.failures) run.failures.push_back(std::move(failure));
  }
  if (run.samples_used == 0) {
    return Status::InvalidArgument("none of the " + std::to_string(run.failures.size()) +
                                   " calibration samples is usable; the first: " + run.failures[0].message);
  }
  return run;
}

}  // namespace qrun::converter
