// The parts of a network that rounding is learnt for together.
#ifndef QRUN_CONVERTER_REPAIR_ROUNDING_CHAIN_H_
#define QRUN_CONVERTER_REPAIR_ROUNDING_CHAIN_H_

#include <vector>

#include "converter/graph.h"
#include "converter/repair/linear_view.h"
#include "converter/repair/patch_means.h"

namespace qrun::converter {

// A linear operator of the float graph.
struct ChainLayer {
  size_t node = 0;
  LinearView linear;
  PatchGeometry geometry;
};

// Linear operators each of which is the only reader of the one before; with `residual`, an addition without a
// clamp follows, and `target` is its output, else the last operator's.
struct Chain {
  std::vector<ChainLayer> layers;
  ValueId residual = kNoValue;
  ValueId target = kNoValue;

  ValueId src() const { return layers.front().linear.src; }
};

enum class ChainKind {
  kLayers,  // every operator alone
  kBlocks,  // inverted residuals (convolution -> depthwise -> 1x1, or the last two) together, others alone
};

// All linear operators that `runs_int8` (per node) and that are no transposed convolutions, each in one
// chain, ordered so that a chain comes after all that its inputs depend on.
std::vector<Chain> FindChains(const Graph& graph, const std::vector<bool>& runs_int8, ChainKind kind);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ROUNDING_CHAIN_H_
