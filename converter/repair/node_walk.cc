#include "converter/repair/node_walk.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "converter/emit.h"
#include "converter/parallel.h"
#include "converter/quant_math.h"
#include "runtime/qrun.h"

namespace qrun::converter {
namespace {

size_t Bytes(const Value& value) {
  return static_cast<size_t>(ElementCount(value.shape)) * ElementBytes(value.type);
}

// Index of the last node that reads each value; -1 for none.
std::vector<int> LastReaders(const Graph& graph) {
  std::vector<int> last(graph.values.size(), -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue) last[id] = static_cast<int>(i);
    }
  }
  return last;
}

}  // namespace

std::vector<ValueId> ActivationsOf(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<ValueId> activations;
  for (ValueId id : ids) {
    if (id == kNoValue || graph.values[id].is_constant()) continue;
    if (std::find(activations.begin(), activations.end(), id) == activations.end()) activations.push_back(id);
  }
  return activations;
}

size_t WalkSamples(const Graph& graph) {
  const std::vector<int> last = LastReaders(graph);
  size_t live = 0, most = 1;
  for (ValueId id : graph.inputs) live += Bytes(graph.values[id]);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].outputs) live += Bytes(graph.values[id]);
    most = std::max(most, live);
    for (const std::vector<ValueId>* list : {&graph.nodes[i].inputs, &graph.nodes[i].outputs}) {
      for (ValueId id : ActivationsOf(graph, *list)) {
        if (last[id] <= static_cast<int>(i)) live -= Bytes(graph.values[id]);
      }
    }
  }
  return std::clamp<size_t>(kWalkBytes / most, 1, kWalkSamples);
}

Graph SingleNodeGraph(const Graph& graph, size_t i) {
  Graph single;
  single.name = graph.name;
  single.layout = graph.layout;
  Node node = graph.nodes[i];
  std::map<ValueId, ValueId> moved;
  for (std::vector<ValueId>* list : {&node.inputs, &node.outputs}) {
    for (ValueId& id : *list) {
      if (id == kNoValue) continue;
      const auto [entry, is_new] = moved.try_emplace(id, static_cast<ValueId>(single.values.size()));
      if (is_new) AddValue(single, graph.values[id]);
      id = entry->second;
    }
  }
  single.inputs = ActivationsOf(single, node.inputs);
  single.outputs = node.outputs;
  single.nodes.push_back(std::move(node));
  return single;
}

Status NodeWalk::Load(const CalibrationSource& source) {
  activations_.clear();
  for (size_t i = 0; i < source.size(); ++i) {
    std::vector<std::vector<float>> inputs;
    std::vector<std::span<float>> spans;
    for (ValueId id : graph_.inputs)
      inputs.emplace_back(static_cast<size_t>(ElementCount(graph_.values[id].shape)));
    for (std::vector<float>& input : inputs) spans.emplace_back(input);
    if (!source.Load(i, spans).ok()) continue;  // calibration has reported it
    auto& sample = activations_.emplace_back(graph_.values.size());
    for (size_t k = 0; k < inputs.size(); ++k) {
      const Value& value = graph_.values[graph_.inputs[k]];
      std::vector<int8_t> quantized;
      std::span<const std::byte> bytes = std::as_bytes(std::span(inputs[k]));
      if (value.type == ElementType::kInt8) {
        quantized = QuantizeValues(inputs[k], {value.quant->scale[0], value.quant->zero_point[0]});
        bytes = std::as_bytes(std::span(quantized));
      }
      sample[graph_.inputs[k]].assign(bytes.begin(), bytes.end());
    }
  }
  if (activations_.empty()) return Status::InvalidArgument("none of the calibration samples is usable");
  return Status::Ok();
}

void NodeWalk::ForEachSample(const std::function<void(size_t, size_t)>& work) const {
  ForEachIndex(samples(), threads_, work);
}

Status NodeWalk::RunNode(size_t i) {
  const Node& node = graph_.nodes[i];
  const Graph single = SingleNodeGraph(graph_, i);
  QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(single, {}));
  QRUN_ASSIGN_OR_RETURN(const Model model, Model::FromBytes(file.bytes));
  const std::vector<ValueId> inputs = ActivationsOf(graph_, node.inputs);
  SessionOptions options;
  options.reproducible_float = true;
  std::vector<Session> sessions;
  for (int worker = 0; worker < threads_; ++worker) {
    QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
    sessions.push_back(std::move(session));
  }
  std::vector<ValueId> dead;
  const std::vector<int> last = LastReaders(graph_);
  for (ValueId id : inputs) {
    if (last[id] <= static_cast<int>(i)) dead.push_back(id);
  }
  // Memory for all outputs before threads start: nothing may fail on them.
  for (auto& sample : activations_) {
    for (ValueId id : node.outputs) {
      if (last[id] >= 0) sample[id].resize(Bytes(graph_.values[id]));
    }
  }
  ForEachSample([&](size_t s, size_t worker) {
    Session& session = sessions[worker];
    for (size_t k = 0; k < inputs.size(); ++k) {
      const std::vector<std::byte>& bytes = activations_[s][inputs[k]];
      std::memcpy(session.InputBytes(static_cast<int>(k)).data(), bytes.data(), bytes.size());
    }
    session.Run();
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      std::vector<std::byte>& bytes = activations_[s][node.outputs[k]];
      if (!bytes.empty())
        std::memcpy(bytes.data(), session.OutputBytes(static_cast<int>(k)).data(), bytes.size());
    }
    for (ValueId id : dead)
      std::vector<std::byte>().swap(activations_[s][id]);  // clear() would keep the memory
  });
  return Status::Ok();
}

}  // namespace qrun::converter
