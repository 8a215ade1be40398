// The mean input of a linear operator's every weight, over all positions where the window stands.
#ifndef QRUN_CONVERTER_REPAIR_PATCH_MEANS_H_
#define QRUN_CONVERTER_REPAIR_PATCH_MEANS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "converter/graph.h"

namespace qrun::converter {

// Where the taps of a linear operator lie on its input.
struct PatchGeometry {
  int64_t ih = 1, iw = 1, oh = 1, ow = 1, kh = 1, kw = 1;
  int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1, pad_top = 0, pad_left = 0;
  size_t channels = 0;

  size_t taps() const { return static_cast<size_t>(kh * kw); }
  int64_t positions() const { return oh * ow; }
};

// Nothing for other operators, and for transposed convolutions. A FullyConnected is a 1x1 window over its
// rows.
std::optional<PatchGeometry> PatchGeometryOf(const Graph& graph, const Node& node);

// sums[tap * channels + c] += sum over positions of (src - zero) where the tap lies inside the input; padding
// counts as 0. The mean output of a linear operator, before its clamp, is then sum(wei * sums) / positions +
// bias. Sums of int8 are exact.
void AddPatchSums(const PatchGeometry& geometry, std::span<const float> src, std::span<double> sums);
void AddPatchSums(const PatchGeometry& geometry, std::span<const int8_t> src, int zero,
                  std::span<int64_t> sums);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_PATCH_MEANS_H_
