#include "converter/analyze_layers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "converter/calibrate.h"
#include "converter/count_work.h"
#include "converter/emit.h"
#include "converter/error_sums.h"
#include "converter/quant_math.h"

namespace qrun::converter {
namespace {

constexpr float kLargestWeight = 127;

// The activation of one value in both models, over all samples.
struct Activation {
  std::vector<float> reference, candidate;  // of the sample at hand
  ErrorSums error;
  Histogram histogram{kLayerHistogramBins};
  Range clip = {0, 0};  // what int8 covers
  float step = 0;       // 0 if it is not int8
  uint64_t clipped = 0;
};

// Index in the file's tensor list -> value, for values that both models store.
std::vector<ValueId> ValueOfTensor(const EmittedGraph& side, const EmittedGraph& other) {
  std::vector<ValueId> values;
  const size_t shared = std::min(side.tensor_of_value.size(), other.tensor_of_value.size());
  for (size_t id = 0; id < shared; ++id) {
    const int tensor = side.tensor_of_value[id];
    if (tensor < 0 || other.tensor_of_value[id] < 0 || side.graph.values[id].is_constant()) continue;
    values.resize(std::max(values.size(), static_cast<size_t>(tensor) + 1), kNoValue);
    values[static_cast<size_t>(tensor)] = static_cast<ValueId>(id);
  }
  return values;
}

// Real values of a tensor's bytes.
void Decode(const Value& value, std::span<const std::byte> bytes, std::vector<float>& reals) {
  if (value.type == ElementType::kFloat32) {
    const auto* floats = reinterpret_cast<const float*>(bytes.data());
    std::copy(floats, floats + reals.size(), reals.begin());
    return;
  }
  const auto* quantized = reinterpret_cast<const int8_t*>(bytes.data());
  const float scale = value.quant->scale[0];
  const int zero_point = value.quant->zero_point[0];
  for (size_t i = 0; i < reals.size(); ++i) reals[i] = static_cast<float>(quantized[i] - zero_point) * scale;
}

class Analyzer {
 public:
  Analyzer(const EmittedGraph& reference, const EmittedGraph& quantized)
      : reference_(reference),
        quantized_(quantized),
        activations_(reference.graph.values.size()),
        reference_values_(ValueOfTensor(reference, quantized)),
        quantized_values_(ValueOfTensor(quantized, reference)) {}

  Result<size_t> Run(const CalibrationSource& source, size_t limit, size_t max_samples) {
    // All at once: nothing may fail inside a run.
    for (ValueId id : reference_values_) {
      if (id == kNoValue) continue;
      const auto count = static_cast<size_t>(ElementCount(reference_.graph.values[id].shape));
      Activation& activation = activations_[id];
      activation.reference.resize(count);
      activation.candidate.resize(count);
      if (const auto& quant = quantized_.graph.values[id].quant) {
        activation.step = quant->scale[0];
        activation.clip = RangeOf({quant->scale[0], quant->zero_point[0]});
      }
    }
    SessionOptions options;
    options.reproducible_float = true;
    options.tap = [this](int tensor, std::span<const std::byte> bytes) {
      if (Activation* a = Find(reference_values_, tensor)) {
        Decode(ValueAt(reference_, reference_values_, tensor), bytes, a->reference);
        a->histogram.Add(a->reference);
        if (a->step != 0) {
          const float low = a->clip.min - a->step / 2, high = a->clip.max + a->step / 2;
          for (float value : a->reference) a->clipped += value < low || value > high;
        }
      }
    };
    QRUN_ASSIGN_OR_RETURN(Session reference, Session::Create(reference_.model, options));
    options.tap = [this](int tensor, std::span<const std::byte> bytes) {
      if (Activation* a = Find(quantized_values_, tensor)) {
        Decode(ValueAt(quantized_, quantized_values_, tensor), bytes, a->candidate);
        a->error.Add(a->reference, a->candidate);
      }
    };
    QRUN_ASSIGN_OR_RETURN(Session quantized, Session::Create(quantized_.model, options));

    std::vector<std::vector<float>> inputs;
    size_t samples = 0;
    const size_t total = limit == 0 ? source.size() : std::min(limit, source.size());
    for (size_t i = 0; i < total && samples < max_samples; ++i) {
      if (!LoadSample(source, i, reference, inputs).ok()) continue;  // calibration has reported it
      for (size_t k = 0; k < inputs.size(); ++k) {
        QRUN_RETURN_IF_ERROR(quantized.SetInput(static_cast<int>(k), inputs[k]));
      }
      reference.Run();
      quantized.Run();
      ++samples;
    }
    return samples;
  }

  // The row of the layer whose output is `id`.
  LayerFacts Describe(ValueId id) const {
    const Value& value = quantized_.graph.values[id];
    const Activation& activation = activations_[id];
    LayerFacts layer;
    layer.shape = value.shape;
    layer.sqnr_db = activation.error.SqnrDb();
    layer.cosine = activation.error.Cosine();
    layer.activations = activation.histogram;
    layer.int8 = activation.step != 0;
    layer.clip_min = activation.clip.min;
    layer.clip_max = activation.clip.max;
    layer.clipped = activation.clipped;
    return layer;
  }

 private:
  static const Value& ValueAt(const EmittedGraph& side, const std::vector<ValueId>& values, int tensor) {
    return side.graph.values[values[static_cast<size_t>(tensor)]];
  }
  // Null for tensors that only one of the models has.
  Activation* Find(const std::vector<ValueId>& values, int tensor) {
    if (static_cast<size_t>(tensor) >= values.size()) return nullptr;
    const ValueId id = values[static_cast<size_t>(tensor)];
    return id == kNoValue ? nullptr : &activations_[id];
  }

  const EmittedGraph& reference_;
  const EmittedGraph& quantized_;
  std::vector<Activation> activations_;  // per ValueId
  const std::vector<ValueId> reference_values_, quantized_values_;
};

// Precondition: `quantized` is the int8 form of `node`; their second inputs are weights.
WeightFacts DescribeWeights(const Graph& graph, const Node& node, const Graph& quantized_graph,
                            const Node& quantized) {
  WeightFacts facts;
  const Value& wei = graph.values[node.inputs[1]];
  const QuantParams& params = *quantized_graph.values[quantized.inputs[1]].quant;
  const std::span<const float> values = Floats(wei);
  facts.values.Add(values);
  const size_t channels = params.scale.size();
  // The axis is the first or the last one.
  const size_t inner = params.axis == 0 ? values.size() / channels : 1;
  facts.channel_min.assign(channels, std::numeric_limits<float>::infinity());
  facts.channel_max.assign(channels, -std::numeric_limits<float>::infinity());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t channel = i / inner % channels;
    facts.channel_min[channel] = std::min(facts.channel_min[channel], values[i]);
    facts.channel_max[channel] = std::max(facts.channel_max[channel], values[i]);
  }
  for (float scale : params.scale) facts.channel_limit.push_back(kLargestWeight * scale);
  return facts;
}

bool HasWeights(const Graph& graph, const Node& node) {
  if (node.inputs.size() < 2 || node.inputs[1] == kNoValue) return false;
  const Value& wei = graph.values[node.inputs[1]];
  return wei.is_constant() && wei.quant && wei.quant->axis >= 0;
}

}  // namespace

double LayerFacts::ClippedShare() const {
  return activations.total() == 0 ? 0
                                  : static_cast<double>(clipped) / static_cast<double>(activations.total());
}

double LayerFacts::RangeUse() const {
  if (activations.total() == 0) return 0;
  const double used = std::min(activations.max(), clip_max) - std::max(activations.min(), clip_min);
  return std::max(0.0, used / (static_cast<double>(clip_max) - clip_min));
}

Result<LayerReport> AnalyzeLayers(const EmittedGraph& reference, const EmittedGraph& quantized,
                                  const CalibrationSource& source, size_t limit, size_t max_samples) {
  Analyzer analyzer(reference, quantized);
  LayerReport report;
  QRUN_ASSIGN_OR_RETURN(report.samples, analyzer.Run(source, limit, max_samples));
  for (ValueId id : reference.graph.inputs) {
    LayerFacts& layer = report.layers.emplace_back(analyzer.Describe(id));
    layer.name = reference.graph.values[id].name;
    layer.op = "Input";
  }
  std::map<ValueId, const Node*> quantized_node;  // by the first output
  for (const Node& node : quantized.graph.nodes) quantized_node[node.outputs[0]] = &node;
  for (const Node& node : reference.graph.nodes) {
    LayerFacts& layer = report.layers.emplace_back(analyzer.Describe(node.outputs[0]));
    layer.name = node.name;
    layer.op = OperatorKind(node);
    const Work work = CountWork(reference.graph, node);
    layer.macs = work.macs;
    layer.parameters = work.parameters;
    const Node& int8_node = *quantized_node.at(node.outputs[0]);
    if (HasWeights(quantized.graph, int8_node)) {
      layer.weights = DescribeWeights(reference.graph, node, quantized.graph, int8_node);
    }
  }
  return report;
}

void NameBlocks(const Graph& before, const Graph& fused, LayerReport& report) {
  struct Place {
    std::string block, part;
  };
  std::map<ValueId, Place> places;
  for (const Node& node : fused.nodes) {
    const auto* block = std::get_if<fb::InvertedResidualT>(&node.options);
    if (block == nullptr) continue;
    if (block->expand) places[block->expanded] = {node.name, "expand"};
    if (block->expand_function) places[block->expand_function->result] = {node.name, "expand function"};
    places[block->filtered] = {node.name, "depthwise"};
    if (block->depthwise_function) {
      places[block->depthwise_function->result] = {node.name, "depthwise function"};
    }
    places[block->residual ? block->projected : node.outputs[0]] = {node.name, "project"};
    if (block->residual) places[node.outputs[0]] = {node.name, "residual"};
  }
  size_t row = before.inputs.size();
  for (const Node& node : before.nodes) {
    LayerFacts& layer = report.layers[row++];
    if (const auto at = places.find(node.outputs[0]); at != places.end()) {
      layer.block = at->second.block;
      layer.part = at->second.part;
    }
  }
}

}  // namespace qrun::converter
