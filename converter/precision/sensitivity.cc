#include "converter/precision/sensitivity.h"

#include <atomic>
#include <mutex>

#include "converter/emit.h"
#include "converter/parallel.h"
#include "converter/precision/hybrid_session.h"

namespace qrun::converter {
namespace {

// What one sample gives: every layer in int8, then per unit alone and without.
struct SampleDeviations {
  Deviation all;
  std::vector<Deviation> alone, without;
};

class Measurement {
 public:
  Measurement(const HybridModel& model, std::span<const LayerUnit> units,
              std::span<const NodeForms> forms_without, const CalibrationSource& source,
              const Answers& reference)
      : model_(model), units_(units), forms_without_(forms_without), source_(source), reference_(reference) {}

  // False if `deadline` passed.
  Result<bool> Run(int threads, std::optional<std::chrono::steady_clock::time_point> deadline,
                   const ProgressFunction& progress) {
    const size_t count = reference_.samples.size();
    QRUN_ASSIGN_OR_RETURN(sessions_, HybridSession::CreateSeveral(model_, WorkerCount(count, threads)));
    samples_.resize(count);
    std::vector<Status> errors(count);
    std::atomic<bool> late = false;
    std::mutex mutex;
    size_t done = 0;
    ForEachIndex(count, threads, [&](size_t sample, size_t worker) {
      const auto is_late = [&] {
        if (deadline && std::chrono::steady_clock::now() > *deadline) late = true;
        return late.load();
      };
      errors[sample] = RunSample(sample, sessions_[worker], is_late);
      const std::lock_guard lock(mutex);
      if (progress) progress(++done, count);
    });
    for (Status& error : errors) QRUN_RETURN_IF_ERROR(std::move(error));
    return !late;
  }

  const std::vector<SampleDeviations>& samples() const { return samples_; }

 private:
  template <class Late>
  Status RunSample(size_t sample, HybridSession& session, const Late& is_late) {
    if (is_late()) return Status::Ok();
    SampleDeviations& found = samples_[sample];
    found.alone.resize(units_.size());
    found.without.resize(forms_without_.size());
    QRUN_ASSIGN_OR_RETURN(const auto inputs, model_.LoadSample(source_, reference_.samples[sample]));
    QRUN_RETURN_IF_ERROR(session.Run(inputs, NodeForms(model_.nodes(), false)));
    for (size_t i = 0; i < units_.size() && !is_late(); ++i) {
      QRUN_RETURN_IF_ERROR(session.RunVariant(OnlyInt8(units_[i], model_.nodes())));
      Compare(sample, session, found.alone[i]);
    }
    QRUN_RETURN_IF_ERROR(session.Run(inputs, model_.AllInt8()));
    Compare(sample, session, found.all);
    for (size_t i = 0; i < forms_without_.size() && !is_late(); ++i) {
      QRUN_RETURN_IF_ERROR(session.RunVariant(forms_without_[i]));
      Compare(sample, session, found.without[i]);
    }
    return Status::Ok();
  }

  void Compare(size_t sample, const HybridSession& session, Deviation& deviation) const {
    deviation.Add(reference_.outputs[sample], session.Outputs());
  }

  const HybridModel& model_;
  const std::span<const LayerUnit> units_;
  const std::span<const NodeForms> forms_without_;
  const CalibrationSource& source_;
  const Answers& reference_;
  std::vector<HybridSession> sessions_;  // per worker
  std::vector<SampleDeviations> samples_;
};

}  // namespace

Result<std::optional<Sensitivity>> MeasureSensitivity(
    const Graph& float_graph, const Graph& int8_graph, std::span<const LayerUnit> units,
    std::span<const NodeForms> forms_without, const CalibrationSource& source, const Answers& reference,
    int threads, std::optional<std::chrono::steady_clock::time_point> deadline,
    const ProgressFunction& progress) {
  QRUN_ASSIGN_OR_RETURN(const HybridModel model, HybridModel::Create(float_graph, int8_graph));
  Measurement measurement(model, units, forms_without, source, reference);
  QRUN_ASSIGN_OR_RETURN(const bool complete, measurement.Run(threads, deadline, progress));
  if (!complete) return std::optional<Sensitivity>();
  Sensitivity sensitivity;
  for (const LayerUnit& unit : units) {
    sensitivity.layers.push_back(
        {unit, OperatorKind(float_graph.nodes[unit.nodes[0]]), {}, {}, CostOf(float_graph, unit)});
  }
  for (const SampleDeviations& sample : measurement.samples()) {  // in order: sums depend on it
    sensitivity.all.Add(sample.all);
    for (size_t i = 0; i < units.size(); ++i) {
      sensitivity.layers[i].alone.Add(sample.alone[i]);
      if (!forms_without.empty()) sensitivity.layers[i].without.Add(sample.without[i]);
    }
  }
  return std::optional<Sensitivity>(std::move(sensitivity));
}

}  // namespace qrun::converter
