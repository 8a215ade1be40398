// Observers: what calibration learns about one tensor from a stream of its values, in bounded memory.
#ifndef QRUN_CONVERTER_OBSERVER_H_
#define QRUN_CONVERTER_OBSERVER_H_

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/status.h"

namespace qrun::converter {

// The real interval that int8 should cover. Default: nothing seen.
struct Range {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  bool has_nonfinite = false;  // a NaN or an infinity came by; it is not part of [min, max]

  bool seen() const { return min <= max; }
  // The smallest interval that holds both.
  void Include(const Range& other);
  bool operator==(const Range&) const = default;
};

// One tensor's observer. Memory does not grow with the number of calls.
// Thread safety: none; calibration gives every shard its own and merges them in a fixed order.
class Observer {
 public:
  virtual ~Observer() = default;
  // Takes in all values of the tensor for one sample.
  virtual void Observe(std::span<const float> values) = 0;
  // Continues as if `other`, of the same kind, had been fed to this one after its own values.
  virtual void Merge(const Observer& other) = 0;
  virtual Range Result() const = 0;
};

// [smallest, largest] finite value seen.
class MinMaxObserver final : public Observer {
 public:
  void Observe(std::span<const float> values) override;
  void Merge(const Observer& other) override;
  Range Result() const override { return range_; }

 private:
  Range range_;
};

// A row of observer_list.inc.
struct ObserverKind {
  std::string_view name;  // what --observer takes
  std::string_view description;
  std::unique_ptr<Observer> (*create)();
};

std::span<const ObserverKind> ObserverKinds();

// Errors: invalid_argument, listing the known names.
qrun::Result<const ObserverKind*> FindObserverKind(std::string_view name);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_OBSERVER_H_
