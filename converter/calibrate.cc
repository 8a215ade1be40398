#include "converter/calibrate.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

namespace qrun::converter {
namespace {

// What one shard of the samples has taught.
struct Shard {
  std::vector<std::unique_ptr<Observer>> observers;  // per tensor
  size_t samples_used = 0;
  std::vector<Calibration::Failure> failures;
};

class Calibrator {
 public:
  Calibrator(const Model& model, size_t tensor_count, const CalibrationSource& source,
             const CalibrateOptions& options, const ProgressFunction& progress)
      : model_(model),
        tensor_count_(tensor_count),
        source_(source),
        options_(options),
        progress_(progress),
        total_(options.limit == 0 ? source.size() : std::min(options.limit, source.size())),
        shards_(kCalibrationShards) {}

  Status Run() {
    const int workers = std::clamp(options_.threads, 1, static_cast<int>(kCalibrationShards));
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
      status = Status::ResourceLimit("out of memory during calibration");
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
      shard->observers[static_cast<size_t>(tensor)]->Observe(
          {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)});
    };
    QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model_, session_options));
    std::vector<std::vector<float>> scratch;
    for (size_t s = next_shard_++; s < shards_.size(); s = next_shard_++) {
      shard = &shards_[s];
      // All at once: nothing may fail inside a run.
      for (size_t tensor = 0; tensor < tensor_count_; ++tensor) {
        shard->observers.push_back(options_.observer->create());
      }
      const size_t begin = total_ * s / shards_.size(), end = total_ * (s + 1) / shards_.size();
      for (size_t i = begin; i < end; ++i) {
        const Status loaded = LoadSample(source_, i, session, scratch);
        if (loaded.ok()) {
          session.Run();
          ++shard->samples_used;
        } else {
          shard->failures.push_back({source_.SampleName(i), loaded.message()});
        }
        const std::lock_guard lock(mutex_);
        if (progress_) progress_(++done_, total_);
      }
    }
    return Status::Ok();
  }

  const Model& model_;
  const size_t tensor_count_;
  const CalibrationSource& source_;
  const CalibrateOptions& options_;
  const ProgressFunction& progress_;
  const size_t total_;
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

Result<Calibration> Calibrate(const Model& float_model, std::span<const int> tensor_of_value,
                              const CalibrationSource& source, const CalibrateOptions& options,
                              const ProgressFunction& progress) {
  const int last_tensor =
      tensor_of_value.empty() ? -1 : *std::max_element(tensor_of_value.begin(), tensor_of_value.end());
  Calibrator calibrator(float_model, static_cast<size_t>(last_tensor + 1), source, options, progress);
  QRUN_RETURN_IF_ERROR(calibrator.Run());

  Calibration calibration;
  calibration.ranges.resize(tensor_of_value.size());
  std::vector<std::unique_ptr<Observer>> merged;
  for (int tensor = 0; tensor <= last_tensor; ++tensor) merged.push_back(options.observer->create());
  for (Shard& shard : calibrator.shards()) {
    calibration.samples_used += shard.samples_used;
    for (auto& failure : shard.failures) calibration.failures.push_back(std::move(failure));
    for (size_t tensor = 0; tensor < shard.observers.size(); ++tensor) {
      merged[tensor]->Merge(*shard.observers[tensor]);
    }
  }
  if (calibration.samples_used == 0) {
    return Status::InvalidArgument(
        "none of the " + std::to_string(calibration.failures.size()) +
        " calibration samples is usable; the first: " + calibration.failures[0].message);
  }
  for (size_t id = 0; id < tensor_of_value.size(); ++id) {
    const int tensor = tensor_of_value[id];
    if (tensor >= 0) calibration.ranges[id] = merged[tensor]->Result();
  }
  return calibration;
}

}  // namespace qrun::converter
