#include "bench/lib/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace qrun::bench {

ClassResult JudgeClasses(std::span<const float> scores, cli::ScoreKind kind, int label) {
  ClassResult result;
  result.predicted = static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  if (label < 0) return result;
  const float right = scores[static_cast<size_t>(label)];
  result.rank = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    result.rank += scores[i] > right || (scores[i] == right && i < static_cast<size_t>(label));
  }
  double probability = right;
  if (kind == cli::ScoreKind::kLogits) {
    const double top = scores[static_cast<size_t>(result.predicted)];
    double sum = 0;
    for (float score : scores) sum += std::exp(score - top);
    probability = std::exp(right - top) / sum;
  }
  result.loss = -std::log(std::max(probability, kMinProbability));
  return result;
}

double Auc(std::span<const double> scores, std::span<const int> labels) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  double pairs_won = 0, negatives_below = 0, positives = 0;
  for (size_t i = 0; i < order.size();) {
    double tied_positives = 0, tied_negatives = 0;
    const double score = scores[order[i]];
    for (; i < order.size() && scores[order[i]] == score; ++i) {
      (labels[order[i]] != 0 ? tied_positives : tied_negatives) += 1;
    }
    pairs_won += tied_positives * (negatives_below + tied_negatives / 2);
    negatives_below += tied_negatives;
    positives += tied_positives;
  }
  return pairs_won / (positives * negatives_below);
}

double MeanSquaredError(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return sum / static_cast<double>(a.size());
}

void Sqnr::Add(std::span<const float> reference, std::span<const float> values) {
  for (size_t i = 0; i < reference.size(); ++i) {
    const double difference = static_cast<double>(reference[i]) - values[i];
    signal += static_cast<double>(reference[i]) * reference[i];
    noise += difference * difference;
  }
}

double Sqnr::Decibels() const {
  if (signal == 0) return std::numeric_limits<double>::quiet_NaN();
  return 10 * std::log10(signal / noise);
}

}  // namespace qrun::bench
