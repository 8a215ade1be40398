// Static int8 post-training quantisation of a canonical float graph (NHWC).
#ifndef QRUN_CONVERTER_QUANTIZE_H_
#define QRUN_CONVERTER_QUANTIZE_H_

#include <map>
#include <span>
#include <string>
#include <vector>

#include "converter/graph.h"
#include "converter/observers/channel_statistics.h"
#include "converter/range.h"
#include "schema/status.h"

namespace qrun::converter {

// A linear operator whose weights are rounded already.
struct RoundedLinear {
  std::vector<int8_t> wei;   // as the weights are stored
  std::vector<float> scale;  // per output channel
  std::vector<float> bia;    // per output channel, in real numbers
};

struct QuantizeOptions {
  // See FloatExpressions: all, how many of them were chosen, and for which goal.
  std::vector<std::string> keep_float;
  size_t chosen_float = 0;
  std::string goal = {};
  bool per_channel_weights = true;
  bool least_error_weights = false;  // WeightOptions::least_error
  // Per ValueId; may be empty. For WeightOptions::input_power.
  std::span<const ChannelStatistics> channels = {};
  int weight_bits = 8;  // 2..8; see WeightLevels
  // Zero point 0, and the smallest scale that covers the range: for engines that want it so. Wastes half of
  // the steps behind a ReLU.
  bool symmetric_activations = false;
  // By the value that the operator writes; those that are not here are rounded to the nearest.
  std::map<ValueId, RoundedLinear> rounded = {};
};

// Per node: weights are integers in [-levels, levels], 2^(bits - 1) - 1 of them on each side of 0. They stay
// bytes in the file. The first and the last linear operators on every path keep 8 bits: they cost little and
// carry the image and the answer. 0 for nodes without weights.
std::vector<int> WeightLevels(const Graph& graph, int bits);

struct QuantizeReport {
  struct KeptFloat {
    std::string name, op, reason;
  };
  // An int8 activation and the real interval it was given.
  struct Activation {
    std::string name;
    float min = 0, max = 0;
    float scale = 0;
    int zero_point = 0;
  };
  int int8_operators = 0;
  std::vector<KeptFloat> kept_float;
  int lookup_tables = 0;
  int quantize_inserted = 0;
  int dequantize_inserted = 0;
  int weight_channels = 0;
  int zero_channels = 0;     // all weights 0
  int widened_channels = 0;  // scale widened for the accumulator bound or for a vanishing product
  std::vector<Activation> activations;
};

// Rewrites `graph` in place. `ranges` is what calibration saw, per ValueId.
//
//  - Activations: int8, asymmetric per tensor. Weights: int8, symmetric per output channel in [-127, 127].
//  Bias: int32 at
//    src.scale * wei.scale[oc]. Constants of Binary and Concat: int8 per tensor.
//  - Unary operators become LookupTable, computed in double.
//  - Operators without an int8 form (Softmax, Div, Min, Max) and those of `keep_float` run in float between
//  Quantize and
//    Dequantize, at most one of each per tensor.
//  - A graph input is int8 if an int8 operator reads it; a graph output is int8 if an int8 operator writes it
//  (logits
//    stay int8: their order, and so the class, is the same).
// Errors: invalid_argument (keep_float), internal (graph not canonical: quantised before, or not NHWC). On
// error the graph is unchanged. `report` may be null.
Status QuantizeGraph(Graph& graph, std::span<const Range> ranges, const QuantizeOptions& options,
                     QuantizeReport* report);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_QUANTIZE_H_
