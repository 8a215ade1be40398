#include "converter/repair/bias_correction.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "converter/emit.h"
#include "converter/parallel.h"
#include "converter/precision/hybrid_session.h"
#include "converter/quant_math.h"
#include "converter/range.h"
#include "converter/repair/int8_bias.h"
#include "converter/repair/linear_view.h"
#include "converter/repair/node_walk.h"
#include "converter/repair/patch_means.h"
#include "converter/sample_runner.h"
#include "converter/subset_source.h"

namespace qrun::converter {
namespace {

// Means of float layers' inputs, by the value that the layer writes.
using Means = std::map<ValueId, std::vector<double>>;

// What int8 can hold of every value; without bounds where it is float.
std::vector<Range> HeldRanges(const Graph& int8_graph, size_t values) {
  std::vector<Range> held(values, Range{-INFINITY, INFINITY});
  for (size_t id = 0; id < values; ++id) {
    const auto& quant = int8_graph.values[id].quant;
    if (!quant || int8_graph.values[id].is_constant()) continue;
    held[id] = RangeOf({quant->scale[0], quant->zero_point[0]});
  }
  return held;
}

struct FloatLayer {
  ValueId src, dst;
  PatchGeometry geometry;
};

// Sums over some samples, in their order.
struct Shard {
  std::vector<std::vector<double>> sums;  // per layer
  size_t samples = 0;
};

// Runs the float network, cut where int8 clips, over all samples.
class FloatMeans {
 public:
  FloatMeans(const Graph& graph, const Graph& int8_graph, const CalibrationSource& source)
      : graph_(graph), held_(HeldRanges(int8_graph, graph.values.size())), source_(source) {
    for (const Node& node : graph.nodes) {
      if (const auto geometry = PatchGeometryOf(graph, node)) {
        layers_.push_back({node.inputs[0], node.outputs[0], *geometry});
      }
    }
  }

  Result<Means> Run(int threads) {
    QRUN_ASSIGN_OR_RETURN(const HybridModel model, HybridModel::Create(graph_, graph_));
    QRUN_ASSIGN_OR_RETURN(std::vector<HybridSession> sessions,
                          HybridSession::CreateSeveral(model, WorkerCount(kSampleShards, threads)));
    for (HybridSession& session : sessions) session.Clamp(held_);
    std::vector<Shard> shards(kSampleShards, EmptyShard());
    std::vector<Status> errors(kSampleShards);
    ForEachIndex(kSampleShards, threads, [&](size_t shard, size_t worker) {
      errors[shard] = RunShard(model, shard, sessions[worker], shards[shard]);
    });
    for (Status& error : errors) QRUN_RETURN_IF_ERROR(std::move(error));
    return MeansOf(shards);
  }

 private:
  Shard EmptyShard() const {
    Shard shard;
    for (const FloatLayer& layer : layers_) {
      shard.sums.emplace_back(layer.geometry.taps() * layer.geometry.channels);
    }
    return shard;
  }

  Status RunShard(const HybridModel& model, size_t shard, HybridSession& session, Shard& result) const {
    for (size_t i = ShardBegin(source_.size(), shard); i < ShardBegin(source_.size(), shard + 1); ++i) {
      const auto inputs = model.LoadSample(source_, i);
      if (!inputs.ok()) continue;
      QRUN_RETURN_IF_ERROR(session.Run(*inputs, NodeForms(model.nodes(), false)));
      ++result.samples;
      for (size_t k = 0; k < layers_.size(); ++k) {
        AddPatchSums(layers_[k].geometry, session.BaseFloats(layers_[k].src), result.sums[k]);
      }
    }
    return Status::Ok();
  }

  Result<Means> MeansOf(const std::vector<Shard>& shards) const {
    Shard all = EmptyShard();
    for (const Shard& shard : shards) {  // in order: sums depend on it
      all.samples += shard.samples;
      for (size_t k = 0; k < layers_.size(); ++k) {
        std::transform(all.sums[k].begin(), all.sums[k].end(), shard.sums[k].begin(), all.sums[k].begin(),
                       std::plus<double>());
      }
    }
    if (all.samples == 0) return Status::InvalidArgument("none of the calibration samples is usable");
    Means means;
    for (size_t k = 0; k < layers_.size(); ++k) {
      const double positions = static_cast<double>(layers_[k].geometry.positions());
      for (double& sum : all.sums[k]) sum /= static_cast<double>(all.samples) * positions;
      means[layers_[k].dst] = std::move(all.sums[k]);
    }
    return means;
  }

  const Graph& graph_;
  const std::vector<Range> held_;
  const CalibrationSource& source_;
  std::vector<FloatLayer> layers_;
};

// Mean of sum wei * x per output channel.
template <class T>
std::vector<double> MeanSums(const LinearView& linear, std::span<const T> wei, std::span<const double> means,
                             size_t channels) {
  std::vector<double> sums(linear.oc);
  for (size_t o = 0; o < linear.oc; ++o) {
    for (size_t tap = 0; tap < linear.taps; ++tap) {
      for (size_t i = 0; i < linear.ic_per_group; ++i) {
        sums[o] +=
            static_cast<double>(wei[linear.Index(o, tap, i)]) * means[tap * channels + linear.Channel(o, i)];
      }
    }
  }
  return sums;
}

class Corrector {
 public:
  Corrector(const Graph& float_graph, Graph& graph, int threads)
      : float_graph_(float_graph), graph_(graph), walk_(graph, threads) {
    for (const Node& node : float_graph.nodes) float_node_[node.outputs[0]] = &node;
  }

  Result<BiasCorrectionReport> Run(const CalibrationSource& source) {
    std::vector<size_t> first(std::min(source.size(), WalkSamples(graph_)));
    std::iota(first.begin(), first.end(), size_t{0});
    const SubsetSource samples(source, std::move(first));
    QRUN_ASSIGN_OR_RETURN(means_, FloatMeans(float_graph_, graph_, samples).Run(walk_.threads()));
    QRUN_RETURN_IF_ERROR(walk_.Load(samples));
    report_.samples = walk_.samples();
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      Correct(graph_.nodes[i]);
      QRUN_RETURN_IF_ERROR(walk_.RunNode(i));
    }
    return report_;
  }

 private:
  void Correct(Node& node) {
    const auto linear = AsLinear(graph_, node);
    const auto geometry = PatchGeometryOf(graph_, node);
    if (!linear || !geometry || graph_.values[linear->src].type != ElementType::kInt8) return;
    const auto original = float_node_.find(linear->dst);
    if (original == float_node_.end()) return;
    const auto float_linear = AsLinear(float_graph_, *original->second);
    if (!float_linear) return;

    const std::vector<double> wanted = MeanSums<float>(
        *linear, Floats(float_graph_.values[float_linear->wei]), means_[linear->dst], geometry->channels);
    const std::vector<double> has = MeanSums<int8_t>(*linear, Elements<int8_t>(graph_.values[linear->wei]),
                                                     Int8Means(*linear, *geometry), geometry->channels);
    Int8Bias bias(graph_, *linear);
    for (size_t o = 0; o < linear->oc; ++o) {
      const double wanted_bias =
          float_linear->bia == kNoValue ? 0 : Floats(float_graph_.values[float_linear->bia])[o];
      bias.Set(o, std::nearbyint((wanted_bias + wanted[o]) / bias.Step(o) - has[o]));
    }
    bias.Store(node, report_);
  }

  // Means of the input's integers less the zero point.
  std::vector<double> Int8Means(const LinearView& linear, const PatchGeometry& geometry) const {
    const int zero = graph_.values[linear.src].quant->zero_point[0];
    const size_t count = geometry.taps() * geometry.channels;
    std::vector<std::vector<int64_t>> sums(static_cast<size_t>(walk_.threads()), std::vector<int64_t>(count));
    walk_.ForEachSample([&](size_t sample, size_t worker) {
      const auto bytes = walk_.Activation(sample, linear.src);
      AddPatchSums(geometry, {reinterpret_cast<const int8_t*>(bytes.data()), bytes.size()}, zero,
                   sums[worker]);
    });
    std::vector<double> means(count);
    for (size_t k = 0; k < count; ++k) {
      int64_t sum = 0;
      for (const auto& part : sums) sum += part[k];
      means[k] = static_cast<double>(sum) / static_cast<double>(walk_.samples()) /
                 static_cast<double>(geometry.positions());
    }
    return means;
  }

  const Graph& float_graph_;
  Graph& graph_;
  NodeWalk walk_;
  std::map<ValueId, const Node*> float_node_;  // by the value it writes
  Means means_;
  BiasCorrectionReport report_;
};

}  // namespace

Result<BiasCorrectionReport> CorrectBiases(const Graph& float_graph, Graph& graph,
                                           const CalibrationSource& source, int threads) {
  return Corrector(float_graph, graph, threads).Run(source);
}

}  // namespace qrun::converter
