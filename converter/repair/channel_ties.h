// Which channels of which activations must be scaled together, and which cannot be scaled.
#ifndef QRUN_CONVERTER_REPAIR_CHANNEL_TIES_H_
#define QRUN_CONVERTER_REPAIR_CHANNEL_TIES_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "converter/graph.h"

namespace qrun::converter {

// A Mul, Add or Sub of an activation with a constant per channel: what LayerNorm's gain and shift, and a
// BatchNorm that could not be folded, come to. The constant can take up a scale of its output's channels.
struct ChannelConstant {
  ValueId src = kNoValue, constant = kNoValue, dst = kNoValue;
  bool multiplies = false;
};
std::optional<ChannelConstant> AsChannelConstant(const Graph& graph, const Node& node);

// Slots are channels (elements of the last extent) of activations, numbered through. Operators that commute
// with a positive scale per channel tie slots; others fix them.
class ChannelTies {
 public:
  explicit ChannelTies(const Graph& graph);

  size_t slot_count() const { return parent_.size(); }
  size_t Channels(ValueId id) const { return begin_[id + 1] - begin_[id]; }
  // The slot that stands for all that are tied to channel c of value `id`.
  size_t Slot(ValueId id, size_t c) const { return Find(begin_[id] + c); }
  // True for slots whose scale must stay. `slot` from Slot().
  bool Fixed(size_t slot) const { return fixed_[slot]; }

 private:
  size_t Find(size_t slot) const;
  void Tie(size_t a, size_t b);
  void TieAll(ValueId a, ValueId b);
  void Fix(ValueId id);
  void Visit(const Node& node);

  const Graph& graph_;
  std::vector<size_t> begin_;  // per value, and the end
  mutable std::vector<size_t> parent_;
  std::vector<bool> fixed_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_CHANNEL_TIES_H_
