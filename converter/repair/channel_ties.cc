#include "converter/repair/channel_ties.h"

#include <numeric>

#include "converter/repair/linear_view.h"

namespace qrun::converter {

std::optional<ChannelConstant> AsChannelConstant(const Graph& graph, const Node& node) {
  const auto* binary = std::get_if<fb::BinaryT>(&node.options);
  if (!binary) return {};
  const bool multiplies = binary->kind == fb::BinaryKind::Mul;
  if (!multiplies && binary->kind != fb::BinaryKind::Add && binary->kind != fb::BinaryKind::Sub) return {};
  const Value &src = graph.values[node.inputs[0]], &constant = graph.values[node.inputs[1]];
  const Value& dst = graph.values[node.outputs[0]];
  if (src.is_constant() || !constant.is_constant() || constant.type != ElementType::kFloat32) return {};
  if (src.shape.size() < 2 || src.shape != dst.shape || constant.shape.empty()) return {};
  if (constant.shape.back() != dst.shape.back() || ElementCount(constant.shape) != dst.shape.back())
    return {};
  return ChannelConstant{node.inputs[0], node.inputs[1], node.outputs[0], multiplies};
}

ChannelTies::ChannelTies(const Graph& graph) : graph_(graph), begin_(graph.values.size() + 1) {
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    const bool has_channels = !value.is_constant() && value.shape.size() >= 2;
    begin_[id + 1] = begin_[id] + (has_channels ? static_cast<size_t>(value.shape.back()) : 0);
  }
  parent_.resize(begin_.back());
  std::iota(parent_.begin(), parent_.end(), size_t{0});
  fixed_.assign(begin_.back(), false);
  for (ValueId id : graph.inputs) Fix(id);
  for (ValueId id : graph.outputs) Fix(id);
  for (const Node& node : graph.nodes) Visit(node);
}

size_t ChannelTies::Find(size_t slot) const {
  while (parent_[slot] != slot) slot = parent_[slot] = parent_[parent_[slot]];
  return slot;
}

void ChannelTies::Tie(size_t a, size_t b) {
  a = Find(a);
  b = Find(b);
  parent_[a] = b;
  if (fixed_[a]) fixed_[b] = true;
}

void ChannelTies::TieAll(ValueId a, ValueId b) {
  if (Channels(a) != Channels(b)) {
    Fix(a);
    Fix(b);
    return;
  }
  for (size_t c = 0; c < Channels(a); ++c) Tie(begin_[a] + c, begin_[b] + c);
}

void ChannelTies::Fix(ValueId id) {
  if (id == kNoValue) return;
  for (size_t c = 0; c < Channels(id); ++c) fixed_[Find(begin_[id] + c)] = true;
}

void ChannelTies::Visit(const Node& node) {
  const ValueId dst = node.outputs[0];
  const fb::Clamp clamp = ClampOrUnbounded(node);
  if (clamp.min() != 0 && clamp.min() > -std::numeric_limits<float>::max()) Fix(dst);
  if (AsLinear(graph_, node)) return;
  if (const auto affine = AsChannelConstant(graph_, node)) {
    if (!affine->multiplies) TieAll(affine->src, dst);
    return;
  }

  const ValueId src = node.inputs[0];
  const Shape& shape = graph_.values[dst].shape;
  bool tied = false;
  if (const auto* binary = std::get_if<fb::BinaryT>(&node.options)) {
    const ValueId other = node.inputs[1];
    if ((binary->kind == fb::BinaryKind::Add || binary->kind == fb::BinaryKind::Sub) &&
        !graph_.values[src].is_constant() && !graph_.values[other].is_constant()) {
      TieAll(src, dst);
      TieAll(other, dst);
      return;
    }
  } else if (const auto* concat = std::get_if<fb::ConcatT>(&node.options)) {
    const bool along_channels = concat->axis == static_cast<int>(shape.size()) - 1;
    size_t at = 0;
    for (ValueId input : node.inputs) {
      const size_t channels = static_cast<size_t>(graph_.values[input].shape.back());
      if (graph_.values[input].is_constant()) {
        for (size_t c = 0; c < channels; ++c)
          fixed_[Find(begin_[dst] + (along_channels ? at + c : c))] = true;
      } else if (Channels(input) != 0) {
        for (size_t c = 0; c < channels; ++c)
          Tie(begin_[input] + c, begin_[dst] + (along_channels ? at + c : c));
      }
      at += channels;
    }
    return;
  } else if (const auto* slice = std::get_if<fb::SliceT>(&node.options)) {
    const size_t begin = static_cast<size_t>(slice->begin.back()),
                 stride = static_cast<size_t>(slice->stride.back());
    for (size_t c = 0; c < Channels(dst); ++c) Tie(begin_[src] + begin + c * stride, begin_[dst] + c);
    return;
  } else if (const auto* pad = std::get_if<fb::PadT>(&node.options)) {
    tied = pad->value == 0 && pad->before.back() == 0 && pad->after.back() == 0;
  } else if (const auto* unary = std::get_if<fb::UnaryT>(&node.options)) {
    tied = unary->kind == fb::UnaryKind::LeakyRelu || unary->kind == fb::UnaryKind::Abs;
  } else if (std::holds_alternative<fb::Pool2DT>(node.options) ||
             std::holds_alternative<fb::Resize2DT>(node.options)) {
    tied = true;
  } else if (std::holds_alternative<fb::ReshapeT>(node.options)) {
    // Row-major: equal last extents mean equal channels; TieAll fixes the rest.
    tied = true;
  } else if (const auto* transpose = std::get_if<fb::TransposeT>(&node.options)) {
    tied = transpose->perm.back() == static_cast<int>(transpose->perm.size()) - 1;
  }
  if (tied) {
    TieAll(src, dst);
    return;
  }
  for (ValueId id : node.inputs) Fix(id);
  for (ValueId id : node.outputs) Fix(id);
}

}  // namespace qrun::converter
