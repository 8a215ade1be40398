#include "converter/observers/auto_ranges.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <utility>
#include <variant>

#include "converter/count_work.h"
#include "converter/parallel.h"
#include "converter/precision/answers.h"
#include "converter/precision/hybrid_session.h"
#include "converter/quant_math.h"
#include "converter/subset_source.h"

namespace qrun::converter {
namespace {

// A mean gain that is no more than so many of its standard errors is taken for chance.
constexpr double kSigmas = 2;

// What int8 makes of `values`.
std::vector<float> Degraded(std::span<const float> values, AffineParams params) {
  std::vector<float> degraded(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    degraded[i] = static_cast<float>(QuantizeValue(values[i], params) - params.zero_point) * params.scale;
  }
  return degraded;
}

// `graph` with what Softmax reads in place of the outputs that it writes.
Graph WithoutLastSoftmax(Graph graph) {
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (!std::holds_alternative<fb::SoftmaxT>(node.options)) continue;
    std::replace(graph.outputs.begin(), graph.outputs.end(), node.outputs[0], node.inputs[0]);
  }
  return graph;
}

// Outputs that are zero throughout do not count: no error can be measured against them.
double HarmOf(const OutputValues& reference, const OutputValues& got) {
  double harm = 0;
  for (size_t k = 0; k < reference.size(); ++k) {
    ErrorSums sums;
    sums.Add(reference[k], got[k]);
    const double error = sums.RelativeError();
    if (!std::isinf(error)) harm += error;
  }
  return harm;
}

class Chooser {
 public:
  Chooser(const Graph& graph, const Calibration& calibration, bool symmetric, int threads)
      : graph_(WithoutLastSoftmax(graph)), symmetric_(symmetric), threads_(threads) {
    for (const ObserverKind& kind : ObserverKinds()) ranges_.push_back(calibration.Ranges(kind));
    for (size_t id = 0; id < ranges_[0].size(); ++id) {
      if (!ranges_[0][id].seen() || ranges_[0][id].has_nonfinite) continue;
      if (graph.values[id].type == ElementType::kFloat32) tensors_.push_back({static_cast<ValueId>(id), {}});
    }
    for (Tensor& tensor : tensors_) {
      for (size_t kind = 0; kind < ranges_.size(); ++kind) {
        if (IsFirstOfItsRange(tensor.id, kind)) tensor.candidates.push_back(kind);
      }
    }
  }

  Result<AutoRanges> Run(const CalibrationSource& source, const ProgressFunction& progress) {
    const size_t samples = std::min(source.size(), SamplesToRun());
    if (samples >= kAutoLeastSamples) {
      QRUN_ASSIGN_OR_RETURN(const HybridModel model, HybridModel::Create(graph_, graph_));
      QRUN_ASSIGN_OR_RETURN(std::vector<HybridSession> sessions,
                            HybridSession::CreateSeveral(model, WorkerCount(samples, threads_)));
      size_t done = 0;
      const auto round = [&](size_t begin, size_t end) {
        return TrySamples(model, sessions, source, begin, end, [&] {
          if (progress) progress(++done, samples);
        });
      };
      // What the first samples speak against is not tried on the others.
      QRUN_RETURN_IF_ERROR(round(0, kAutoLeastSamples));
      DropWorse();
      QRUN_RETURN_IF_ERROR(round(kAutoLeastSamples, samples));
    }
    return Choose();
  }

 private:
  struct Tensor {
    ValueId id;
    std::vector<size_t> candidates;  // observers with different ranges; the first is the widest range
  };
  using Harms = std::vector<std::vector<double>>;  // per tensor and candidate

  bool IsFirstOfItsRange(ValueId id, size_t kind) const {
    for (size_t before = 0; before < kind; ++before) {
      if (ranges_[before][id] == ranges_[kind][id]) return false;
    }
    return true;
  }

  size_t SamplesToRun() const {
    int64_t macs = 0;
    size_t runs = 0;
    for (const Node& node : graph_.nodes) macs += CountWork(graph_, node).macs;
    for (const Tensor& tensor : tensors_) runs += tensor.candidates.size();
    const double of_sample = static_cast<double>(macs) * static_cast<double>(runs) / 2;
    const double allowed = of_sample > 0 ? kAutoMacs / of_sample : kAutoSamples;
    return std::clamp(static_cast<size_t>(std::min<double>(allowed, kAutoSamples)), kAutoLeastSamples,
                      kAutoSamples);
  }

  template <class Done>
  Status TrySamples(const HybridModel& model, std::vector<HybridSession>& sessions,
                    const CalibrationSource& source, size_t begin, size_t end, const Done& done) {
    std::vector<Harms> harms(end - begin);
    std::vector<Status> status(end - begin);
    std::mutex mutex;
    ForEachIndex(end - begin, threads_, [&](size_t i, size_t worker) {
      status[i] = Try(model, sessions[worker], source, begin + i, harms[i]);
      const std::lock_guard lock(mutex);
      done();
    });
    for (Status& error : status) QRUN_RETURN_IF_ERROR(std::move(error));
    for (Harms& of_sample : harms) {
      if (!of_sample.empty()) harms_.push_back(std::move(of_sample));
    }
    return Status::Ok();
  }

  // A sample that cannot be loaded leaves nothing.
  Status Try(const HybridModel& model, HybridSession& session, const CalibrationSource& source, size_t sample,
             Harms& harms) {
    const auto inputs = model.LoadSample(source, sample);
    if (!inputs.ok()) return Status::Ok();
    QRUN_RETURN_IF_ERROR(session.Run(*inputs, NodeForms(model.nodes(), false)));
    const OutputValues reference = session.Outputs();
    for (const Tensor& tensor : tensors_) {
      std::vector<double>& of_tensor = harms.emplace_back();
      if (tensor.candidates.size() < 2) continue;
      for (size_t kind : tensor.candidates) {
        Range range = ranges_[kind][tensor.id];
        if (symmetric_) range = SymmetricRange(range);
        QRUN_RETURN_IF_ERROR(
            session.RunChanged(tensor.id, Degraded(session.BaseFloats(tensor.id), ParamsFromRange(range))));
        of_tensor.push_back(HarmOf(reference, session.Outputs()));
      }
    }
    return Status::Ok();
  }

  double MeanHarm(size_t tensor, size_t candidate) const {
    double sum = 0;
    for (const Harms& of_sample : harms_) sum += of_sample[tensor][candidate];
    return sum / static_cast<double>(harms_.size());
  }

  void DropWorse() {
    if (harms_.empty()) return;
    for (size_t t = 0; t < tensors_.size(); ++t) {
      std::vector<size_t>& candidates = tensors_[t].candidates;
      for (size_t c = candidates.size(); candidates.size() > 1 && --c > 0;) {
        if (MeanHarm(t, c) < MeanHarm(t, 0)) continue;
        candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(c));
        for (Harms& of_sample : harms_)
          of_sample[t].erase(of_sample[t].begin() + static_cast<std::ptrdiff_t>(c));
      }
    }
  }

  // Whether the candidate gains over the widest range, by more than chance.
  bool Gains(size_t tensor, size_t candidate) const {
    constexpr double kNone = 1e-30;  // of an output that is exact
    const double n = static_cast<double>(harms_.size());
    double sum = 0, squares = 0;
    for (const Harms& of_sample : harms_) {
      const double gain_db =
          10 * std::log10((of_sample[tensor][0] + kNone) / (of_sample[tensor][candidate] + kNone));
      sum += gain_db;
      squares += gain_db * gain_db;
    }
    const double mean = sum / n, variance = std::max(0.0, (squares - sum * mean) / (n - 1));
    return mean >= kAutoLeastGainDb && mean > kSigmas * std::sqrt(variance / n);
  }

  AutoRanges Choose() const {
    AutoRanges result;
    result.ranges = ranges_[0];
    result.judged = harms_.size() >= kAutoLeastSamples;
    for (size_t t = 0; t < tensors_.size(); ++t) {
      const Tensor& tensor = tensors_[t];
      size_t best = 0;
      for (size_t c = 1; result.judged && c < tensor.candidates.size(); ++c) {
        if (MeanHarm(t, c) < MeanHarm(t, best) && Gains(t, c)) best = c;
      }
      const size_t kind = tensor.candidates[best];
      result.ranges[tensor.id] = ranges_[kind][tensor.id];
      ++result.chosen[std::string(ObserverKinds()[kind].name)];
    }
    return result;
  }

  const Graph graph_;
  const bool symmetric_;
  const int threads_;
  std::vector<std::vector<Range>> ranges_;  // per observer and value
  std::vector<Tensor> tensors_;
  std::vector<Harms> harms_;  // per sample
};

}  // namespace

Result<AutoRanges> ChooseRanges(const Graph& graph, const Calibration& calibration,
                                const CalibrationSource& source, bool symmetric, int threads,
                                const ProgressFunction& progress) {
  return Chooser(graph, calibration, symmetric, threads).Run(source, progress);
}

}  // namespace qrun::converter
