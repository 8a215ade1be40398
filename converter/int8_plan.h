// Which operators run in int8, and which tensors must share their quantisation.
#ifndef QRUN_CONVERTER_INT8_PLAN_H_
#define QRUN_CONVERTER_INT8_PLAN_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "converter/graph.h"
#include "converter/range.h"
#include "schema/status.h"

namespace qrun::converter {

// How an operator behaves in int8.
enum class Int8Form {
  kFloatOnly,   // the format has no int8 form of it
  kLinear,      // inputs src, constant wei, optional constant bia; products summed in int32
  kRescales,    // src and dst have their own parameters
  kMovesBytes,  // src and dst share their parameters
};
Int8Form Int8FormOf(const Node& node);

struct Int8Plan {
  // Per node: why it stays float; empty if it runs in int8.
  std::vector<std::string> float_reason;
  // Per value: the range to quantise with, the same for all values that share parameters.
  std::vector<Range> range;
  // Per value: equal for values that share parameters.
  std::vector<int> group;
};

// Regular expressions (ECMAScript, found anywhere in the node's name) of nodes that stay float.
struct FloatExpressions {
  std::span<const std::string> all;
  // So many at the end of `all` were not asked for but chosen, to meet `goal`: "--min-sqnr 20".
  size_t chosen = 0;
  std::string_view goal = {};
};

// `ranges`: what calibration saw, per ValueId.
//
// A node runs in int8 if it has an int8 form, all its activations are float32 with finite ranges up to
// kMaxMagnitude, its constants are usable, and no expression names it. Operators that only move bytes follow
// their input, and cheap operators between float ones stay float: converting would cost more than it saves.
// Values joined by operators that move bytes share one range, the union of theirs. The inputs of a
// concatenation take the output's range where nothing else reads them: its bytes are then copied, not
// requantised. Errors: invalid_argument for an expression that does not parse or names no node.
Result<Int8Plan> PlanInt8(const Graph& graph, std::span<const Range> ranges,
                          const FloatExpressions& keep_float);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_INT8_PLAN_H_
