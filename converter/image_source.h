// Image files as calibration samples of a model with one image input.
#ifndef QRUN_CONVERTER_IMAGE_SOURCE_H_
#define QRUN_CONVERTER_IMAGE_SOURCE_H_

#include <string>
#include <utility>
#include <vector>

#include "converter/calibration_source.h"
#include "runtime/image/preprocess.h"

namespace qrun::converter {

class ImageSource final : public CalibrationSource {
 public:
  // Precondition: `spec` is valid and has the size and channels of the model's input.
  ImageSource(std::vector<std::string> paths, image::PreprocessSpec spec)
      : paths_(std::move(paths)), spec_(std::move(spec)) {}

  size_t size() const override { return paths_.size(); }
  std::string SampleName(size_t i) const override { return paths_[i]; }
  Status Load(size_t i, std::span<const std::span<float>> inputs) const override;

 private:
  const std::vector<std::string> paths_;
  const image::PreprocessSpec spec_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_IMAGE_SOURCE_H_
