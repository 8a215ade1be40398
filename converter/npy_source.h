// Rows of .npy arrays as calibration samples.
#ifndef QRUN_CONVERTER_NPY_SOURCE_H_
#define QRUN_CONVERTER_NPY_SOURCE_H_

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "runtime/image/preprocess.h"
#include "runtime/npy.h"

namespace qrun::converter {

// Holds at most kCachedFiles arrays in memory.
class NpySource final : public CalibrationSource {
 public:
  // files[k]: the arrays of model input k, one after another. `inputs` as in OpenCalibrationSource. `spec` is
  // set if uint8 arrays [N, H, W, C] are images. Errors: those of ReadNpy; invalid_argument if a shape does
  // not fit its input or the inputs have different numbers of samples.
  static Result<std::unique_ptr<CalibrationSource>> Open(std::vector<std::vector<std::string>> files,
                                                         std::span<const Value* const> inputs,
                                                         std::optional<image::PreprocessSpec> spec);

  size_t size() const override { return size_; }
  std::string SampleName(size_t i) const override;
  Status Load(size_t i, std::span<const std::span<float>> inputs) const override;

 private:
  static constexpr size_t kCachedFiles = 8;

  enum class Rows { kAsTheyAre, kNchw, kImages };  // how a row becomes NHWC
  struct File {
    std::string path;
    size_t count = 0;  // rows
    Rows rows = Rows::kAsTheyAre;
  };
  struct CachedFile {
    std::string path;
    std::shared_ptr<const NpyArray> array;
  };
  struct Input {
    Shape shape;  // [1, ...], NHWC
    std::vector<File> files;
  };

  NpySource() = default;
  Status AddFile(const std::string& path, const Value& value, Input& input);
  Result<std::shared_ptr<const NpyArray>> Array(const std::string& path) const;
  Status LoadRow(const Input& input, size_t i, std::span<float> dst) const;
  // File and row of sample i.
  static std::pair<const File*, size_t> Find(const Input& input, size_t i);

  std::vector<Input> inputs_;
  std::optional<image::PreprocessSpec> spec_;
  size_t size_ = 0;
  mutable std::mutex mutex_;
  mutable std::deque<CachedFile> cache_;  // most recently used first; guarded by mutex_
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_NPY_SOURCE_H_
