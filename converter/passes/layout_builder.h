// Builds the NHWC graph next to the source's: every source value is a View of a value of the new graph.
#ifndef QRUN_CONVERTER_PASSES_LAYOUT_BUILDER_H_
#define QRUN_CONVERTER_PASSES_LAYOUT_BUILDER_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "converter/graph.h"
#include "converter/passes/view.h"

namespace qrun::converter {

// NHWC for images, the source's own order for other ranks.
std::vector<int> PreferredOrder(size_t rank);
// 0, 1, ..., rank - 1.
std::vector<int> SourceOrder(size_t rank);
Shape Permuted(const Shape& shape, const std::vector<int>& perm);

class LayoutBuilder {
 public:
  explicit LayoutBuilder(const Graph& source);

  const Graph& source() const { return source_; }
  const Value& source_value(ValueId id) const { return source_.values[id]; }
  size_t rank(ValueId id) const { return source_.values[id].shape.size(); }
  const View& view(ValueId id) const { return views_[id]; }
  void SetView(ValueId id, View view) { views_[id] = std::move(view); }
  Graph& graph() { return graph_; }

  // An order of axes in which the elements of a source value stand already, or else the preferred one.
  std::vector<int> OrderOf(ValueId id) const;

  // The new value that holds the source value with its axes in the order `perm`. Made by Reshape, by
  // Transpose, or by both around a Transpose of lower rank, where the elements do not stand like that
  // already.
  ValueId Require(ValueId id, const std::vector<int>& perm);

  // The stored elements of a source value of rank 2 as [1, K], features in whatever order they stand.
  ValueId RequireFeatures(ValueId id);

  // A constant whose last axis counts the features of source value `id` (rank 2), brought to the order in
  // which they stand.
  ValueId FeatureConstant(ValueId constant, ValueId id);

  // A constant with its axes in the order `perm`; the same one for the same question.
  ValueId Constant(ValueId constant, const std::vector<int>& perm);

  // A copy of the source's constant under a new shape of equal product.
  ValueId ReshapedConstantOf(ValueId constant, Shape shape);

  // Adds the operator that source node `node` becomes. Its output is named like the source's.
  ValueId Emit(const Node& node, NodeOptions options, std::vector<ValueId> inputs, Shape shape);

  // Emit, for an output whose axes stand in the order `perm`.
  void EmitPlain(const Node& node, NodeOptions options, std::vector<ValueId> inputs,
                 const std::vector<int>& perm);

  // A Reshape that gives a source value a new value of its own, named `name`.
  ValueId Copy(const std::string& name, ValueId stored);

 private:
  ValueId Move(const std::string& name, NodeOptions options, ValueId src, Shape shape);
  ValueId Reshape(const std::string& name, ValueId src, const Shape& shape);
  ValueId TransposeAtoms(const View& view, const std::vector<int>& atoms, const Shape& target,
                         const std::string& name);

  const Graph& source_;
  Graph graph_;
  std::vector<View> views_;
  std::map<std::pair<ValueId, std::vector<int>>, ValueId> required_;
  std::map<std::pair<ValueId, std::vector<int>>, ValueId> constants_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PASSES_LAYOUT_BUILDER_H_
