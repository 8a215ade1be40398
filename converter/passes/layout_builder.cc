#include "converter/passes/layout_builder.h"

#include <algorithm>
#include <numeric>

#include "converter/evaluate_constant.h"

namespace qrun::converter {
namespace {

// Whether the extents above 1 are the atoms' in this order, one axis per atom.
bool OneAxisPerAtom(const Shape& shape, const View& view, const std::vector<int>& atoms) {
  Shape extents;
  for (int64_t extent : shape) {
    if (extent != 1) extents.push_back(extent);
  }
  Shape wanted;
  for (int atom : atoms) wanted.push_back(view.extent[atom]);
  return extents == wanted;
}

}  // namespace

std::vector<int> SourceOrder(size_t rank) {
  std::vector<int> order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::vector<int> PreferredOrder(size_t rank) {
  return rank == 4 ? std::vector<int>{0, 2, 3, 1} : SourceOrder(rank);
}

Shape Permuted(const Shape& shape, const std::vector<int>& perm) {
  Shape out;
  for (int axis : perm) out.push_back(shape[axis]);
  return out;
}

LayoutBuilder::LayoutBuilder(const Graph& source) : source_(source), views_(source.values.size()) {
  graph_.name = source.name;
  graph_.layout = Layout::kNhwc;
}

std::vector<int> LayoutBuilder::OrderOf(ValueId id) const {
  const View& view = views_[id];
  std::vector<std::vector<int>> orders = {PreferredOrder(rank(id)), SourceOrder(rank(id))};
  if (std::optional<std::vector<int>> stored = StoredOrder(view)) orders.push_back(*std::move(stored));
  // The order that needs no operator at all comes first, then those that need a Reshape.
  for (const std::vector<int>& order : orders) {
    const bool same_shape = Permuted(source_value(id).shape, order) == graph_.values[view.stored].shape;
    if (same_shape && IsStoredAs(view, order)) return order;
  }
  for (const std::vector<int>& order : orders) {
    if (IsStoredAs(view, order)) return order;
  }
  return orders[0];
}

ValueId LayoutBuilder::Require(ValueId id, const std::vector<int>& perm) {
  const Value& value = source_value(id);
  if (value.is_constant()) return Constant(id, perm);
  const auto [entry, is_new] = required_.try_emplace({id, perm}, kNoValue);
  if (is_new) {
    const View& view = views_[id];
    const Shape target = Permuted(value.shape, perm);
    const std::vector<int> atoms = AtomOrder(view, perm);
    entry->second = std::is_sorted(atoms.begin(), atoms.end())
                        ? Reshape(value.name, view.stored, target)
                        : TransposeAtoms(view, atoms, target, value.name);
  }
  return entry->second;
}

ValueId LayoutBuilder::TransposeAtoms(const View& view, const std::vector<int>& atoms, const Shape& target,
                                      const std::string& name) {
  const Shape stored = graph_.values[view.stored].shape;
  std::vector<int> stored_atoms(view.extent.size());
  std::iota(stored_atoms.begin(), stored_atoms.end(), 0);
  fb::TransposeT op;
  if (stored.size() == target.size() && OneAxisPerAtom(stored, view, stored_atoms) &&
      OneAxisPerAtom(target, view, atoms)) {
    std::vector<int> atom_axes, unit_axes;
    for (size_t axis = 0; axis < stored.size(); ++axis) {
      (stored[axis] == 1 ? unit_axes : atom_axes).push_back(static_cast<int>(axis));
    }
    size_t atom = 0, unit = 0;
    for (int64_t extent : target)
      op.perm.push_back(extent == 1 ? unit_axes[unit++] : atom_axes[atoms[atom++]]);
    return Move(name, std::move(op), view.stored, target);
  }
  // Atoms that stay neighbours move as one.
  struct Run {
    int first;
    int64_t extent;
  };
  std::vector<Run> runs;
  for (size_t i = 0; i < atoms.size(); ++i) {
    const bool follows = i > 0 && atoms[i] == atoms[i - 1] + 1;
    if (!follows) runs.push_back({atoms[i], 1});
    runs.back().extent *= view.extent[atoms[i]];
  }
  std::vector<Run> stored_runs = runs;
  std::sort(stored_runs.begin(), stored_runs.end(),
            [](const Run& a, const Run& b) { return a.first < b.first; });
  Shape split = {1}, moved = {1};
  op.perm = {0};
  for (const Run& run : stored_runs) split.push_back(run.extent);
  for (const Run& run : runs) {
    const auto at = std::find_if(stored_runs.begin(), stored_runs.end(),
                                 [&](const Run& r) { return r.first == run.first; });
    op.perm.push_back(static_cast<int>(at - stored_runs.begin()) + 1);
    moved.push_back(run.extent);
  }
  ValueId id = Reshape(name, view.stored, split);
  id = Move(name, std::move(op), id, moved);
  return Reshape(name, id, target);
}

ValueId LayoutBuilder::RequireFeatures(ValueId id) {
  return Reshape(source_value(id).name, views_[id].stored, source_value(id).shape);
}

ValueId LayoutBuilder::FeatureConstant(ValueId constant, ValueId id) {
  const std::vector<int>& atoms = views_[id].dims[1];
  Value value = source_value(constant);
  if (std::is_sorted(atoms.begin(), atoms.end())) return Constant(constant, SourceOrder(value.shape.size()));
  const Shape shape = value.shape;
  Shape split(shape.begin(), shape.end() - 1);
  std::vector<int> perm = SourceOrder(split.size());
  std::vector<int> order = SourceOrder(atoms.size());
  std::sort(order.begin(), order.end(), [&](int a, int b) { return atoms[a] < atoms[b]; });
  for (int i : order) perm.push_back(static_cast<int>(shape.size()) - 1 + i);
  for (int atom : atoms) split.push_back(views_[id].extent[atom]);
  value = TransposedConstant(ReshapedConstant(value, split), perm);
  return AddValue(graph_, ReshapedConstant(value, shape));
}

ValueId LayoutBuilder::Constant(ValueId constant, const std::vector<int>& perm) {
  const auto [entry, is_new] = constants_.try_emplace({constant, perm}, kNoValue);
  if (is_new) {
    const Value& value = source_value(constant);
    entry->second =
        AddValue(graph_, std::is_sorted(perm.begin(), perm.end()) ? value : TransposedConstant(value, perm));
  }
  return entry->second;
}

ValueId LayoutBuilder::ReshapedConstantOf(ValueId constant, Shape shape) {
  return AddValue(graph_, ReshapedConstant(source_value(constant), std::move(shape)));
}

ValueId LayoutBuilder::Emit(const Node& node, NodeOptions options, std::vector<ValueId> inputs, Shape shape) {
  Value value;
  value.name = source_value(node.outputs[0]).name;
  value.shape = std::move(shape);
  const ValueId id = AddValue(graph_, std::move(value));
  graph_.nodes.push_back({node.name, node.source_op, std::move(options), std::move(inputs), {id}, node.norm});
  return id;
}

void LayoutBuilder::EmitPlain(const Node& node, NodeOptions options, std::vector<ValueId> inputs,
                              const std::vector<int>& perm) {
  const Shape& shape = source_value(node.outputs[0]).shape;
  const ValueId id = Emit(node, std::move(options), std::move(inputs), Permuted(shape, perm));
  SetView(node.outputs[0], PlainView(id, shape, perm));
}

ValueId LayoutBuilder::Copy(const std::string& name, ValueId stored) {
  const Shape shape = graph_.values[stored].shape;
  return Move(name, fb::ReshapeT{}, stored, shape);
}

ValueId LayoutBuilder::Move(const std::string& name, NodeOptions options, ValueId src, Shape shape) {
  const char* what = std::holds_alternative<fb::ReshapeT>(options) ? "Reshape" : "Transpose";
  Value value;
  value.name = name;
  value.shape = std::move(shape);
  const ValueId id = AddValue(graph_, std::move(value));
  graph_.nodes.push_back({name, what, std::move(options), {src}, {id}});
  return id;
}

ValueId LayoutBuilder::Reshape(const std::string& name, ValueId src, const Shape& shape) {
  return graph_.values[src].shape == shape ? src : Move(name, fb::ReshapeT{}, src, shape);
}

}  // namespace qrun::converter
