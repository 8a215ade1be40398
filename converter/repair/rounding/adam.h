// Adam (Kingma and Ba, 2015), with the same result on every CPU: only +, -, *, / and square roots.
#ifndef QRUN_CONVERTER_REPAIR_ROUNDING_ADAM_H_
#define QRUN_CONVERTER_REPAIR_ROUNDING_ADAM_H_

#include <cmath>
#include <cstddef>
#include <vector>

namespace qrun::converter {

// What all parameters of a step share.
class AdamStep {
 public:
  static constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;

  // Goes on to the next step.
  void Next() {
    beta1_power_ *= kBeta1;
    beta2_power_ *= kBeta2;
    mean_factor_ = 1 / (1 - beta1_power_);
    square_factor_ = 1 / (1 - beta2_power_);
  }
  // Updates one parameter's moments; what to subtract from it, in units of the learning rate.
  float Direction(float gradient, float& mean, float& square) const {
    mean = kBeta1 * mean + (1 - kBeta1) * gradient;
    square = kBeta2 * square + (1 - kBeta2) * gradient * gradient;
    return mean * mean_factor_ / (std::sqrt(square * square_factor_) + kEpsilon);
  }

 private:
  float beta1_power_ = 1, beta2_power_ = 1, mean_factor_ = 1, square_factor_ = 1;
};

// A list of parameters with one learning rate.
class AdamParameters {
 public:
  explicit AdamParameters(std::vector<float> values = {})
      : values_(std::move(values)), mean_(values_.size()), square_(values_.size()) {}

  size_t size() const { return values_.size(); }
  const std::vector<float>& values() const { return values_; }
  float operator[](size_t i) const { return values_[i]; }
  void Update(const AdamStep& step, size_t i, float gradient, float rate) {
    values_[i] -= rate * step.Direction(gradient, mean_[i], square_[i]);
  }

 private:
  std::vector<float> values_, mean_, square_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ROUNDING_ADAM_H_
