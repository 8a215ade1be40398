// The layout pass. Nodes are visited in order; each source value becomes a View. Transposes and Reshapes of
// the source change the view only, and an element-wise operator works on whatever order it finds. Operators
// on images take NHWC, those with axes take any order and have their axes renumbered, FullyConnected has its
// weights permuted instead of its input. Only where an operator needs an order that the elements do not have,
// a Transpose is made.
#include <fmt/format.h>

#include <algorithm>

#include "converter/evaluate_constant.h"
#include "converter/passes/layout_builder.h"
#include "converter/passes/pass_functions.h"

namespace qrun::converter {
namespace {

const std::vector<int> kNhwcOrder = {0, 2, 3, 1};  // also OIHW to OHWI

int AxisIn(const std::vector<int>& perm, int axis) {
  return static_cast<int>(std::find(perm.begin(), perm.end(), axis) - perm.begin());
}

std::vector<int> PermutedInts(const std::vector<int>& values, const std::vector<int>& perm) {
  std::vector<int> out;
  for (int axis : perm) out.push_back(values[axis]);
  return out;
}

class ToNhwcRewrite {
 public:
  explicit ToNhwcRewrite(const Graph& source) : builder_(source) {}

  Result<Graph> Run() {
    for (ValueId id : builder_.source().inputs) Input(id);
    for (const Node& node : builder_.source().nodes) {
      Status status = std::visit([&](const auto& op) { return Lower(node, op); }, node.options);
      if (!status.ok()) return status.Annotate(NodeLabel(node));
    }
    for (ValueId id : builder_.source().outputs) Output(id);
    return std::move(builder_.graph());
  }

 private:
  // Sources that are NHWC themselves turn their input before anything else reads it.
  bool IsNhwcInSource(ValueId input) const {
    int readers = 0, turns = 0;
    for (const Node& node : builder_.source().nodes) {
      if (std::find(node.inputs.begin(), node.inputs.end(), input) == node.inputs.end()) continue;
      const auto* transpose = std::get_if<fb::TransposeT>(&node.options);
      ++readers;
      turns += transpose && transpose->perm == std::vector<int>{0, 3, 1, 2};
    }
    return readers > 0 && readers == turns;
  }

  void Input(ValueId id) {
    const Value& source = builder_.source_value(id);
    const bool image = source.shape.size() == 4 && !IsNhwcInSource(id);
    const std::vector<int> order = image ? kNhwcOrder : SourceOrder(source.shape.size());
    Value value = source;
    value.shape = Permuted(source.shape, order);
    if (image) value.source_layout = fb::SourceLayout::Nchw;
    const ValueId stored = AddValue(builder_.graph(), std::move(value));
    builder_.graph().inputs.push_back(stored);
    builder_.SetView(id, PlainView(stored, source.shape, order));
  }

  void Output(ValueId id) {
    const Value& source = builder_.source_value(id);
    Graph& graph = builder_.graph();
    const size_t rank = source.shape.size();
    const bool image = rank == 4 && (IsStoredAs(builder_.view(id), kNhwcOrder) ||
                                     !IsStoredAs(builder_.view(id), SourceOrder(rank)));
    ValueId stored = builder_.Require(id, image ? kNhwcOrder : SourceOrder(rank));
    const auto taken = [&](const std::vector<ValueId>& ids) {
      return std::find(ids.begin(), ids.end(), stored) != ids.end();
    };
    if (taken(graph.inputs) || taken(graph.outputs)) stored = builder_.Copy(source.name, stored);
    graph.values[stored].name = source.name;
    graph.values[stored].source_layout = image ? fb::SourceLayout::Nchw : fb::SourceLayout::Same;
    graph.outputs.push_back(stored);
  }

  // Convolution: image in, image out; weights OIHW to OHWI.
  Status Lower(const Node& node, const fb::Conv2DT& op) {
    std::vector<ValueId> inputs = {builder_.Require(node.inputs[0], kNhwcOrder),
                                   builder_.Constant(node.inputs[1], kNhwcOrder)};
    if (node.inputs.size() > 2 && node.inputs[2] != kNoValue)
      inputs.push_back(builder_.Constant(node.inputs[2], {0}));
    builder_.EmitPlain(node, op, std::move(inputs), kNhwcOrder);
    return Status::Ok();
  }

  Status Lower(const Node& node, const fb::Pool2DT& op) { return LowerImage(node, op); }
  Status Lower(const Node& node, const fb::Resize2DT& op) { return LowerImage(node, op); }
  Status LowerImage(const Node& node, NodeOptions op) {
    builder_.EmitPlain(node, std::move(op), {builder_.Require(node.inputs[0], kNhwcOrder)}, kNhwcOrder);
    return Status::Ok();
  }

  Status Lower(const Node& node, const fb::FullyConnectedT& op) {
    const ValueId src = node.inputs[0];
    std::vector<int> order = SourceOrder(builder_.rank(src));
    std::vector<ValueId> inputs;
    if (order.size() == 2) {
      inputs = {builder_.RequireFeatures(src), builder_.FeatureConstant(node.inputs[1], src)};
    } else {
      order = LastAxisOrder(src);
      inputs = {builder_.Require(src, order), builder_.Constant(node.inputs[1], {0, 1})};
    }
    if (node.inputs.size() > 2 && node.inputs[2] != kNoValue)
      inputs.push_back(builder_.Constant(node.inputs[2], {0}));
    builder_.EmitPlain(node, op, std::move(inputs), order);
    return Status::Ok();
  }

  // An order that keeps the source's last axis last: the one at hand if it does.
  std::vector<int> LastAxisOrder(ValueId id) const {
    const std::vector<int> source = SourceOrder(builder_.rank(id));
    if (IsStoredAs(builder_.view(id), source)) return source;
    const std::vector<int> order = builder_.OrderOf(id);
    return order.back() == source.back() ? order : source;
  }

  Status Lower(const Node& node, const fb::SoftmaxT& op) {
    const ValueId src = node.inputs[0];
    if (builder_.rank(src) == 2) return LowerFeatures(node, op, {});
    const std::vector<int> order = LastAxisOrder(src);
    builder_.EmitPlain(node, op, {builder_.Require(src, order)}, order);
    return Status::Ok();
  }

  // An operator on [1,K] that does not care for the order of the features.
  Status LowerFeatures(const Node& node, NodeOptions op, std::vector<ValueId> more_inputs) {
    const ValueId src = node.inputs[0];
    View view = builder_.view(src);
    more_inputs.insert(more_inputs.begin(), builder_.RequireFeatures(src));
    view.stored =
        builder_.Emit(node, std::move(op), std::move(more_inputs), builder_.source_value(src).shape);
    builder_.SetView(node.outputs[0], std::move(view));
    return Status::Ok();
  }

  // Element by element, on the elements as they stand.
  Status LowerInPlace(const Node& node, NodeOptions op, std::vector<ValueId> more_inputs) {
    View view = builder_.view(node.inputs[0]);
    more_inputs.insert(more_inputs.begin(), view.stored);
    const Shape shape = builder_.graph().values[view.stored].shape;
    view.stored = builder_.Emit(node, std::move(op), std::move(more_inputs), shape);
    builder_.SetView(node.outputs[0], std::move(view));
    return Status::Ok();
  }

  Status Lower(const Node& node, const fb::UnaryT& op) { return LowerInPlace(node, op, {}); }

  Status Lower(const Node& node, const fb::BinaryT& op) {
    const ValueId a = node.inputs[0], b = node.inputs[1];
    const Value& b_value = builder_.source_value(b);
    const View& view = builder_.view(a);
    const size_t stored_rank = builder_.graph().values[view.stored].shape.size();
    if (b_value.is_constant()) {
      if (ElementCount(b_value.shape) == 1) {
        return LowerInPlace(node, op, {builder_.ReshapedConstantOf(b, Shape(stored_rank, 1))});
      }
      if (b_value.shape.size() == 2) return LowerFeatures(node, op, {builder_.FeatureConstant(b, a)});
    } else {
      const View& other = builder_.view(b);
      const bool alike =
          view.extent == other.extent && view.dims == other.dims &&
          builder_.graph().values[view.stored].shape == builder_.graph().values[other.stored].shape;
      if (alike) return LowerInPlace(node, op, {other.stored});
    }
    std::vector<int> order = builder_.OrderOf(a);
    if (!b_value.is_constant() && !IsStoredAs(view, order) && StoredOrder(builder_.view(b)))
      order = builder_.OrderOf(b);
    builder_.EmitPlain(node, op, {builder_.Require(a, order), builder_.Require(b, order)}, order);
    return Status::Ok();
  }

  Status Lower(const Node& node, fb::ConcatT op) {
    const auto first = std::find_if(node.inputs.begin(), node.inputs.end(),
                                    [&](ValueId id) { return !builder_.source_value(id).is_constant(); });
    const std::vector<int> order = builder_.OrderOf(*first);
    std::vector<ValueId> inputs;
    for (ValueId id : node.inputs) inputs.push_back(builder_.Require(id, order));
    op.axis = AxisIn(order, op.axis);
    builder_.EmitPlain(node, std::move(op), std::move(inputs), order);
    return Status::Ok();
  }

  Status Lower(const Node& node, fb::SliceT op) {
    const std::vector<int> order = builder_.OrderOf(node.inputs[0]);
    op.begin = PermutedInts(op.begin, order);
    op.stride = PermutedInts(op.stride, order);
    builder_.EmitPlain(node, std::move(op), {builder_.Require(node.inputs[0], order)}, order);
    return Status::Ok();
  }

  Status Lower(const Node& node, fb::PadT op) {
    const std::vector<int> order = builder_.OrderOf(node.inputs[0]);
    op.before = PermutedInts(op.before, order);
    op.after = PermutedInts(op.after, order);
    builder_.EmitPlain(node, std::move(op), {builder_.Require(node.inputs[0], order)}, order);
    return Status::Ok();
  }

  Status Lower(const Node& node, const fb::ReshapeT&) {
    const ValueId src = node.inputs[0], out = node.outputs[0];
    const Shape& shape = builder_.source_value(out).shape;
    if (std::optional<View> view = Reshaped(builder_.view(src), shape)) {
      builder_.SetView(out, *std::move(view));
      return Status::Ok();
    }
    const std::vector<int> order = SourceOrder(shape.size());
    builder_.EmitPlain(node, fb::ReshapeT{}, {builder_.Require(src, SourceOrder(builder_.rank(src)))}, order);
    return Status::Ok();
  }

  Status Lower(const Node& node, const fb::TransposeT& op) {
    builder_.SetView(node.outputs[0], Transposed(builder_.view(node.inputs[0]), op.perm));
    return Status::Ok();
  }

  Status Lower(const Node& node, const Identity&) {
    builder_.SetView(node.outputs[0], builder_.view(node.inputs[0]));
    return Status::Ok();
  }

  Status Lower(const Node&, const Erf&) {
    return Status::Unsupported("Erf is only supported as a part of GELU, 0.5 x (1 + erf(x / sqrt 2))");
  }

  template <class Other>
  Status Lower(const Node&, const Other&) {
    return Status::Internal("an operator that cannot stand before the layout pass");
  }

  LayoutBuilder builder_;
};

}  // namespace

Result<int> ToNhwc(Graph& graph) {
  if (graph.layout == Layout::kNhwc) return 0;
  QRUN_ASSIGN_OR_RETURN(Graph out, ToNhwcRewrite(graph).Run());
  graph = std::move(out);
  return static_cast<int>(std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
    return std::holds_alternative<fb::TransposeT>(node.options) ||
           std::holds_alternative<fb::ReshapeT>(node.options);
  }));
}

}  // namespace qrun::converter
