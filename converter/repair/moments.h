// What activations are like, estimated without data.
#ifndef QRUN_CONVERTER_REPAIR_MOMENTS_H_
#define QRUN_CONVERTER_REPAIR_MOMENTS_H_

#include <cstddef>
#include <vector>

#include "converter/graph.h"

namespace qrun::converter {

// Of the channels (last extent) of an activation; empty if nothing can be said.
struct ChannelMoments {
  std::vector<double> mean, variance;
  std::vector<double> low, high;  // what int8 should cover

  bool known() const { return !mean.empty(); }
  size_t channels() const { return mean.size(); }
};

struct MomentEstimates {
  std::vector<ChannelMoments> values;  // per ValueId
  int from_norm = 0, propagated = 0;   // linear operators with and without BatchNorm statistics
};

// How many standard deviations int8 should cover where nothing else bounds it.
inline constexpr double kDataFreeSigmas = 6;

// Sums before the clamp of a linear operator are taken as normal: with BatchNorm's output mean and deviation
// where one was folded into the operator (Nagel et al., "Data-free quantization through weight equalization
// and bias correction", 2019), else with those that follow from its inputs'. Inputs are taken as independent
// but for the taps of one channel, which neighbour each other: between independent and equal, what gives
// more. Clamps cut the normal distribution, other functions are integrated over it. Averages over n positions
// are taken as of sqrt(n) independent ones. Operators without a rule (Softmax, Div, ...) leave their output
// unknown.
//
// `inputs`: of the graph's inputs. `graph`: canonical, float, NHWC.
MomentEstimates EstimateMoments(const Graph& graph, const std::vector<ChannelMoments>& inputs);

// Mean and variance of clamp(x, lo, hi) for normal x; the bounds may be infinite. variance >= 0.
struct Moments {
  double mean = 0, variance = 0;
};
Moments ClippedNormal(Moments normal, double lo, double hi);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_MOMENTS_H_
