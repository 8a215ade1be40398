// Some of the samples of another source.
#ifndef QRUN_CONVERTER_SUBSET_SOURCE_H_
#define QRUN_CONVERTER_SUBSET_SOURCE_H_

#include <utility>
#include <vector>

#include "converter/calibration_source.h"

namespace qrun::converter {

// Sample i is sample indices[i] of `source`, which outlives this.
class SubsetSource final : public CalibrationSource {
 public:
  SubsetSource(const CalibrationSource& source, std::vector<size_t> indices)
      : source_(source), indices_(std::move(indices)) {}
  size_t size() const override { return indices_.size(); }
  std::string SampleName(size_t i) const override { return source_.SampleName(indices_[i]); }
  Status Load(size_t i, std::span<const std::span<float>> inputs) const override {
    return source_.Load(indices_[i], inputs);
  }

 private:
  const CalibrationSource& source_;
  const std::vector<size_t> indices_;
};

// Samples to learn from and samples to check with.
struct SampleSplit {
  std::vector<size_t> learn, check;
};

// Of `count` samples every eighth is for checking, at most kMostCheckSamples of them, spread evenly. Of fewer
// than kLeastToSplit none can be spared: all are for both.
inline constexpr size_t kMostCheckSamples = 32, kLeastToSplit = 16;
SampleSplit SplitSamples(size_t count);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_SUBSET_SOURCE_H_
