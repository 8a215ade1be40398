#include "converter/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qrun::converter {
namespace {

constexpr int kMinExponent = -40;
// Indices stay within 31 bits, and binary32 has 24.
constexpr int kMaxIndexBits = 30;

// The bin that holds bin `index` once bins are 2^shift times as wide. Between the least width and the
// greatest that can be more than an int64_t has bits; the result is 0 or -1 from the 31st on.
int64_t Joined(int64_t index, int shift) { return index >> std::min(shift, 63); }

}  // namespace

Histogram::Histogram(int max_bins) : max_bins_(max_bins), exponent_(kMinExponent) {
  counts_.reserve(static_cast<size_t>(max_bins));
}

double Histogram::width() const { return std::ldexp(1.0, exponent_); }
double Histogram::Edge(size_t i) const {
  return std::ldexp(static_cast<double>(first_) + static_cast<double>(i), exponent_);
}

int64_t Histogram::IndexOf(float value, int exponent) const {
  return static_cast<int64_t>(std::floor(std::ldexp(static_cast<double>(value), -exponent)));
}

// Makes room for [min, max].
void Histogram::Cover(float min, float max) {
  if (total_ > 0) {
    min = std::min(min, min_);
    max = std::max(max, max_);
  }
  const double magnitude = std::max(std::fabs(static_cast<double>(min)), std::fabs(static_cast<double>(max)));
  int exponent = std::max(exponent_, magnitude > 0 ? std::ilogb(magnitude) - kMaxIndexBits : kMinExponent);
  while (IndexOf(max, exponent) - IndexOf(min, exponent) >= max_bins_) ++exponent;
  const int64_t first = IndexOf(min, exponent), last = IndexOf(max, exponent);

  if (total_ > 0 && exponent != exponent_) {
    // Bin i goes to one that is never behind it.
    const int shift = exponent - exponent_;
    const int64_t joined_first = Joined(first_, shift);
    const int64_t joined_last = Joined(first_ + static_cast<int64_t>(counts_.size()) - 1, shift);
    for (size_t i = 0; i < counts_.size(); ++i) {
      const auto target = static_cast<size_t>(Joined(first_ + static_cast<int64_t>(i), shift) - joined_first);
      const uint64_t count = counts_[i];
      if (target != i) counts_[i] = 0;
      counts_[target] = target == i ? count : counts_[target] + count;
    }
    counts_.resize(static_cast<size_t>(joined_last - joined_first + 1));
    first_ = joined_first;
  }
  if (total_ == 0) first_ = first;
  exponent_ = exponent;
  counts_.insert(counts_.begin(), static_cast<size_t>(first_ - first), 0);
  first_ = first;
  counts_.resize(static_cast<size_t>(last - first + 1), 0);
  min_ = min;
  max_ = max;
}

void Histogram::Add(std::span<const float> values) {
  float min = std::numeric_limits<float>::infinity(), max = -min;
  for (float value : values) {
    if (!std::isfinite(value)) continue;
    min = std::min(min, value);
    max = std::max(max, value);
  }
  if (min > max) return;
  Cover(min, max);
  // A product with a power of two is exact in double.
  const double inverse = std::ldexp(1.0, -exponent_);
  for (float value : values) {
    if (!std::isfinite(value)) continue;
    ++counts_[static_cast<size_t>(static_cast<int64_t>(std::floor(value * inverse)) - first_)];
    ++total_;
  }
}

void Histogram::Merge(const Histogram& other) {
  if (other.total_ == 0) return;
  Cover(other.min_, other.max_);
  const int shift = exponent_ - other.exponent_;
  for (size_t i = 0; i < other.counts_.size(); ++i) {
    const int64_t index = Joined(other.first_ + static_cast<int64_t>(i), shift);
    counts_[static_cast<size_t>(index - first_)] += other.counts_[i];
  }
  total_ += other.total_;
}

}  // namespace qrun::converter
