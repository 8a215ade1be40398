// What a conversion did to each layer, for the report.
#ifndef QRUN_CONVERTER_LAYER_REPORT_H_
#define QRUN_CONVERTER_LAYER_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "converter/diagnosis/finding.h"
#include "converter/diagnosis/saturation.h"
#include "converter/graph.h"
#include "converter/histogram.h"

namespace qrun::converter {

inline constexpr int kLayerHistogramBins = 64;

// The float weights of a layer and the interval that int8 covers, channel by channel.
struct WeightFacts {
  Histogram values{kLayerHistogramBins};
  std::vector<float> channel_min, channel_max;
  std::vector<float> channel_limit;  // int8 covers [-limit, limit]
};

// A graph input, or an operator before blocks are fused. The bytes that flow between operators are the same
// in a fused block, so what is said of its inner values is true of the converted model.
struct LayerFacts {
  std::string name, op;     // op: the operator in the file's words, or "Input"
  std::string block, part;  // the operator that it is fused into, and as what; empty if it stands alone
  Shape shape;              // of the output, NHWC
  bool int8 = false;        // of the output
  int64_t macs = 0, parameters = 0;
  double sqnr_db = 0, cosine = 0;              // of the output against the float model's; see ErrorSums
  Histogram activations{kLayerHistogramBins};  // of the float model's output
  uint64_t clipped = 0;                        // of those values, more than half a step outside of int8's
  float clip_min = 0, clip_max = 0;            // what the output's int8 covers; if int8
  std::optional<WeightFacts> weights;          // of an int8 operator that has any
  std::optional<double> local_sqnr_db;         // of the operator run alone on float inputs; see LayerTrials
  std::optional<SaturationProof> saturation;   // of an int8 operator that has weights

  // Share of the values that are clipped, and share of the int8 range that lies between the smallest and the
  // largest value. Precondition: int8.
  double ClippedShare() const;
  double RangeUse() const;
};

struct LayerReport {
  size_t samples = 0;
  std::vector<LayerFacts> layers;  // inputs, then operators in order
  std::vector<Finding> findings;   // the worst first
  // InputFit::divergence; absent where the source has no BatchNorm to compare with.
  std::optional<double> input_divergence;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_LAYER_REPORT_H_
