// High-bias absorption: what a channel always has goes into its readers' biases.
#ifndef QRUN_CONVERTER_REPAIR_ABSORB_BIASES_H_
#define QRUN_CONVERTER_REPAIR_ABSORB_BIASES_H_

#include <span>
#include <vector>

#include "converter/graph.h"

namespace qrun::converter {

struct AbsorptionReport {
  int layers = 0, channels = 0;
  double largest_share = 0;  // of a tensor's range, by which it shrank
};

// Behind a ReLU, a channel that never falls below floor[c] > 0 may lie floor[c] lower, if what its readers
// make of floor[c] goes into their biases (Nagel et al., "Data-free quantization through weight equalization
// and bias correction", 2019):
//
//   clamp(w x + b - floor, 0, inf) + floor = clamp(w x + b, 0, inf)        where the left sum stays above 0
//
// Exact on inputs that keep to `floor`. int8 then need not cover [0, floor]. Only where it pays: tensors
// whose largest channel shrinks. Only between linear operators without padding (a padded 0 would have to
// become -floor), and where the channel stays clear of its cap (`ceiling`, per value and channel: what it
// reaches).
//
// `floor`, `ceiling`: per ValueId and channel; empty where nothing is known. `graph`: canonical, float, NHWC.
AbsorptionReport AbsorbHighBiases(Graph& graph, std::span<const std::vector<double>> floor,
                                  std::span<const std::vector<double>> ceiling);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ABSORB_BIASES_H_
