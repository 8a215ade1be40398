#include <fmt/format.h>

#include "converter/infer_shapes.h"

namespace qrun::converter {
namespace {

Status Broken(const Node& node, const std::string& what) {
  return Status::Internal(fmt::format("{}: {}", NodeLabel(node), what));
}

Status CheckConstant(const Value& value) {
  const int64_t count = ElementCount(value.shape);
  if (count >= 0 && value.data->size() == static_cast<size_t>(count) * ElementBytes(value.type))
    return Status::Ok();
  return Status::Internal(fmt::format("constant '{}' of shape {} has {} bytes", value.name,
                                      ShapeString(value.shape), value.data->size()));
}

}  // namespace

Status ValidateGraph(const Graph& graph) {
  const int count = static_cast<int>(graph.values.size());
  std::vector<bool> made(count);
  for (int id = 0; id < count; ++id) {
    if (!graph.values[id].is_constant()) continue;
    QRUN_RETURN_IF_ERROR(CheckConstant(graph.values[id]));
    made[id] = true;
  }
  for (ValueId id : graph.inputs) {
    if (id < 0 || id >= count || made[id]) return Status::Internal(fmt::format("bad graph input {}", id));
    made[id] = true;
  }
  for (const Node& node : graph.nodes) {
    if (node.inputs.empty() || node.inputs[0] == kNoValue) return Broken(node, "has no input");
    for (ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      if (id < 0 || id >= count) return Broken(node, fmt::format("reads value {} of {}", id, count));
      if (!made[id]) return Broken(node, fmt::format("reads '{}' before it is made", graph.values[id].name));
    }
    if (node.outputs.size() != 1) return Broken(node, fmt::format("has {} outputs", node.outputs.size()));
    const ValueId out = node.outputs[0];
    if (out < 0 || out >= count || made[out]) return Broken(node, fmt::format("writes value {} twice", out));
    const Result<Shape> shape = InferShape(graph, node, graph.values[out].shape);
    if (!shape.ok()) return Broken(node, shape.error().message());
    if (*shape != graph.values[out].shape) {
      return Broken(node, fmt::format("gives shape {}, but '{}' has {}", ShapeString(*shape),
                                      graph.values[out].name, ShapeString(graph.values[out].shape)));
    }
    made[out] = true;
  }
  for (ValueId id : graph.outputs) {
    if (id < 0 || id >= count || !made[id])
      return Status::Internal(fmt::format("graph output {} is not made", id));
  }
  return Status::Ok();
}

}  // namespace qrun::converter
