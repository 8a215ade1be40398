#include "converter/precision/hybrid_model.h"

#include <numeric>
#include <utility>

#include "converter/emit.h"
#include "converter/repair/node_walk.h"

namespace qrun::converter {
namespace {

// Node `i` of `graph`; origin[v] is the float graph's value that v holds.
Result<HybridModel::Form> MakeForm(const Graph& graph, size_t i, const std::vector<ValueId>& origin) {
  QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(SingleNodeGraph(graph, i), {}));
  QRUN_ASSIGN_OR_RETURN(Model model, Model::FromBytes(file.bytes));
  HybridModel::Form form = {std::move(model), {}};
  for (ValueId id : ActivationsOf(graph, graph.nodes[i].inputs)) form.inputs.push_back(origin[id]);
  return form;
}

}  // namespace

Result<HybridModel> HybridModel::Create(const Graph& float_graph, const Graph& int8_graph) {
  const size_t values = float_graph.values.size();
  HybridModel hybrid;
  hybrid.inputs_ = float_graph.inputs;
  hybrid.outputs_ = float_graph.outputs;
  for (ValueId id : float_graph.inputs) {
    hybrid.input_elements_.push_back(static_cast<size_t>(ElementCount(float_graph.values[id].shape)));
  }
  hybrid.params_.resize(values);
  for (size_t id = 0; id < values; ++id) {
    const auto& quant = int8_graph.values[id].quant;
    if (quant) hybrid.params_[id] = {quant->scale[0], quant->zero_point[0]};
  }

  std::vector<ValueId> origin(int8_graph.values.size());
  std::iota(origin.begin(), origin.end(), 0);
  std::vector<int> writer(values, -1);  // in the float graph
  for (size_t i = 0; i < float_graph.nodes.size(); ++i) {
    QRUN_ASSIGN_OR_RETURN(Form form, MakeForm(float_graph, i, origin));
    hybrid.float_.push_back(std::move(form));
    hybrid.node_outputs_.push_back(float_graph.nodes[i].outputs);
    for (ValueId id : float_graph.nodes[i].outputs) writer[id] = static_cast<int>(i);
  }
  hybrid.int8_.resize(hybrid.float_.size());
  for (size_t j = 0; j < int8_graph.nodes.size(); ++j) {
    const Node& node = int8_graph.nodes[j];
    const ValueId dst = node.outputs[0];
    if (static_cast<size_t>(dst) >= values) {  // a conversion that QuantizeGraph inserted
      origin[dst] = origin[node.inputs[0]];
    } else if (int8_graph.values[dst].type == ElementType::kInt8) {
      QRUN_ASSIGN_OR_RETURN(Form form, MakeForm(int8_graph, j, origin));
      hybrid.int8_[static_cast<size_t>(writer[dst])] = std::move(form);
    }
  }
  return hybrid;
}

Result<std::vector<std::vector<float>>> HybridModel::LoadSample(const CalibrationSource& source,
                                                                size_t i) const {
  std::vector<std::vector<float>> inputs;
  for (size_t elements : input_elements_) inputs.emplace_back(elements);
  const std::vector<std::span<float>> spans(inputs.begin(), inputs.end());
  QRUN_RETURN_IF_ERROR(source.Load(i, spans));
  return inputs;
}

NodeForms HybridModel::AllInt8() const {
  NodeForms forms;
  for (const auto& form : int8_) forms.push_back(form.has_value());
  return forms;
}

}  // namespace qrun::converter
