// Outlier channel splitting: a channel that reaches much further than the others becomes two that reach half
// as far.
#ifndef QRUN_CONVERTER_REPAIR_SPLIT_OUTLIERS_H_
#define QRUN_CONVERTER_REPAIR_SPLIT_OUTLIERS_H_

#include <span>

#include "converter/graph.h"
#include "converter/observers/channel_statistics.h"

namespace qrun::converter {

struct SplitReport {
  int tensors = 0, channels = 0;  // widened; channels added
  double largest_gain = 1;        // of a tensor: range before / after
};

// Zhao et al., "Improving neural network quantization without retraining using outlier channel splitting",
// 2019: the producer makes channel c twice with half of its weights and bias, and the readers read both with
// the weights that they had for it. Exact in real numbers and in binary32, for halves are. int8 then covers
// half of what c reached. Done where a tensor's range shrinks to kSplitGain of what it was or less, with
// kSplitShare more channels at most (one is always allowed). Widened activations are renamed.
//
// Only between linear operators (the readers not depthwise, groups of 1), where the clamp between commutes
// with halving: lower bound 0 or none, and an upper one that the channel stays clear of. Shapes of the
// widened activations change; graph inputs and outputs keep theirs.
//
// `graph`: canonical, float, NHWC; `channels`: per ValueId.
inline constexpr double kSplitGain = 0.8, kSplitShare = 0.05;
SplitReport SplitOutliers(Graph& graph, std::span<const ChannelStatistics> channels);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_SPLIT_OUTLIERS_H_
