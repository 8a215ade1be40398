#include "converter/int8_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <regex>

#include "converter/quant_math.h"

namespace qrun::converter {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>  // Clang 14 deduces no aggregates by itself
Overloaded(Ts...) -> Overloaded<Ts...>;

bool IsActivation(const Graph& graph, ValueId id) {
  return id != kNoValue && !graph.values[id].is_constant();
}

// Why a constant cannot be quantised; empty if it can.
std::string ConstantTrouble(const Value& value) {
  if (value.type != ElementType::kFloat32) return "constant '" + value.name + "' is not float32";
  for (float x : Floats(value)) {
    if (!(std::abs(x) <= kMaxMagnitude))
      return "constant '" + value.name + "' holds values that int8 cannot scale";
  }
  return "";
}

std::string ActivationTrouble(const Value& value, const Range& range) {
  if (value.type != ElementType::kFloat32) return "tensor '" + value.name + "' is not float32";
  if (range.has_nonfinite)
    return "tensor '" + value.name + "' took infinite or NaN values during calibration";
  if (!range.seen()) return "tensor '" + value.name + "' was not seen during calibration";
  if (std::max(std::abs(range.min), std::abs(range.max)) > kMaxMagnitude) {
    return "tensor '" + value.name + "' took values that int8 cannot scale";
  }
  return "";
}

std::string LinearTrouble(const Graph& graph, const Node& node) {
  const ValueId wei = node.inputs[1];
  if (!graph.values[wei].is_constant()) return "its weights are not constant";
  if (node.inputs.size() > 2 && IsActivation(graph, node.inputs[2])) return "its bias is not constant";
  const Shape& shape = graph.values[wei].shape;
  const bool depthwise = std::holds_alternative<fb::DepthwiseConv2DT>(node.options);
  const int64_t elements = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  const int64_t reduction = elements / (depthwise ? shape.back() : shape.front());
  if (reduction > kMaxReductionLength) {
    return "sums of " + std::to_string(reduction) + " products could overflow int32 (limit " +
           std::to_string(kMaxReductionLength) + ")";
  }
  return "";
}

std::string FloatOnlyReason(const Node& node) {
  if (const auto* binary = std::get_if<fb::BinaryT>(&node.options)) {
    return std::string(fb::EnumNameBinaryKind(binary->kind)) + " has no int8 form";
  }
  if (std::holds_alternative<fb::SoftmaxT>(node.options)) return "Softmax has no int8 form";
  return (node.source_op.empty() ? "it" : node.source_op) + " has no int8 form";
}

// What the node by itself has against int8.
std::string NodeTrouble(const Graph& graph, const Node& node, std::span<const Range> ranges) {
  const Int8Form form = Int8FormOf(node);
  if (form == Int8Form::kFloatOnly) return FloatOnlyReason(node);
  if (form == Int8Form::kLinear) {
    if (std::string trouble = LinearTrouble(graph, node); !trouble.empty()) return trouble;
  }
  for (const std::vector<ValueId>* list : {&node.inputs, &node.outputs}) {
    for (ValueId id : *list) {
      if (id == kNoValue) continue;
      const Value& value = graph.values[id];
      std::string trouble =
          value.is_constant() ? ConstantTrouble(value) : ActivationTrouble(value, ranges[id]);
      if (!trouble.empty()) return trouble;
    }
  }
  return "";
}

Status ApplyKeepFloat(const Graph& graph, const FloatExpressions& keep_float,
                      std::vector<std::string>& reason) {
  for (size_t k = 0; k < keep_float.all.size(); ++k) {
    const std::string& text = keep_float.all[k];
    const bool chosen = k + keep_float.chosen >= keep_float.all.size();
    std::regex expression;
    try {
      expression.assign(text);
    } catch (const std::regex_error& error) {
      return Status::InvalidArgument("--keep-float '" + text +
                                     "' is not a regular expression: " + error.what());
    }
    bool matched = false;
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      if (!std::regex_search(graph.nodes[i].name, expression)) continue;
      matched = true;
      reason[i] = chosen ? "chosen to meet " + std::string(keep_float.goal) : "asked for by --keep-float";
    }
    if (!matched) {
      std::string names;
      for (size_t i = 0; i < std::min<size_t>(3, graph.nodes.size()); ++i)
        names += " '" + graph.nodes[i].name + "'";
      return Status::InvalidArgument("--keep-float '" + text + "' matches no operator; the first of " +
                                     std::to_string(graph.nodes.size()) + " names are" + names);
    }
  }
  return Status::Ok();
}

class Planner {
 public:
  Planner(const Graph& graph, std::span<const Range> ranges) : graph_(graph), ranges_(ranges) {
    producer_.assign(graph.values.size(), -1);
    readers_.resize(graph.values.size());
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      for (ValueId id : graph.nodes[i].inputs) {
        if (id != kNoValue) readers_[id].push_back(static_cast<int>(i));
      }
      for (ValueId id : graph.nodes[i].outputs) producer_[id] = static_cast<int>(i);
    }
    parent_.resize(graph.values.size());
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  Result<Int8Plan> Run(const FloatExpressions& keep_float) {
    for (const Node& node : graph_.nodes) reason_.push_back(NodeTrouble(graph_, node, ranges_));
    QRUN_RETURN_IF_ERROR(ApplyKeepFloat(graph_, keep_float, reason_));
    while (SpreadFloat()) {
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (IsInt8(i) && Int8FormOf(node) == Int8Form::kMovesBytes) Join(node.inputs[0], node.outputs[0]);
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (IsInt8(i) && std::holds_alternative<fb::ConcatT>(graph_.nodes[i].options))
        JoinConcat(static_cast<int>(i));
    }

    Int8Plan plan;
    plan.float_reason = std::move(reason_);
    std::vector<Range> of_class(graph_.values.size());
    for (size_t id = 0; id < graph_.values.size(); ++id)
      of_class[Find(static_cast<int>(id))].Include(ranges_[id]);
    for (size_t id = 0; id < graph_.values.size(); ++id) plan.group.push_back(Find(static_cast<int>(id)));
    for (int group : plan.group) plan.range.push_back(of_class[group]);
    return plan;
  }

 private:
  bool IsInt8(size_t node) const { return reason_[node].empty(); }

  // Graph inputs count as int8: they become so as soon as one int8 operator reads them.
  bool ComesFromFloat(ValueId id) const {
    return producer_[id] >= 0 && !IsInt8(static_cast<size_t>(producer_[id]));
  }

  bool FeedsFloatOnly(ValueId id) const {
    return std::none_of(readers_[id].begin(), readers_[id].end(),
                        [&](int reader) { return IsInt8(static_cast<size_t>(reader)); });
  }

  // One round of what follows from the decisions so far; true if anything changed.
  bool SpreadFloat() {
    bool changed = false;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      const Int8Form form = Int8FormOf(node);
      if (!IsInt8(i) || form == Int8Form::kLinear) continue;
      const bool float_inputs = std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
        return !IsActivation(graph_, id) || ComesFromFloat(id);
      });
      if (!float_inputs) continue;
      if (form == Int8Form::kMovesBytes) {
        reason_[i] = "its input is float";
        changed = true;
      } else if (FeedsFloatOnly(node.outputs[0])) {
        reason_[i] = "it lies between float operators";
        changed = true;
      }
    }
    return changed;
  }

  int Find(int id) {
    while (parent_[id] != id) id = parent_[id] = parent_[parent_[id]];
    return id;
  }
  void Join(int a, int b) { parent_[Find(a)] = Find(b); }

  // Joins the classes of the inputs that nothing but this concatenation depends on with the output's.
  void JoinConcat(int concat) {
    const Node& node = graph_.nodes[concat];
    for (ValueId input : node.inputs) {
      if (!IsActivation(graph_, input)) continue;
      const int input_class = Find(input);
      bool only_here = input_class != Find(node.outputs[0]);
      for (size_t id = 0; only_here && id < graph_.values.size(); ++id) {
        if (Find(static_cast<int>(id)) != input_class) continue;
        only_here = std::find(graph_.inputs.begin(), graph_.inputs.end(), static_cast<int>(id)) ==
                        graph_.inputs.end() &&
                    std::find(graph_.outputs.begin(), graph_.outputs.end(), static_cast<int>(id)) ==
                        graph_.outputs.end();
        for (int reader : readers_[id]) {
          only_here &= reader == concat ||
                       (IsInt8(reader) && Int8FormOf(graph_.nodes[reader]) == Int8Form::kMovesBytes);
        }
      }
      if (only_here) Join(input, node.outputs[0]);
    }
  }

  const Graph& graph_;
  const std::span<const Range> ranges_;
  std::vector<std::string> reason_;
  std::vector<int> producer_;              // per value; -1: graph input or constant
  std::vector<std::vector<int>> readers_;  // per value
  std::vector<int> parent_;                // union-find over values that share parameters
};

}  // namespace

Int8Form Int8FormOf(const Node& node) {
  return std::visit(Overloaded{
                        [](const fb::Conv2DT&) { return Int8Form::kLinear; },
                        [](const fb::DepthwiseConv2DT&) { return Int8Form::kLinear; },
                        [](const fb::FullyConnectedT&) { return Int8Form::kLinear; },
                        [](const fb::BinaryT& binary) {
                          const bool has_form = binary.kind == fb::BinaryKind::Add ||
                                                binary.kind == fb::BinaryKind::Sub ||
                                                binary.kind == fb::BinaryKind::Mul;
                          return has_form ? Int8Form::kRescales : Int8Form::kFloatOnly;
                        },
                        [](const fb::Pool2DT& pool) {
                          return pool.kind == fb::PoolKind::Max ? Int8Form::kMovesBytes : Int8Form::kRescales;
                        },
                        [](const fb::UnaryT&) { return Int8Form::kRescales; },
                        [](const fb::ConcatT&) { return Int8Form::kRescales; },
                        [](const fb::SliceT&) { return Int8Form::kMovesBytes; },
                        [](const fb::PadT&) { return Int8Form::kMovesBytes; },
                        [](const fb::ReshapeT&) { return Int8Form::kMovesBytes; },
                        [](const fb::TransposeT&) { return Int8Form::kMovesBytes; },
                        [](const fb::Resize2DT&) { return Int8Form::kMovesBytes; },
                        [](const auto&) { return Int8Form::kFloatOnly; },
                    },
                    node.options);
}

Result<Int8Plan> PlanInt8(const Graph& graph, std::span<const Range> ranges,
                          const FloatExpressions& keep_float) {
  if (ranges.size() != graph.values.size()) {
    return Status::Internal("calibration covers " + std::to_string(ranges.size()) +
                            " values of a graph with " + std::to_string(graph.values.size()));
  }
  return Planner(graph, ranges).Run(keep_float);
}

}  // namespace qrun::converter
