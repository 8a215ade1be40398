// Noise for weights and samples, the same on every machine.
#ifndef QRUN_TESTS_CONVERTER_NOISE_H_
#define QRUN_TESTS_CONVERTER_NOISE_H_

#include <random>
#include <span>
#include <string>
#include <vector>

#include "converter/calibration_source.h"

namespace qrun::converter {

// Nearly normal inputs, the same for the same i everywhere: <random>'s engines are fixed by the standard, its
// distributions are not.
class NoiseInputs final : public CalibrationSource {
 public:
  explicit NoiseInputs(size_t size) : size_(size) {}
  size_t size() const override { return size_; }
  std::string SampleName(size_t i) const override { return std::to_string(i); }
  Status Load(size_t i, std::span<const std::span<float>> inputs) const override {
    std::mt19937 random(static_cast<unsigned>(i) + 1);
    for (std::span<float> input : inputs) {
      for (float& value : input) {
        float sum = -6;
        for (int k = 0; k < 12; ++k) sum += static_cast<float>(random()) * 0x1p-32f;
        value = sum;
      }
    }
    return Status::Ok();
  }

 private:
  const size_t size_;
};

// In [-scale, scale).
inline std::vector<float> Uniform(size_t count, float scale, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = (static_cast<float>(random()) * 0x1p-31f - 1) * scale;
  return values;
}

}  // namespace qrun::converter

#endif  // QRUN_TESTS_CONVERTER_NOISE_H_
