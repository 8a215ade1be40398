#include "converter/diagnosis/layer_trials.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "converter/emit.h"
#include "converter/repair/linear_view.h"
#include "converter/repair/node_walk.h"
#include "runtime/qrun.h"

namespace qrun::converter {
namespace {

std::span<const float> FloatsOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

size_t Channels(const Graph& graph, ValueId id) {
  const Shape& shape = graph.values[id].shape;
  return shape.empty() ? 1 : static_cast<size_t>(shape.back());
}

// Real values of int8 weights.
std::vector<float> Dequantise(const Value& value) {
  const auto* bytes = reinterpret_cast<const int8_t*>(value.data->data());
  const QuantParams& quant = *value.quant;
  std::vector<float> reals(value.data->size());
  size_t inner = 1;
  for (size_t k = static_cast<size_t>(quant.axis + 1); quant.axis >= 0 && k < value.shape.size(); ++k) {
    inner *= static_cast<size_t>(value.shape[k]);
  }
  for (size_t i = 0; i < reals.size(); ++i) {
    reals[i] = static_cast<float>(bytes[i]) * quant.scale[i / inner % quant.scale.size()];
  }
  return reals;
}

// The largest weight of 2^(bits - 1) - 1 steps that the values fill: of fewer than 8 bits if they were given
// fewer.
int LevelsOf(const Value& value) {
  int largest = 0, levels = 1;
  for (std::byte byte : *value.data) largest = std::max(largest, std::abs(static_cast<int8_t>(byte)));
  while (levels < largest) levels = 2 * levels + 1;
  return levels;
}

// The distinct activations that a node reads, as the inputs of SingleNodeGraph are ordered.
std::vector<ValueId> ActivationInputs(const Graph& graph, const Node& node) {
  std::vector<ValueId> inputs;
  for (ValueId id : node.inputs) {
    if (id == kNoValue || graph.values[id].is_constant()) continue;
    if (std::find(inputs.begin(), inputs.end(), id) == inputs.end()) inputs.push_back(id);
  }
  return inputs;
}

// Parameters for another range, symmetric about 0 if those in use are.
AffineParams ParamsLike(AffineParams used, const Range& range) {
  if (used.zero_point != 0 || !range.seen()) return ParamsFromRange(range);
  const float scale = std::max({0.0f, -range.min / 128, range.max / 127});
  return ParamsFromRange({-128 * scale, 127 * scale});
}

void SetInput(Session& session, size_t k, std::span<const float> values) {
  std::memcpy(session.InputBytes(static_cast<int>(k)).data(), values.data(), values.size_bytes());
}

}  // namespace

LayerTrials::LayerTrials(const TrialModel& model) : model_(model) {
  int8_form_.resize(model.float_graph.values.size());
  for (size_t id = 0; id < int8_form_.size(); ++id) int8_form_[id] = static_cast<ValueId>(id);
  for (const Node& node : model.quantised.nodes) {
    node_writing_[node.outputs[0]] = &node;
    const ValueId src = node.inputs.empty() ? kNoValue : node.inputs[0];
    if (std::holds_alternative<fb::QuantizeT>(node.options) && src >= 0 &&
        static_cast<size_t>(src) < int8_form_.size()) {
      int8_form_[src] = node.outputs[0];
    }
  }
}

std::optional<AffineParams> LayerTrials::Params(ValueId id) const {
  const Value& value = model_.quantised.values[int8_form_[id]];
  if (value.is_constant() || value.type != ElementType::kInt8 || !value.quant) return {};
  const QuantParams& quant = *value.quant;
  return AffineParams{quant.scale[0], quant.zero_point.empty() ? 0 : quant.zero_point[0]};
}

const Node* LayerTrials::QuantisedNode(size_t i) const {
  const auto found = node_writing_.find(model_.float_graph.nodes[i].outputs[0]);
  return found == node_writing_.end() ? nullptr : found->second;
}

size_t LayerTrials::Add(size_t i, TrialSetting setting) {
  trials_.push_back({i, std::move(setting), {}});
  return trials_.size() - 1;
}

std::optional<LayerTrials::Rounding> LayerTrials::RoundingOf(ValueId id, const TrialSetting& setting) const {
  auto params = Params(id);
  if (!params) return {};
  if (const auto range = setting.ranges.find(id); range != setting.ranges.end()) {
    return Rounding{ParamsLike(*params, range->second), {}};
  }
  const ChannelStatistics& seen = model_.calibration.channels[id];
  if (setting.scales == nullptr || (*setting.scales)[id].empty() || !seen.seen()) {
    return Rounding{*params, {}};
  }
  const std::vector<double>& scale = (*setting.scales)[id];
  Range range;
  for (size_t c = 0; c < scale.size(); ++c) {
    range.Include({static_cast<float>(seen.Min(c) * scale[c]), static_cast<float>(seen.Max(c) * scale[c])});
  }
  return Rounding{ParamsLike(*params, range), scale};
}

// The node with its weights as int8 has them.
Graph LayerTrials::TrialGraph(size_t i, const TrialSetting& setting) const {
  Graph graph = SingleNodeGraph(model_.float_graph, i);
  const Node* quantised = QuantisedNode(i);
  const auto linear = AsLinear(graph, graph.nodes[0]);
  if (!linear || quantised == nullptr || quantised->inputs.size() < 2) return graph;
  const Value& int8 = model_.quantised.values[quantised->inputs[1]];
  if (int8.type != ElementType::kInt8 || !int8.quant) return graph;
  Value& wei = graph.values[linear->wei];
  if (setting.scales == nullptr && !setting.per_channel_weights) {
    wei = FloatConstant(wei.name, wei.shape, Dequantise(int8));
    return graph;
  }
  const Node& node = model_.float_graph.nodes[i];
  std::vector<double> factor(static_cast<size_t>(ElementCount(wei.shape)), 1.0);
  if (setting.scales != nullptr) {
    const auto of = [&](ValueId id, size_t c) {
      const std::vector<double>& scale = (*setting.scales)[id];
      return scale.empty() ? 1.0 : scale[c];
    };
    for (size_t o = 0; o < linear->oc; ++o) {
      for (size_t tap = 0; tap < linear->taps; ++tap) {
        for (size_t k = 0; k < linear->ic_per_group; ++k) {
          factor[linear->Index(o, tap, k)] =
              of(node.outputs[0], o) / of(node.inputs[0], linear->Channel(o, k));
        }
      }
    }
  }
  const std::span<const float> source = Floats(wei);
  std::vector<float> scaled(source.size());
  for (size_t k = 0; k < scaled.size(); ++k) scaled[k] = static_cast<float>(source[k] * factor[k]);
  const int axis = linear->depthwise ? 2 : 0;
  WeightOptions options;
  options.per_channel = setting.per_channel_weights || int8.quant->axis >= 0;
  options.levels = LevelsOf(int8);
  const LinearWeights rounded = QuantizeLinear(scaled, wei.shape, axis, {}, 1.0f, 1.0f, options);
  Value value = wei;
  value.data = std::make_shared<const std::vector<std::byte>>(
      reinterpret_cast<const std::byte*>(rounded.wei.data()),
      reinterpret_cast<const std::byte*>(rounded.wei.data()) + rounded.wei.size());
  value.quant = QuantParams{rounded.scale, {}, axis};
  std::vector<float> reals = Dequantise(value);
  for (size_t k = 0; k < reals.size(); ++k) reals[k] = static_cast<float>(reals[k] / factor[k]);
  wei = FloatConstant(wei.name, wei.shape, reals);
  return graph;
}

Status LayerTrials::Run(const CalibrationSource& source, int threads) {
  std::map<size_t, std::vector<Trial*>> of_node;
  for (Trial& trial : trials_) of_node[trial.node].push_back(&trial);
  if (of_node.empty()) return Status::Ok();
  NodeWalk walk(model_.float_graph, threads);
  QRUN_RETURN_IF_ERROR(walk.Load(source));
  const size_t last = of_node.rbegin()->first;
  for (size_t i = 0; i <= last; ++i) {
    if (auto trials = of_node.find(i); trials != of_node.end()) {
      QRUN_RETURN_IF_ERROR(RunNode(walk, i, trials->second));
    }
    if (i < last) QRUN_RETURN_IF_ERROR(walk.RunNode(i));
  }
  return Status::Ok();
}

Status LayerTrials::RunNode(const NodeWalk& walk, size_t i, std::vector<Trial*>& trials) {
  const Graph& graph = model_.float_graph;
  const Node& node = graph.nodes[i];
  const ValueId dst = node.outputs[0];
  if (graph.values[dst].type != ElementType::kFloat32) return Status::Ok();
  const std::vector<ValueId> inputs = ActivationInputs(graph, node);
  // Session 0 of every worker is the node in float, then one per trial.
  const size_t variants = trials.size() + 1;
  std::vector<Session> sessions;
  SessionOptions options;
  options.reproducible_float = true;
  for (size_t v = 0; v < variants; ++v) {
    const Graph single = v == 0 ? SingleNodeGraph(graph, i) : TrialGraph(i, trials[v - 1]->setting);
    QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(single, {}));
    QRUN_ASSIGN_OR_RETURN(const Model model, Model::FromBytes(file.bytes));
    for (int worker = 0; worker < walk.threads(); ++worker) {
      QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
      sessions.push_back(std::move(session));
    }
  }
  // What int8 makes of `values`, back in real numbers.
  const auto round = [&](ValueId id, const TrialSetting& setting, std::span<const float> values) {
    std::vector<float> rounded(values.begin(), values.end());
    const auto rounding = RoundingOf(id, setting);
    if (!rounding) return rounded;
    const size_t channels = Channels(graph, id);
    const auto [scale, zero_point] = rounding->params;
    for (size_t k = 0; k < rounded.size(); ++k) {
      const double u = rounding->scale.empty() ? 1.0 : rounding->scale[k % channels];
      rounded[k] = static_cast<float>((QuantizeValue(values[k] * u, rounding->params) - zero_point) *
                                      static_cast<double>(scale) / u);
    }
    return rounded;
  };
  const size_t channels = Channels(graph, dst);
  // Per sample, so that sums have one order: variant 0 is the power.
  std::vector<std::vector<double>> sums(walk.samples(), std::vector<double>(variants * channels));
  walk.ForEachSample([&](size_t s, size_t worker) {
    const auto session_of = [&](size_t v) -> Session& {
      return sessions[v * static_cast<size_t>(walk.threads()) + worker];
    };
    for (size_t k = 0; k < inputs.size(); ++k) {
      SetInput(session_of(0), k, FloatsOf(walk.Activation(s, inputs[k])));
    }
    session_of(0).Run();
    const std::span<const float> wanted = FloatsOf(session_of(0).OutputBytes(0));
    for (size_t k = 0; k < wanted.size(); ++k) {
      sums[s][k % channels] += static_cast<double>(wanted[k]) * wanted[k];
    }
    for (size_t v = 1; v < variants; ++v) {
      const TrialSetting& setting = trials[v - 1]->setting;
      for (size_t k = 0; k < inputs.size(); ++k) {
        SetInput(session_of(v), k, round(inputs[k], setting, FloatsOf(walk.Activation(s, inputs[k]))));
      }
      session_of(v).Run();
      const std::vector<float> got = round(dst, setting, FloatsOf(session_of(v).OutputBytes(0)));
      for (size_t k = 0; k < got.size(); ++k) {
        const double d = static_cast<double>(got[k]) - wanted[k];
        sums[s][v * channels + k % channels] += d * d;
      }
    }
  });
  for (size_t v = 0; v < variants; ++v) {
    std::vector<double>& total = v == 0 ? power_[i] : trials[v - 1]->error;
    total.assign(channels, 0);
    for (const auto& of_sample : sums) {
      for (size_t c = 0; c < channels; ++c) total[c] += of_sample[v * channels + c];
    }
  }
  return Status::Ok();
}

std::optional<double> LayerTrials::SqnrDb(size_t trial) const {
  const Trial& run = trials_[trial];
  const auto power = power_.find(run.node);
  if (power == power_.end()) return {};
  double sum = 0;
  size_t channels = 0;
  for (size_t c = 0; c < run.error.size(); ++c) {
    const double signal = power->second[c], error = run.error[c];
    if (!(signal > 0) || !std::isfinite(signal) || std::isnan(error)) continue;
    sum += error > 0 ? std::clamp(10 * std::log10(signal / error), 0.0, kMostDb) : kMostDb;
    ++channels;
  }
  if (channels == 0) return {};
  return sum / static_cast<double>(channels);
}

}  // namespace qrun::converter
