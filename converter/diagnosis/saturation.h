// Which sums of an int8 layer cannot overflow, proved from its weights and the range of its input.
#ifndef QRUN_CONVERTER_DIAGNOSIS_SATURATION_H_
#define QRUN_CONVERTER_DIAGNOSIS_SATURATION_H_

#include <cstdint>
#include <optional>

#include "converter/graph.h"

namespace qrun::converter {

struct SaturationProof {
  // Largest |bias + sum of products| that any input can make, over the output channels: q - zero_point of the
  // input lies in [-128 - zero_point, 127 - zero_point]. Below 2^31 the int32 accumulator cannot overflow.
  int64_t largest_sum = 0;
  int channels = 0;
  // Channels where u8 x s8 products, added in pairs at 16 bits as pmaddubsw does, cannot saturate: 255 times
  // the sum of the positive, and of the negative, weights of every pair of neighbours fits int16. Neighbours
  // are weights 2k and 2k + 1 of the channel, taps before input channels, as the file has them.
  int pair_safe_channels = 0;

  bool accumulator_safe() const { return largest_sum <= INT32_MAX; }
};

// Of a node of a quantised graph; nothing if it has no int8 weights.
std::optional<SaturationProof> ProveSaturation(const Graph& graph, const Node& node);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_DIAGNOSIS_SATURATION_H_
