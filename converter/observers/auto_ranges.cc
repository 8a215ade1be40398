#include "converter/observers/auto_ranges.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "converter/emit.h"
#include "converter/quant_math.h"
#include "converter/repair/node_walk.h"
#include "converter/subset_source.h"

namespace qrun::converter {
namespace {

std::span<const float> FloatsOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

// What int8 makes of `values`.
void Degrade(std::span<const float> values, AffineParams params, std::span<float> degraded) {
  for (size_t i = 0; i < values.size(); ++i) {
    degraded[i] = static_cast<float>(QuantizeValue(values[i], params) - params.zero_point) * params.scale;
  }
}

class Chooser {
 public:
  Chooser(const Graph& graph, const Calibration& calibration, int threads)
      : graph_(graph), walk_(graph, threads), harm_(graph.values.size()) {
    for (const ObserverKind& kind : ObserverKinds()) candidates_.push_back(calibration.Ranges(kind));
  }

  Result<AutoRanges> Run(const CalibrationSource& source) {
    QRUN_RETURN_IF_ERROR(walk_.Load(source));
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      QRUN_RETURN_IF_ERROR(Try(i));
      QRUN_RETURN_IF_ERROR(walk_.RunNode(i));
    }
    return Choose();
  }

 private:
  // Runs node `i` with every candidate for every input and adds up the harm.
  Status Try(size_t i) {
    const Graph single = SingleNodeGraph(graph_, i);
    QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(single, {}));
    QRUN_ASSIGN_OR_RETURN(const Model model, Model::FromBytes(file.bytes));
    std::vector<ValueId> inputs;
    for (ValueId id : graph_.nodes[i].inputs) {
      if (id == kNoValue || graph_.values[id].is_constant()) continue;
      if (graph_.values[id].type != ElementType::kFloat32) return Status::Ok();
      if (std::find(inputs.begin(), inputs.end(), id) == inputs.end()) inputs.push_back(id);
    }
    std::vector<Session> sessions;
    SessionOptions options;
    options.reproducible_float = true;
    for (int worker = 0; worker < walk_.threads(); ++worker) {
      QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
      sessions.push_back(std::move(session));
    }
    const size_t kinds = candidates_.size();
    // Per sample, so that sums have one order: error per input and candidate, then the power of the output.
    std::vector<std::vector<double>> errors(walk_.samples(), std::vector<double>(inputs.size() * kinds + 1));
    walk_.ForEachSample([&](size_t s, size_t worker) {
      Session& session = sessions[worker];
      const auto set = [&](size_t k, std::span<const float> values) {
        std::memcpy(session.InputBytes(static_cast<int>(k)).data(), values.data(), values.size_bytes());
      };
      for (size_t k = 0; k < inputs.size(); ++k) set(k, FloatsOf(walk_.Activation(s, inputs[k])));
      session.Run();
      const auto output = FloatsOf(session.OutputBytes(0));
      const std::vector<float> wanted(output.begin(), output.end());
      for (float y : wanted) errors[s].back() += static_cast<double>(y) * y;
      for (size_t k = 0; k < inputs.size(); ++k) {
        const auto values = FloatsOf(walk_.Activation(s, inputs[k]));
        std::vector<float> degraded(values.size());
        for (size_t kind = 0; kind < kinds; ++kind) {
          if (const size_t same = SameBefore(inputs[k], kind); same != kind) {
            errors[s][k * kinds + kind] = errors[s][k * kinds + same];
            continue;
          }
          Degrade(values, ParamsFromRange(candidates_[kind][inputs[k]]), degraded);
          set(k, degraded);
          session.Run();
          const auto got = FloatsOf(session.OutputBytes(0));
          double& error = errors[s][k * kinds + kind];
          for (size_t e = 0; e < wanted.size(); ++e) {
            const double d = static_cast<double>(got[e]) - wanted[e];
            error += d * d;
          }
        }
        set(k, values);
      }
    });
    double power = 0;
    for (const auto& of_sample : errors) power += of_sample.back();
    if (!(power > 0)) return Status::Ok();
    for (size_t k = 0; k < inputs.size(); ++k) {
      std::vector<double>& harm = harm_[inputs[k]];
      harm.resize(kinds);
      for (size_t kind = 0; kind < kinds; ++kind) {
        for (const auto& of_sample : errors) harm[kind] += of_sample[k * kinds + kind] / power;
      }
    }
    return Status::Ok();
  }

  // The first candidate with the same range.
  size_t SameBefore(ValueId id, size_t kind) const {
    size_t same = 0;
    while (same < kind && !(candidates_[same][id] == candidates_[kind][id])) ++same;
    return same;
  }

  AutoRanges Choose() const {
    AutoRanges result;
    const std::span<const ObserverKind> kinds = ObserverKinds();
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      const bool seen = id < candidates_[0].size() && candidates_[0][id].seen();
      size_t best = 0;
      if (!harm_[id].empty()) {
        best = static_cast<size_t>(std::min_element(harm_[id].begin(), harm_[id].end()) - harm_[id].begin());
      } else {
        while (kinds[best].choose != MseRange) ++best;
      }
      result.ranges.push_back(candidates_[best][id]);
      if (seen) ++result.chosen[std::string(kinds[best].name)];
    }
    return result;
  }

  const Graph& graph_;
  NodeWalk walk_;
  std::vector<std::vector<Range>> candidates_;  // per observer and value
  std::vector<std::vector<double>> harm_;       // per value and observer
};

}  // namespace

Result<AutoRanges> ChooseRanges(const Graph& graph, const Calibration& calibration,
                                const CalibrationSource& source, int threads) {
  std::vector<size_t> first(std::min({source.size(), WalkSamples(graph), kAutoSamples}));
  std::iota(first.begin(), first.end(), size_t{0});
  return Chooser(graph, calibration, threads).Run(SubsetSource(source, std::move(first)));
}

}  // namespace qrun::converter
