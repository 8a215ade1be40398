#include "converter/observer.h"

#include <algorithm>
#include <cmath>

namespace qrun::converter {

void Range::Include(const Range& other) {
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  has_nonfinite |= other.has_nonfinite;
}

void MinMaxObserver::Observe(std::span<const float> values) {
  Range seen;
  for (float value : values) {
    if (std::isfinite(value)) {
      seen.min = std::min(seen.min, value);
      seen.max = std::max(seen.max, value);
    } else {
      seen.has_nonfinite = true;
    }
  }
  range_.Include(seen);
}

void MinMaxObserver::Merge(const Observer& other) {
  range_.Include(static_cast<const MinMaxObserver&>(other).range_);
}

std::span<const ObserverKind> ObserverKinds() {
  static constexpr ObserverKind kKinds[] = {
#define QRUN_OBSERVER(name, type, description) \
  {name, description, [] { return std::unique_ptr<Observer>(std::make_unique<type>()); }},
#include "converter/observer_list.inc"
#undef QRUN_OBSERVER
  };
  return kKinds;
}

qrun::Result<const ObserverKind*> FindObserverKind(std::string_view name) {
  std::string known;
  for (const ObserverKind& kind : ObserverKinds()) {
    if (kind.name == name) return &kind;
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  return Status::InvalidArgument("unknown observer '" + std::string(name) + "'; expected one of: " + known);
}

}  // namespace qrun::converter
