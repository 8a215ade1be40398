#include "converter/calibrate.h"

namespace qrun::converter {
namespace {

class Observers final : public ActivationSink {
 public:
  // Channels per tensor.
  explicit Observers(std::span<const size_t> channels) : tensors_(channels.size()) {
    for (size_t count : channels) channels_.emplace_back(count);
  }

  void See(int tensor, std::span<const float> values) override {
    tensors_[static_cast<size_t>(tensor)].Observe(values);
    channels_[static_cast<size_t>(tensor)].Observe(values);
  }

  void MergeInto(Calibration& calibration, std::span<const int> tensor_of_value) const {
    for (size_t id = 0; id < tensor_of_value.size(); ++id) {
      if (tensor_of_value[id] < 0) continue;
      const auto tensor = static_cast<size_t>(tensor_of_value[id]);
      calibration.tensors[id].Merge(tensors_[tensor]);
      calibration.channels[id].Merge(channels_[tensor]);
    }
  }

 private:
  std::vector<TensorObserver> tensors_;
  std::vector<ChannelStatistics> channels_;
};

}  // namespace

std::vector<Range> Calibration::Ranges(const ObserverKind& kind) const {
  std::vector<Range> ranges;
  for (const TensorObserver& tensor : tensors) ranges.push_back(kind.choose(tensor));
  return ranges;
}

Result<Calibration> Calibrate(const Graph& graph, const Model& float_model,
                              std::span<const int> tensor_of_value, const CalibrationSource& source,
                              int threads, const ProgressFunction& progress) {
  std::vector<size_t> channels;
  for (size_t id = 0; id < tensor_of_value.size(); ++id) {
    const auto tensor = static_cast<size_t>(tensor_of_value[id]);
    if (tensor_of_value[id] < 0) continue;
    if (channels.size() <= tensor) channels.resize(tensor + 1);
    const Value& value = graph.values[id];
    if (!value.is_constant() && !value.shape.empty())
      channels[tensor] = static_cast<size_t>(value.shape.back());
  }
  QRUN_ASSIGN_OR_RETURN(SampleRun run, RunSamples(
                                           float_model, source, threads,
                                           [&] { return std::make_unique<Observers>(channels); }, progress));
  Calibration calibration;
  calibration.tensors.resize(tensor_of_value.size());
  calibration.channels.resize(tensor_of_value.size());
  for (const auto& shard : run.shards) {
    static_cast<const Observers&>(*shard).MergeInto(calibration, tensor_of_value);
  }
  calibration.samples_used = run.samples_used;
  calibration.failures = std::move(run.failures);
  return calibration;
}

}  // namespace qrun::converter
