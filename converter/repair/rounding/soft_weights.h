// Weights that have not decided yet whether to round up or down.
#ifndef QRUN_CONVERTER_REPAIR_ROUNDING_SOFT_WEIGHTS_H_
#define QRUN_CONVERTER_REPAIR_ROUNDING_SOFT_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "converter/repair/rounding/adam.h"

namespace qrun::converter {

// AdaRound (Nagel et al., "Up or down? Adaptive rounding for post-training quantization", 2020):
//
//   w' = scale * clamp(floor(w / scale) + h(v), -levels, levels)
//   h(v) = clamp(1.2 * sigmoid(v) - 0.1, 0, 1)        the rectified sigmoid
//
// v starts where w' = w, and is led by the loss's gradient and that of
//
//   weight * sum (1 - |2 h - 1|^beta)
//
// which pushes h towards 0 or 1, gently from afar while beta is large. beta is a whole number here: its
// powers are products, and with a sigmoid of its own (no libm) every CPU learns the same.
class SoftWeights {
 public:
  // `scale`: per weight. Precondition: scales are positive.
  SoftWeights(std::span<const float> wei, std::vector<float> scale, int levels);

  size_t size() const { return v_.size(); }
  // w' of all weights.
  const std::vector<float>& values() const { return values_; }

  struct Regularizer {
    float weight = 0;
    int beta = 0;  // >= 1; 0: none
  };
  // One step for weights [begin, end): gradient[i - begin] is the loss's by w'. Thread safe for disjoint
  // ranges.
  void Update(const AdamStep& step, size_t begin, size_t end, std::span<const float> gradient, float rate,
              Regularizer regularizer);

  // The integers that the weights lean to: up from h = 1/2 on.
  std::vector<int8_t> Harden() const;

 private:
  void Refresh(size_t begin, size_t end);

  const float levels_;
  std::vector<float> scale_, floor_, v_, mean_, square_, values_;
};

// e^x, for x clamped to [-80, 80], to about 2^-22 of it; the same on every CPU.
float ReproducibleExp(float x);
// The natural logarithm of a normal positive number, to about 2^-50; the same on every CPU.
double ReproducibleLog(double x);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ROUNDING_SOFT_WEIGHTS_H_
