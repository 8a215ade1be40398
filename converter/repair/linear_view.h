// Conv2D, DepthwiseConv2D and FullyConnected seen alike: output channels that sum products over taps and
// input channels.
#ifndef QRUN_CONVERTER_REPAIR_LINEAR_VIEW_H_
#define QRUN_CONVERTER_REPAIR_LINEAR_VIEW_H_

#include <cstddef>
#include <limits>
#include <optional>

#include "converter/graph.h"

namespace qrun::converter {

// Weight (o, tap, i) multiplies input channel Channel(o, i) at that tap.
struct LinearView {
  ValueId src = kNoValue, wei = kNoValue, bia = kNoValue, dst = kNoValue;
  bool depthwise = false;
  size_t oc = 0, taps = 1, ic_per_group = 1, oc_per_group = 1;
  fb::Clamp clamp{-kUnbounded, kUnbounded};

  static constexpr float kUnbounded = std::numeric_limits<float>::infinity();

  size_t Index(size_t o, size_t tap, size_t i) const {
    return depthwise ? tap * oc + o : (o * taps + tap) * ic_per_group + i;
  }
  size_t Channel(size_t o, size_t i) const { return o / oc_per_group * ic_per_group + i; }
  // Products in one sum.
  size_t Reduction() const { return taps * ic_per_group; }
};

// Nothing if the node is none of the three, or if its weights or bias are not constant.
std::optional<LinearView> AsLinear(const Graph& graph, const Node& node);

// A clamp's upper bound counts as reached from 1 / kCapRoom of it on.
inline constexpr double kCapRoom = 1.1;

// The node's clamp; unbounded if it has none.
fb::Clamp ClampOrUnbounded(const Node& node);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_LINEAR_VIEW_H_
