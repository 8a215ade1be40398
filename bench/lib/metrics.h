// How good a model's outputs are.
#ifndef QRUN_BENCH_LIB_METRICS_H_
#define QRUN_BENCH_LIB_METRICS_H_

#include <cstddef>
#include <span>
#include <vector>

#include "runtime/cli/classify.h"

namespace qrun::bench {

// One classified item.
struct ClassResult {
  int predicted = -1;  // the class with the highest score; the first of equal ones
  int rank = -1;       // classes ahead of the right one: higher scores, and equal ones with a lower index
  double loss = 0;     // cross-entropy of the right class in nats
};

// Probabilities below this count as this in the loss, or one wrong zero would make the mean infinite.
inline constexpr double kMinProbability = 1e-7;

// label < 0: not known; rank and loss stay at their defaults. Precondition: label < scores.size(), and scores
// is not empty.
ClassResult JudgeClasses(std::span<const float> scores, cli::ScoreKind kind, int label);

// Area under the ROC curve: the probability that an item with label 1 has a higher score than one with label
// 0, equal scores counting half (Mann-Whitney U). NaN unless both labels occur. Labels other than 0 count
// as 1.
double Auc(std::span<const double> scores, std::span<const int> labels);

// mean((a - b)^2). Precondition: equal, positive lengths.
double MeanSquaredError(std::span<const float> a, std::span<const float> b);

// Signal to quantisation noise ratio of outputs against a reference, summed up: 10 log10(signal / noise) dB.
struct Sqnr {
  double signal = 0, noise = 0;  // sums of squares: of the reference, of the difference
  void Add(std::span<const float> reference, std::span<const float> values);
  // Infinite for equal outputs, NaN without signal.
  double Decibels() const;
};

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_METRICS_H_
