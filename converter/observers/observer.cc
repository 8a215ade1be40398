#include "converter/observers/observer.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "converter/observers/quantization_error.h"

namespace qrun::converter {
namespace {

Range Within(const TensorObserver& seen, double lo, double hi) {
  Range range = seen.MinMax();
  range.min = std::max(range.min, static_cast<float>(lo));
  range.max = std::min(range.max, static_cast<float>(hi));
  return range;
}

Range LeastError(const TensorObserver& seen, double clipping_weight) {
  const Distribution values = seen.Values();
  if (values.count() == 0) return seen.MinMax();
  const auto [lo, hi] = QuantizationError(values).BestRange(clipping_weight);
  return Within(seen, lo, hi);
}

}  // namespace

Range MinMaxRange(const TensorObserver& seen) { return seen.MinMax(); }
Range MovingAverageRange(const TensorObserver& seen) { return seen.MovingAverage(); }
Range MseRange(const TensorObserver& seen) { return LeastError(seen, 1); }
Range SqnrRange(const TensorObserver& seen) { return LeastError(seen, 3); }

Range PercentileRange(const TensorObserver& seen) {
  const Distribution values = seen.Values();
  const std::span<const uint64_t> counts = values.counts();
  const double tail = kPercentileTail * static_cast<double>(values.count());
  if (counts.empty()) return seen.MinMax();
  size_t low = 0, high = counts.size() - 1;
  for (double cut = 0; low < high; ++low) {
    cut += static_cast<double>(counts[low]);
    if (cut > tail) break;
  }
  for (double cut = 0; high > low; --high) {
    cut += static_cast<double>(counts[high]);
    if (cut > tail) break;
  }
  const double half = values.bin_width() / 2;
  return Within(seen, values.Centre(low) - half, values.Centre(high) + half);
}

Range AciqRange(const TensorObserver& seen) {
  const Distribution values = seen.Values();
  const std::span<const uint64_t> counts = values.counts();
  if (counts.empty()) return seen.MinMax();
  const double n = static_cast<double>(values.count());
  const auto mean_of = [&](auto f) {
    double sum = static_cast<double>(values.zeros()) * f(0.0);
    for (size_t i = 0; i < counts.size(); ++i) sum += static_cast<double>(counts[i]) * f(values.Centre(i));
    return sum / n;
  };
  const double mean = mean_of([](double x) { return x; });
  const double b = mean_of([&](double x) { return std::abs(x - mean); });
  const double sigma = std::sqrt(mean_of([&](double x) { return (x - mean) * (x - mean); }));
  // b / sigma is sqrt(2 / pi) = 0.798 for Gauss and 1 / sqrt 2 = 0.707 for Laplace.
  const bool gauss = b > 0.7525 * sigma;
  const double reach = gauss ? 3.92 * sigma : 9.89 * b;
  return Within(seen, mean - reach, mean + reach);
}

std::span<const ObserverKind> ObserverKinds() {
  static constexpr ObserverKind kKinds[] = {
#define QRUN_OBSERVER(name, function, description) {name, description, function},
#include "converter/observers/observer_list.inc"
#undef QRUN_OBSERVER
  };
  return kKinds;
}

Result<const ObserverKind*> FindObserverKind(std::string_view name) {
  std::string known;
  for (const ObserverKind& kind : ObserverKinds()) {
    if (kind.name == name) return &kind;
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  return Status::InvalidArgument("unknown observer '" + std::string(name) + "'; expected one of: " + known);
}

}  // namespace qrun::converter
