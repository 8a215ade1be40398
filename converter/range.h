// A real interval.
#ifndef QRUN_CONVERTER_RANGE_H_
#define QRUN_CONVERTER_RANGE_H_

#include <algorithm>
#include <limits>

namespace qrun::converter {

// The real interval that int8 should cover. Default: nothing seen.
struct Range {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  bool has_nonfinite = false;  // a NaN or an infinity came by; it is not part of [min, max]

  bool seen() const { return min <= max; }
  // The smallest interval that holds both.
  void Include(const Range& other) {
    min = std::min(min, other.min);
    max = std::max(max, other.max);
    has_nonfinite |= other.has_nonfinite;
  }
  bool operator==(const Range&) const = default;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_RANGE_H_
