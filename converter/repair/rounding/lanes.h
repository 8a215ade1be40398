// Steps of loops that run many lanes at a time, each rounded once.
#ifndef QRUN_CONVERTER_REPAIR_ROUNDING_LANES_H_
#define QRUN_CONVERTER_REPAIR_ROUNDING_LANES_H_

namespace qrun::converter {

// Comparisons, not std::clamp: compilers make them one instruction for many lanes. NaN gives `high`.
inline float Between(float x, float low, float high) {
  x = x > low ? x : low;
  return x < high ? x : high;
}

// To the nearest integer, ties to even. |x| <= 2^22.
inline float Nearest(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ROUNDING_LANES_H_
