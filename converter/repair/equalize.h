// Cross-layer equalisation and smoothing: channels of one tensor are brought to like ranges, without changing
// what the float model computes.
#ifndef QRUN_CONVERTER_REPAIR_EQUALIZE_H_
#define QRUN_CONVERTER_REPAIR_EQUALIZE_H_

#include <span>
#include <string>
#include <vector>

#include "converter/graph.h"
#include "converter/observers/channel_statistics.h"

namespace qrun::converter {

struct EqualizeReport {
  int tensors = 0;            // activations with scaled channels
  int channels = 0;           // channels (shared by tensors or not) whose scale changed
  double largest_factor = 1;  // of the changes, largest of u and 1 / u
  std::vector<std::vector<double>>
      scales;  // u per value of the graph given, and channel; empty where all are 1
};

// As people read it: "12 channels of 3 tensors, by up to 8.5".
std::string ScaledText(const EqualizeReport& report);
// Adds the report's scales to those of earlier steps. A tensor is scaled by one step only.
void AddScales(const EqualizeReport& report, std::vector<std::vector<double>>& scales);

// int8 activations have one scale per tensor: where one channel reaches far less than another, it is left
// with few of the 256 steps. Scaling channel c of an activation by u[c], its producer's weights and bias by
// u[c], and its readers' weights by 1 / u[c] changes nothing in real numbers (Nagel et al., "Data-free
// quantization through weight equalization and bias correction", 2019; Meller et al., "Same, same but
// different", 2019), because clamp(., 0, inf), sums and pooling commute with it. Weights have a scale per
// output channel, so that producers and depthwise readers lose nothing; in other readers small u[c] widens
// the spread within a row.
//
// Channels are tied together where an operator joins them (Add, Sub, pooling, resizing, concatenation, ...);
// a channel that reaches a graph input or output, or an operator that does not commute, keeps its scale.
// ReLU6 and other caps do not commute: behind a cap, u[c] stays so low that what the channel reaches stays
// below the cap, and channels that reach it keep their scale. What a channel reaches is what calibration saw,
// or mean + 3 sigma of the sum before the activation (from weights and the inputs' moments, taken as
// independent) if that is more: a channel may be quiet on the calibration samples only.
//
// u[c] = reach[c]^-a * w[c]^(1-a), with w[c] the largest weight that reads the channel, in units of its row's
// output. a is chosen per connected tensors among 1, 3/4, 1/2, 1/4, 0 and no change at all, by the least
// noise that rounding of activations and weights is predicted to make in the readers' outputs. A model whose
// channels were rescaled beforehand is brought to the same result, up to the rounding of binary32.
//
// Only tensors that weights make, alone or with others; those of SmoothChannels are left alone. Where no
// scale changes, the graph stays as it is, values included; else constants are added to it.
//
// `graph`: canonical, float, NHWC; `channels`: per ValueId. per_channel_weights: whether weights will have a
// scale per output channel; weight_bits: as in QuantizeOptions.
EqualizeReport EqualizeChannels(Graph& graph, std::span<const ChannelStatistics> channels,
                                bool per_channel_weights, int weight_bits = 8);

// The same for tensors that a constant makes which multiplies or is added channel by channel (LayerNorm's
// gain and shift, a BatchNorm that could not be folded; ChannelConstant), and those tied to them: the
// constant takes u[c] as a producer's weights would. So outliers that a gain makes move from the activations
// of a product into its weights (Xiao et al., "SmoothQuant", 2022). Their migration strength is a, above: it
// is chosen for each tensor.
EqualizeReport SmoothChannels(Graph& graph, std::span<const ChannelStatistics> channels,
                              bool per_channel_weights, int weight_bits = 8);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_EQUALIZE_H_
