// The few formulas that turn real-valued options into int8 ones. Double arithmetic in a fixed order: the same
// results on every machine.
#ifndef QRUN_RUNTIME_QUANT_MATH_H_
#define QRUN_RUNTIME_QUANT_MATH_H_

#include <cmath>
#include <cstdint>
#include <limits>

#include "schema/qfb_generated.h"

namespace qrun {

// round_half_even(value / scale) + zero_point, clamped to int8.
inline int QuantizeValue(double value, double scale, int zero_point) {
  const double q = std::nearbyint(value / scale) + zero_point;
  if (!(q > -128)) return -128;
  return q < 127 ? static_cast<int>(q) : 127;
}

struct Int8Bounds {
  int lo = -128, hi = 127;
};

// The clamp of an int8 output. An absent clamp is the whole of int8.
inline Int8Bounds QuantizeClamp(const fb::Clamp* clamp, double scale, int zero_point) {
  if (clamp == nullptr) return {};
  return {QuantizeValue(clamp->min(), scale, zero_point), QuantizeValue(clamp->max(), scale, zero_point)};
}

struct FloatBounds {
  float lo = -std::numeric_limits<float>::infinity(), hi = std::numeric_limits<float>::infinity();
};

inline FloatBounds ReadClamp(const fb::Clamp* clamp) {
  return clamp == nullptr ? FloatBounds{} : FloatBounds{clamp->min(), clamp->max()};
}

// Factor from an int32 accumulator to the int8 output.
inline float RequantizeScale(double src_scale, double wei_scale, double dst_scale) {
  return static_cast<float>(src_scale * wei_scale / dst_scale);
}

// table[q + 128] for every int8 q: the value q has in one quantisation, in another.
inline void RequantizeTable(double src_scale, int src_zero_point, double dst_scale, int dst_zero_point,
                            int8_t* table) {
  for (int q = -128; q < 128; ++q) {
    table[q + 128] =
        static_cast<int8_t>(QuantizeValue((q - src_zero_point) * src_scale, dst_scale, dst_zero_point));
  }
}

}  // namespace qrun

#endif  // QRUN_RUNTIME_QUANT_MATH_H_
