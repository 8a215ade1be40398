// The arithmetic of quantisation: parameters from ranges, integers from floats. All in double, rounded half
// to even.
//
//   real = (q - zero_point) * scale
#ifndef QRUN_CONVERTER_QUANT_MATH_H_
#define QRUN_CONVERTER_QUANT_MATH_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "converter/graph.h"
#include "converter/range.h"

namespace qrun::converter {

// Scale and zero point of an int8 tensor.
struct AffineParams {
  float scale = 1.0f;
  int zero_point = 0;
  bool operator==(const AffineParams&) const = default;
};

// Asymmetric int8 over `range` widened to include 0: scale = (max - min) / 255, zero_point = round(-128 - min
// / scale). Zero is represented exactly. An empty range or [0, 0] gives scale 1, zero point 0; a scale below
// 2^-40 is raised to it.
AffineParams ParamsFromRange(const Range& range);

// The real values of -128 and 127.
Range RangeOf(AffineParams params);

// What zero point 0 covers if it covers `range`.
Range SymmetricRange(const Range& range);

// clamp(round(x / scale) + zero_point, -128, 127); NaN gives the zero point.
int8_t QuantizeValue(double x, AffineParams params);
std::vector<int8_t> QuantizeValues(std::span<const float> values, AffineParams params);

// dst = 256 int8 values, one per src from -128: dst[i] = quantise(f(dequantise(i - 128))). f is evaluated in
// double as schema/qfb.fbs states it.
std::array<int8_t, 256> BuildUnaryTable(const fb::UnaryT& function, AffineParams src, AffineParams dst);

// Weights of a linear operator: `extents` row-major, output channels along `axis`; wei int8 in [-127, 127]
// with one scale per channel; bia int32 at src_scale * scale[c] (empty if there is none).
struct LinearWeights {
  std::vector<int8_t> wei;
  std::vector<float> scale;
  std::vector<int32_t> bia;
  int zero_channels = 0;     // all weights 0
  int widened_channels = 0;  // scale above max|w| / levels: see QuantizeLinear
};

struct WeightOptions {
  bool per_channel = true;   // false: one scale for all channels, the largest
  bool least_error = false;  // see below
  // Mean square of every input channel: the weight of an error in the weights that read it. Empty: all alike.
  // Depthwise weights read one channel each and ignore it.
  std::span<const double> input_power;
  int levels = 127;  // integers lie in [-levels, levels]; 1..127
};

// scale[c] = max|w| / levels, with least_error the one of max|w| / levels * (1, 0.99, ... 0.5) with the least
// sum of input_power * (w - w')^2, widened where needed so that
//  - |bias| / (src_scale * scale[c]) + K * 255 * 127 stays in int32 (K weights per channel), and
//  - src_scale * scale[c] / dst_scale >= 2^-31, below which the channel's products cannot move the
//    output at all.
// A channel of zeros gets the scale at which its bias is at most 2^24 steps: exact in binary32.
// Precondition: |values| <= kMaxMagnitude, K <= kMaxReductionLength, scales from ParamsFromRange.
LinearWeights QuantizeLinear(std::span<const float> wei, const Shape& extents, int axis,
                             std::span<const float> bia, float src_scale, float dst_scale,
                             const WeightOptions& options = {});

// round(bia[c] / (src_scale * scale[c])), kept within BiasBound of k products.
std::vector<int32_t> QuantizeBias(std::span<const float> bia, float src_scale, std::span<const float> scale,
                                  size_t k);

// Largest |bias|, in steps, that leaves room in int32 for the sum of K products.
double BiasBound(size_t k);

// Largest K for which the accumulator bound leaves room for a bias.
inline constexpr int64_t kMaxReductionLength = 65536;

// Largest magnitude of a real value that is quantised: with scales in [2^-40, 2^33] every quotient of scales
// that a kernel multiplies by stays a normal binary32 number.
inline constexpr float kMaxMagnitude = 0x1p40f;

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_QUANT_MATH_H_
