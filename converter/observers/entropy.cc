// The observer "entropy".
#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/observers/observer.h"

namespace qrun::converter {
namespace {

constexpr int kSteps = 255;
constexpr int kCandidates = 20;  // cuts per side

// Divergence of int8 over the bins [begin, end) from all bins.
double Divergence(std::span<const uint64_t> counts, size_t begin, size_t end) {
  double below = 0, above = 0;
  for (size_t i = 0; i < begin; ++i) below += static_cast<double>(counts[i]);
  for (size_t i = end; i < counts.size(); ++i) above += static_cast<double>(counts[i]);
  // q: every step's count spread evenly over its bins that are not empty.
  const size_t bins = end - begin;
  std::vector<double> q(bins);
  double p_sum = below + above, q_sum = 0;
  for (int step = 0; step < kSteps; ++step) {
    const size_t first = bins * static_cast<size_t>(step) / kSteps,
                 last = bins * static_cast<size_t>(step + 1) / kSteps;
    double sum = 0, filled = 0;
    for (size_t i = first; i < last; ++i) {
      sum += static_cast<double>(counts[begin + i]);
      filled += counts[begin + i] != 0;
    }
    for (size_t i = first; i < last; ++i) q[i] = counts[begin + i] != 0 ? sum / filled : 0;
    p_sum += sum;
    q_sum += sum;
  }
  double divergence = 0;
  for (size_t i = 0; i < bins; ++i) {
    const double p =
        static_cast<double>(counts[begin + i]) + (i == 0 ? below : 0) + (i + 1 == bins ? above : 0);
    if (p == 0) continue;
    // A clipped value where q has none counts as a thousandth of a value there.
    divergence += p / p_sum * std::log((p / p_sum) / (std::max(q[i], 1e-3) / q_sum));
  }
  return divergence;
}

}  // namespace

Range EntropyRange(const TensorObserver& seen) {
  const Distribution values = seen.Values();
  const std::span<const uint64_t> counts = values.counts();
  Range best = seen.MinMax();
  if (counts.size() <= kSteps) return best;
  // Cuts keep 0 inside: where all values are of one sign, only one side is cut.
  const double half = values.bin_width() / 2;
  const auto zero_bin =
      static_cast<size_t>(std::clamp(std::floor(-(values.Centre(0) - half) / values.bin_width()), 0.0,
                                     static_cast<double>(counts.size() - 1)));
  const bool negative = values.min()<0, positive = values.max()> 0;
  double least = INFINITY;
  for (int i = 0; i < (negative ? kCandidates : 1); ++i) {
    for (int j = 0; j < (positive ? kCandidates : 1); ++j) {
      const size_t begin = zero_bin * static_cast<size_t>(i) / kCandidates;
      const size_t end =
          counts.size() - (counts.size() - 1 - zero_bin) * static_cast<size_t>(j) / kCandidates;
      if (end - begin < kSteps) continue;
      const double divergence = Divergence(counts, begin, end);
      if (divergence >= least) continue;
      least = divergence;
      best.min = begin > 0 ? static_cast<float>(values.Centre(begin) - half) : values.min();
      best.max = end < counts.size() ? static_cast<float>(values.Centre(end - 1) + half) : values.max();
    }
  }
  return best;
}

}  // namespace qrun::converter
