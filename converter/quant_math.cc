#include "converter/quant_math.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "converter/unary_function.h"
#include "runtime/quant_math.h"

namespace qrun::converter {
namespace {

constexpr double kMinScale = 0x1p-40;

// x to the nearest integer, ties to even (the default rounding mode), kept inside [lo, hi].
double RoundClamped(double x, double lo, double hi) { return std::clamp(std::nearbyint(x), lo, hi); }

// The input channel that weight i of [OC, ..., IC / groups] reads, of `input_channels` in all.
size_t InputChannel(size_t i, const Shape& extents, size_t input_channels) {
  const auto ic = static_cast<size_t>(extents.back()), oc = static_cast<size_t>(extents.front());
  size_t per_channel = 1;
  for (size_t k = 1; k < extents.size(); ++k) per_channel *= static_cast<size_t>(extents[k]);
  const size_t groups = input_channels / ic;
  return i / per_channel / (oc / groups) * ic + i % ic;
}

}  // namespace

AffineParams ParamsFromRange(const Range& range) {
  const double min = std::min(0.0, static_cast<double>(range.min));
  const double max = std::max(0.0, static_cast<double>(range.max));
  if (!range.seen() || min == max) return {};
  AffineParams params;
  params.scale = static_cast<float>(std::max((max - min) / 255.0, kMinScale));
  params.zero_point = static_cast<int>(RoundClamped(-128.0 - min / params.scale, -128, 127));
  return params;
}

Range RangeOf(AffineParams params) {
  return {static_cast<float>(-128 - params.zero_point) * params.scale,
          static_cast<float>(127 - params.zero_point) * params.scale};
}

Range SymmetricRange(const Range& range) {
  if (!range.seen()) return range;
  Range symmetric = range;
  const float scale = std::max({0.0f, -range.min / 128, range.max / 127});
  symmetric.min = -128 * scale;
  symmetric.max = 127 * scale;
  return symmetric;
}

int8_t QuantizeValue(double x, AffineParams params) {
  if (std::isnan(x)) return static_cast<int8_t>(params.zero_point);
  return static_cast<int8_t>(qrun::QuantizeValue(x, params.scale, params.zero_point));
}

std::vector<int8_t> QuantizeValues(std::span<const float> values, AffineParams params) {
  std::vector<int8_t> quantized;
  quantized.reserve(values.size());
  for (float value : values) quantized.push_back(QuantizeValue(value, params));
  return quantized;
}

std::array<int8_t, 256> BuildUnaryTable(const fb::UnaryT& function, AffineParams src, AffineParams dst) {
  std::array<int8_t, 256> table;
  for (int q = -128; q <= 127; ++q) {
    const double x = static_cast<double>(q - src.zero_point) * static_cast<double>(src.scale);
    table[q + 128] = QuantizeValue(UnaryFunction(function, x), dst);
  }
  return table;
}

// One step of slack for the rounding of the bias itself, and 2^7 for that of a scale to binary32.
double BiasBound(size_t k) { return 0x1p31 - 1 - static_cast<double>(k) * 255 * 127 - 129; }

LinearWeights QuantizeLinear(std::span<const float> wei, const Shape& extents, int axis,
                             std::span<const float> bia, float src_scale, float dst_scale,
                             const WeightOptions& options) {
  const int64_t channels = extents[axis];
  int64_t inner = 1;
  for (size_t i = axis + 1; i < extents.size(); ++i) inner *= extents[i];
  const auto channel_of = [&](size_t i) {
    return static_cast<size_t>(static_cast<int64_t>(i) / inner % channels);
  };

  std::vector<double> max_abs(channels, 0.0);
  for (size_t i = 0; i < wei.size(); ++i) {
    double& bound = max_abs[channel_of(i)];
    bound = std::max(bound, std::abs(static_cast<double>(wei[i])));
  }

  // Errors of every candidate scale at once, channel by channel.
  std::vector<double> factor(channels, 1.0);
  if (options.least_error) {
    std::vector<double> least(channels, std::numeric_limits<double>::infinity());
    std::vector<uint32_t> channel(wei.size());
    std::vector<double> power(wei.size(), 1.0);
    for (size_t i = 0; i < wei.size(); ++i) {
      channel[i] = static_cast<uint32_t>(channel_of(i));
      if (options.input_power.empty() || axis != 0) continue;
      power[i] = options.input_power[InputChannel(i, extents, options.input_power.size())];
    }
    for (int percent = 100; percent >= 50; --percent) {
      std::vector<double> error(channels, 0.0);
      for (size_t i = 0; i < wei.size(); ++i) {
        const size_t c = channel[i];
        if (max_abs[c] == 0) continue;
        const double step = max_abs[c] / options.levels * percent / 100, w = wei[i];
        const double difference = w - RoundClamped(w / step, -options.levels, options.levels) * step;
        error[c] += difference * difference * power[i];
      }
      for (int64_t c = 0; c < channels; ++c) {
        if (error[c] >= least[c]) continue;
        least[c] = error[c];
        factor[c] = percent / 100.0;
      }
    }
  }
  const double bias_room = BiasBound(wei.size() / static_cast<size_t>(channels));
  const double src = src_scale;

  LinearWeights result;
  result.scale.resize(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const double abs_bias = bia.empty() ? 0.0 : std::abs(static_cast<double>(bia[c]));
    const bool zero = max_abs[c] == 0.0;
    const double wanted = zero ? abs_bias / (src * 0x1p24) : factor[c] * max_abs[c] / options.levels;
    const double needed =
        std::max(abs_bias / (src * bias_room), 0x1p-31 * static_cast<double>(dst_scale) / src);
    result.zero_channels += zero;
    result.widened_channels += !zero && needed > wanted;
    const double scale = zero && abs_bias == 0.0 ? 1.0 : std::max(wanted, needed);
    result.scale[c] = static_cast<float>(scale);
    // Rounding down to binary32 may leave a bound just violated.
    if (static_cast<double>(result.scale[c]) < needed) {
      result.scale[c] = std::nextafter(result.scale[c], std::numeric_limits<float>::max());
    }
  }

  if (!options.per_channel) {
    // A wider scale keeps every bound.
    const float widest = *std::max_element(result.scale.begin(), result.scale.end());
    std::fill(result.scale.begin(), result.scale.end(), widest);
  }

  result.wei.resize(wei.size());
  for (size_t i = 0; i < wei.size(); ++i) {
    const double scale = result.scale[channel_of(i)];
    result.wei[i] = static_cast<int8_t>(
        RoundClamped(static_cast<double>(wei[i]) / scale, -options.levels, options.levels));
  }
  result.bia = QuantizeBias(bia, src_scale, result.scale, wei.size() / static_cast<size_t>(channels));
  return result;
}

std::vector<int32_t> QuantizeBias(std::span<const float> bia, float src_scale, std::span<const float> scale,
                                  size_t k) {
  const double room = BiasBound(k);
  std::vector<int32_t> quantized;
  for (size_t c = 0; c < bia.size(); ++c) {
    const double step = static_cast<double>(src_scale) * static_cast<double>(scale[c]);
    quantized.push_back(static_cast<int32_t>(RoundClamped(static_cast<double>(bia[c]) / step, -room, room)));
  }
  return quantized;
}

}  // namespace qrun::converter
