#include "converter/repair/rounding/soft_weights.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "converter/repair/rounding/lanes.h"

namespace qrun::converter {
namespace {

constexpr float kLow = -0.1f, kHigh = 1.1f;  // the sigmoid is stretched to [kLow, kHigh], then cut to [0, 1]
constexpr size_t kBlock = 256;               // elements at a time, small enough for the first-level cache

inline float Exp(float x) {
  x = Between(x, -80, 80);
  const float n = Nearest(x * 1.44269504f);
  const float r =
      (x - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts: n times the first is exact
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

inline float Sigmoid(float v) { return 1 / (1 + Exp(-v)); }

}  // namespace

float ReproducibleExp(float x) { return Exp(x); }

double ReproducibleLog(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // [1/2, 1)
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  // log m = 2 atanh((m - 1) / (m + 1)), whose argument is below 0.172.
  const double s = (m - 1) / (m + 1), square = s * s;
  double sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return 2 * s * sum + exponent * 0.693147180559945309;
}

SoftWeights::SoftWeights(std::span<const float> wei, std::vector<float> scale, int levels)
    : levels_(static_cast<float>(levels)),
      scale_(std::move(scale)),
      floor_(wei.size()),
      v_(wei.size()),
      mean_(wei.size()),
      square_(wei.size()),
      values_(wei.size()) {
  for (size_t i = 0; i < wei.size(); ++i) {
    const float steps = wei[i] / scale_[i];
    // A weight beyond the last step goes there, and one at it may not go further.
    const float inside = Between(steps, -levels_, levels_);
    floor_[i] = std::min(std::floor(inside), levels_ - 1);
    const double h = std::clamp(static_cast<double>(inside - floor_[i]), 0.001, 0.999);
    const double sigmoid = (h - static_cast<double>(kLow)) / static_cast<double>(kHigh - kLow);
    v_[i] = static_cast<float>(ReproducibleLog(sigmoid / (1 - sigmoid)));
  }
  Refresh(0, wei.size());
}

void SoftWeights::Refresh(size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    const float h = Between((kHigh - kLow) * Sigmoid(v_[i]) + kLow, 0, 1);
    values_[i] = (floor_[i] + h) * scale_[i];
  }
}

void SoftWeights::Update(const AdamStep& step, size_t begin, size_t end, std::span<const float> gradient,
                         float rate, Regularizer regularizer) {
  std::array<float, kBlock> slope, power, base;
  for (size_t at = begin; at < end; at += kBlock) {
    const size_t count = std::min(kBlock, end - at);
    for (size_t i = 0; i < count; ++i) {
      const float sigmoid = Sigmoid(v_[at + i]);
      const float h = (kHigh - kLow) * sigmoid + kLow;
      slope[i] = h > 0 && h < 1 ? (kHigh - kLow) * sigmoid * (1 - sigmoid) : 0.0f;
      base[i] = 2 * Between(h, 0, 1) - 1;
      power[i] = 0;
    }
    if (regularizer.beta > 0) {
      // |base|^(beta - 1), by squaring.
      std::array<float, kBlock> square;
      for (size_t i = 0; i < count; ++i) {
        square[i] = base[i] < 0 ? -base[i] : base[i];
        power[i] = 1;
      }
      for (int left = regularizer.beta - 1; left > 0; left /= 2) {
        if (left % 2 == 1) {
          for (size_t i = 0; i < count; ++i) power[i] *= square[i];
        }
        for (size_t i = 0; i < count; ++i) square[i] *= square[i];
      }
    }
    const float pull = 2 * regularizer.weight * static_cast<float>(regularizer.beta);
    for (size_t i = 0; i < count; ++i) {
      const size_t k = at + i;
      const float towards = base[i] < 0 ? pull * power[i] : -pull * power[i];
      const float g = (gradient[k - begin] * scale_[k] + towards) * slope[i];
      v_[k] -= rate * step.Direction(g, mean_[k], square_[k]);
    }
  }
  Refresh(begin, end);
}

std::vector<int8_t> SoftWeights::Harden() const {
  std::vector<int8_t> integers(v_.size());
  for (size_t i = 0; i < v_.size(); ++i) {
    integers[i] = static_cast<int8_t>(floor_[i] + (v_[i] >= 0 ? 1.0f : 0.0f));
  }
  return integers;
}

}  // namespace qrun::converter
