#include "converter/quantize.h"

#include <algorithm>
#include <utility>

#include "converter/emit.h"
#include "converter/int8_plan.h"
#include "converter/quant_math.h"

namespace qrun::converter {
namespace {

template <class T>
Value Constant(std::string name, Shape shape, ElementType type, std::span<const T> values) {
  Value value;
  value.name = std::move(name);
  value.shape = std::move(shape);
  value.type = type;
  const auto bytes = std::as_bytes(values);
  value.data = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  return value;
}

// A copy of an activation that is no graph input or output.
Value Renamed(Value value, const char* suffix) {
  value.name += suffix;
  value.source_layout = fb::SourceLayout::Same;
  return value;
}

QuantParams PerTensor(AffineParams params) { return {{params.scale}, {params.zero_point}, -1}; }

class Quantizer {
 public:
  Quantizer(const Graph& graph, Int8Plan plan, const QuantizeOptions& options, QuantizeReport& report)
      : source_(graph), plan_(std::move(plan)), options_(options), report_(report), graph_(graph) {
    graph_.nodes.clear();
    int8_of_.assign(graph.values.size(), kNoValue);
    float_of_.assign(graph.values.size(), kNoValue);
    written_int8_.assign(graph.values.size(), false);
    levels_ = WeightLevels(graph, options.weight_bits);
  }

  Graph Run() {
    for (size_t i = 0; i < source_.nodes.size(); ++i) {
      if (!IsInt8(i)) continue;
      for (ValueId id : source_.nodes[i].outputs) written_int8_[id] = true;
      for (ValueId id : source_.nodes[i].inputs) {
        for (ValueId input : source_.inputs) {
          if (id == input) written_int8_[id] = true;
        }
      }
    }
    for (size_t id = 0; id < written_int8_.size(); ++id) {
      if (written_int8_[id]) MakeInt8(static_cast<ValueId>(id), static_cast<ValueId>(id));
    }
    for (size_t i = 0; i < source_.nodes.size(); ++i) {
      Node node = source_.nodes[i];
      if (IsInt8(i)) {
        ConvertNode(node, levels_[i]);
        ++report_.int8_operators;
      } else {
        for (ValueId& id : node.inputs) id = AsFloat(id);
        report_.kept_float.push_back({node.name, OperatorKind(node), plan_.float_reason[i]});
      }
      graph_.nodes.push_back(std::move(node));
    }
    return std::move(graph_);
  }

 private:
  bool IsInt8(size_t node) const { return plan_.float_reason[node].empty(); }
  AffineParams ParamsOf(ValueId id) const { return ParamsFromRange(plan_.range[id]); }

  ValueId Add(Value value) { return AddValue(graph_, std::move(value)); }

  // Turns value `id` into the int8 form of the source's activation `activation`.
  void MakeInt8(ValueId id, ValueId activation) {
    const AffineParams params = ParamsOf(activation);
    Value& value = graph_.values[id];
    value.type = ElementType::kInt8;
    value.quant = PerTensor(params);
    const Range& range = plan_.range[activation];
    report_.activations.push_back({value.name, range.min, range.max, params.scale, params.zero_point});
  }

  ValueId AsInt8(ValueId id) {
    if (written_int8_[id]) return id;
    if (int8_of_[id] == kNoValue) {
      int8_of_[id] = Add(Renamed(source_.values[id], "/int8"));
      MakeInt8(int8_of_[id], id);
      graph_.nodes.push_back(
          {source_.values[id].name + "/quantize", "Quantize", fb::QuantizeT{}, {id}, {int8_of_[id]}});
      ++report_.quantize_inserted;
    }
    return int8_of_[id];
  }

  ValueId AsFloat(ValueId id) {
    if (id == kNoValue || !written_int8_[id]) return id;
    if (float_of_[id] == kNoValue) {
      float_of_[id] = Add(Renamed(source_.values[id], "/float"));
      graph_.nodes.push_back(
          {source_.values[id].name + "/dequantize", "Dequantize", fb::DequantizeT{}, {id}, {float_of_[id]}});
      ++report_.dequantize_inserted;
    }
    return float_of_[id];
  }

  ValueId ConstantAsInt8(ValueId id, AffineParams params) {
    const Value& source = source_.values[id];
    const std::vector<int8_t> quantized = QuantizeValues(Floats(source), params);
    Value value = Constant<int8_t>(source.name, source.shape, ElementType::kInt8, quantized);
    value.quant = PerTensor(params);
    return Add(std::move(value));
  }

  // `levels`: of its weights, if it has any.
  void ConvertNode(Node& node, int levels) {
    switch (Int8FormOf(node)) {
      case Int8Form::kLinear:
        ConvertLinear(node, levels);
        return;
      case Int8Form::kRescales:
        if (const auto* unary = std::get_if<fb::UnaryT>(&node.options)) {
          ConvertUnary(node, fb::UnaryT(*unary));
          return;
        }
        break;
      case Int8Form::kMovesBytes:
      case Int8Form::kFloatOnly:
        break;
    }
    const bool concat = std::holds_alternative<fb::ConcatT>(node.options);
    for (ValueId& id : node.inputs) {
      if (!source_.values[id].is_constant()) {
        id = AsInt8(id);
      } else if (concat) {
        id = ConstantAsInt8(id, ParamsOf(node.outputs[0]));
      } else {
        Range range;
        for (float x : Floats(source_.values[id])) range.Include({x, x});
        id = ConstantAsInt8(id, ParamsFromRange(range));
      }
    }
  }

  LinearWeights Round(const Node& node, int axis, int levels) const {
    const ValueId src = node.inputs[0];
    const Value& wei = source_.values[node.inputs[1]];
    const bool has_bias = node.inputs.size() > 2 && node.inputs[2] != kNoValue;
    if (const auto done = options_.rounded.find(node.outputs[0]); done != options_.rounded.end()) {
      LinearWeights linear;
      linear.wei = done->second.wei;
      linear.scale = done->second.scale;
      linear.bia = QuantizeBias(done->second.bia, ParamsOf(src).scale, linear.scale,
                                linear.wei.size() / linear.scale.size());
      return linear;
    }
    std::vector<double> power;
    if (!options_.channels.empty() && options_.channels[src].seen()) {
      for (size_t c = 0; c < options_.channels[src].channels(); ++c) {
        power.push_back(options_.channels[src].MeanSquare(c));
      }
    }
    return QuantizeLinear(Floats(wei), wei.shape, axis,
                          has_bias ? Floats(source_.values[node.inputs[2]]) : std::span<const float>{},
                          ParamsOf(src).scale, ParamsOf(node.outputs[0]).scale,
                          {options_.per_channel_weights, options_.least_error_weights, power, levels});
  }

  void ConvertLinear(Node& node, int levels) {
    const Value& wei = source_.values[node.inputs[1]];
    const int axis = std::holds_alternative<fb::DepthwiseConv2DT>(node.options) ? 2 : 0;
    const LinearWeights linear = Round(node, axis, levels);
    report_.weight_channels += static_cast<int>(linear.scale.size());
    report_.zero_channels += linear.zero_channels;
    report_.widened_channels += linear.widened_channels;

    node.inputs[0] = AsInt8(node.inputs[0]);
    Value quantized = Constant<int8_t>(wei.name, wei.shape, ElementType::kInt8, linear.wei);
    quantized.quant = options_.per_channel_weights ? QuantParams{linear.scale, {}, axis}
                                                   : QuantParams{{linear.scale[0]}, {}, -1};
    const std::string bia_name = BiasName(node);
    node.inputs[1] = Add(std::move(quantized));
    if (linear.bia.empty()) return;
    node.inputs.resize(3, kNoValue);
    node.inputs[2] = Add(Constant<int32_t>(bia_name, {static_cast<int64_t>(linear.bia.size())},
                                           ElementType::kInt32, linear.bia));
  }

  std::string BiasName(const Node& node) const {
    const bool has_bias = node.inputs.size() > 2 && node.inputs[2] != kNoValue;
    return has_bias ? source_.values[node.inputs[2]].name : node.name + "/bias";
  }

  void ConvertUnary(Node& node, const fb::UnaryT& function) {
    const ValueId src = node.inputs[0];
    const AffineParams dst_params = ParamsOf(node.outputs[0]);
    const auto table = BuildUnaryTable(function, ParamsOf(src), dst_params);
    node.inputs[0] = AsInt8(src);
    Value value = Constant<int8_t>(node.name + "/table", {256}, ElementType::kInt8, table);
    value.quant = PerTensor(dst_params);
    node.inputs.push_back(Add(std::move(value)));
    node.options = fb::LookupTableT{};
    ++report_.lookup_tables;
  }

  const Graph& source_;
  const Int8Plan plan_;
  const QuantizeOptions& options_;
  QuantizeReport& report_;
  Graph graph_;
  std::vector<ValueId> int8_of_, float_of_;  // converted copies, per source value
  std::vector<bool> written_int8_;           // per source value: its own storage is int8
  std::vector<int> levels_;                  // of weights, per source node
};

Status CheckCanonical(const Graph& graph) {
  if (graph.layout != Layout::kNhwc)
    return Status::Internal("the graph to quantise is not NHWC: run the passes first");
  for (const Value& value : graph.values) {
    if (value.quant) return Status::Internal("tensor '" + value.name + "' is quantised already");
  }
  return Status::Ok();
}

// Per node: a linear operator is among those that its inputs depend on.
std::vector<bool> HasLinearBefore(const Graph& graph) {
  std::vector<bool> behind(graph.values.size(), false), result;
  for (const Node& node : graph.nodes) {
    bool before = false;
    for (ValueId id : node.inputs) before |= id != kNoValue && behind[id];
    result.push_back(before);
    for (ValueId id : node.outputs) behind[id] = before || Int8FormOf(node) == Int8Form::kLinear;
  }
  return result;
}

std::vector<bool> HasLinearAfter(const Graph& graph) {
  std::vector<bool> ahead(graph.values.size(), false), result(graph.nodes.size());
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    bool after = false;
    for (ValueId id : node.outputs) after = after || ahead[id];
    result[i] = after;
    for (ValueId id : node.inputs) {
      if (id != kNoValue) ahead[id] = ahead[id] || after || Int8FormOf(node) == Int8Form::kLinear;
    }
  }
  return result;
}

}  // namespace

std::vector<int> WeightLevels(const Graph& graph, int bits) {
  const std::vector<bool> before = HasLinearBefore(graph), after = HasLinearAfter(graph);
  std::vector<int> levels(graph.nodes.size());
  for (size_t i = 0; i < levels.size(); ++i) {
    if (Int8FormOf(graph.nodes[i]) != Int8Form::kLinear) continue;
    levels[i] = (1 << ((before[i] && after[i] ? bits : 8) - 1)) - 1;
  }
  return levels;
}

Status QuantizeGraph(Graph& graph, std::span<const Range> ranges, const QuantizeOptions& options,
                     QuantizeReport* report) {
  QRUN_RETURN_IF_ERROR(CheckCanonical(graph));
  QRUN_ASSIGN_OR_RETURN(Int8Plan plan,
                        PlanInt8(graph, ranges, {options.keep_float, options.chosen_float, options.goal}));
  if (options.symmetric_activations) {
    for (Range& range : plan.range) range = SymmetricRange(range);
  }
  QuantizeReport filled;
  Graph quantized = Quantizer(graph, std::move(plan), options, filled).Run();
  graph = std::move(quantized);
  if (report != nullptr) *report = std::move(filled);
  return Status::Ok();
}

}  // namespace qrun::converter
