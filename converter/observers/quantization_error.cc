#include "converter/observers/quantization_error.h"

#include <algorithm>
#include <cmath>

namespace qrun::converter {
namespace {

constexpr int kCandidates = 100;  // per side: steps of 1 % of the observed bound

// Sum of (x - bound)^2 from the moments of x.
double SquaredDistance(double n, double sum, double squares, double bound) {
  return std::max(0.0, squares - 2 * bound * sum + bound * bound * n);
}

}  // namespace

QuantizationError::QuantizationError(const Distribution& values) : values_(values) {
  const std::span<const uint64_t> counts = values.counts();
  below_.resize(counts.size() + 1);
  for (size_t i = 0; i < counts.size(); ++i) {
    const double n = static_cast<double>(counts[i]), x = values.Centre(i);
    below_[i + 1] = {below_[i].n + n, below_[i].sum + n * x, below_[i].squares + n * x * x};
  }
}

size_t QuantizationError::BinsBelow(double x) const {
  const size_t bins = below_.size() - 1;
  if (bins == 0) return 0;
  const double first = values_.Centre(0) - values_.bin_width() / 2;
  return static_cast<size_t>(
      std::clamp(std::nearbyint((x - first) / values_.bin_width()), 0.0, static_cast<double>(bins)));
}

QuantizationError::Parts QuantizationError::Of(double lo, double hi) const {
  const Moments& low = below_[BinsBelow(lo)];
  const Moments& upto = below_[BinsBelow(hi)];
  const Moments& all = below_.back();
  const double step = (hi - lo) / 255;
  Parts parts;
  parts.rounding = step * step / 12 * (upto.n - low.n);
  parts.clipping = SquaredDistance(low.n, low.sum, low.squares, lo) +
                   SquaredDistance(all.n - upto.n, all.sum - upto.sum, all.squares - upto.squares, hi);
  return parts;
}

std::pair<double, double> QuantizationError::BestRange(double clipping_weight) const {
  const double min = std::min(0.0, static_cast<double>(values_.min()));
  const double max = std::max(0.0, static_cast<double>(values_.max()));
  std::pair<double, double> best = {min, max};
  double least = INFINITY;
  for (int i = 0; i < (min < 0 ? kCandidates : 1); ++i) {
    for (int j = 0; j < (max > 0 ? kCandidates : 1); ++j) {
      const double lo = min * (kCandidates - i) / kCandidates, hi = max * (kCandidates - j) / kCandidates;
      const Parts parts = Of(lo, hi);
      const double error = parts.rounding + clipping_weight * parts.clipping;
      if (error < least) {
        least = error;
        best = {lo, hi};
      }
    }
  }
  return best;
}

}  // namespace qrun::converter
