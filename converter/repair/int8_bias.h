// The bias of an int8 linear operator, while it is corrected.
#ifndef QRUN_CONVERTER_REPAIR_INT8_BIAS_H_
#define QRUN_CONVERTER_REPAIR_INT8_BIAS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "converter/graph.h"
#include "converter/repair/bias_correction.h"
#include "converter/repair/linear_view.h"

namespace qrun::converter {

// The elements of a constant of this type.
template <class T>
std::span<const T> Elements(const Value& value) {
  return {reinterpret_cast<const T*>(value.data->data()), value.data->size() / sizeof(T)};
}

class Int8Bias {
 public:
  // Precondition: the operator's input, weights and output are int8.
  Int8Bias(Graph& graph, const LinearView& linear);

  double WeightScale(size_t o) const { return scale_[scale_.size() == 1 ? 0 : o]; }
  // One unit of the bias of channel `o`, in real numbers.
  double Step(size_t o) const { return src_scale_ * WeightScale(o); }
  double Get(size_t o) const { return bia_[o]; }
  // Left out where it would break the accumulator bound. Precondition: a whole number.
  void Set(size_t o, double corrected);
  // Gives `node` the bias if anything was changed, and counts it.
  void Store(Node& node, BiasCorrectionReport& report);

 private:
  Graph& graph_;
  const ValueId old_;
  const double src_scale_, dst_scale_, bound_;
  const std::vector<float> scale_;
  std::vector<int32_t> bia_;
  int changed_ = 0;
  double largest_steps_ = 0;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_INT8_BIAS_H_
