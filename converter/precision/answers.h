// What a model answers to samples, and how far other answers are from it.
#ifndef QRUN_CONVERTER_PRECISION_ANSWERS_H_
#define QRUN_CONVERTER_PRECISION_ANSWERS_H_

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "converter/calibration_source.h"
#include "converter/error_sums.h"
#include "runtime/qrun.h"
#include "schema/status.h"

namespace qrun::converter {

using OutputValues = std::vector<std::vector<float>>;  // per output of the model

struct Answers {
  std::vector<size_t> samples;        // of the source: those that could be loaded, in order
  std::vector<OutputValues> outputs;  // of each of them
};

// Runs `model` over the samples (float operators as SessionOptions::reproducible_float). The result does not
// depend on `threads`. Errors: those of Session::Create; invalid_argument if no sample can be loaded.
Result<Answers> AnswerSamples(const Model& model, const CalibrationSource& source, int threads);

// Whether the largest element of `reference` is also (among) the largest of `candidate`: int8 values tie
// where float ones differ. Precondition: equal sizes, not empty.
bool SameWinner(std::span<const float> reference, std::span<const float> candidate);

// The distance between two answers to the same samples.
struct Deviation {
  std::vector<ErrorSums> outputs;
  size_t samples = 0, changed = 0;  // changed: samples where an output has another winner

  void Add(const OutputValues& reference, const OutputValues& candidate);
  void Add(const Deviation& other);
  // Of the output that is furthest off; infinite if all are equal.
  double SqnrDb() const;
  // Largest sum (f - q)^2 / sum f^2 of an output.
  double RelativeError() const;
  // Changed answers in percent.
  double ChangedPoints() const {
    return samples == 0 ? 0 : 100.0 * static_cast<double>(changed) / static_cast<double>(samples);
  }
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_ANSWERS_H_
