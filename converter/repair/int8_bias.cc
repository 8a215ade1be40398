#include "converter/repair/int8_bias.h"

#include <algorithm>
#include <cmath>

#include "converter/quant_math.h"

namespace qrun::converter {

Int8Bias::Int8Bias(Graph& graph, const LinearView& linear)
    : graph_(graph),
      old_(linear.bia),
      src_scale_(graph.values[linear.src].quant->scale[0]),
      dst_scale_(graph.values[linear.dst].quant->scale[0]),
      bound_(BiasBound(linear.Reduction())),
      scale_(graph.values[linear.wei].quant->scale),
      bia_(linear.oc) {
  if (old_ == kNoValue) return;
  const auto old = Elements<int32_t>(graph.values[old_]);
  bia_.assign(old.begin(), old.end());
}

void Int8Bias::Set(size_t o, double corrected) {
  if (!(std::abs(corrected) <= bound_) || corrected == bia_[o]) return;
  largest_steps_ = std::max(largest_steps_, std::abs(corrected - bia_[o]) * Step(o) / dst_scale_);
  bia_[o] = static_cast<int32_t>(corrected);
  ++changed_;
}

void Int8Bias::Store(Node& node, BiasCorrectionReport& report) {
  if (changed_ == 0) return;
  report.channels += changed_;
  ++report.layers;
  report.largest_steps = std::max(report.largest_steps, largest_steps_);
  Value value;
  value.name = old_ != kNoValue ? graph_.values[old_].name : node.name + "/bias";
  value.shape = {static_cast<int64_t>(bia_.size())};
  value.type = ElementType::kInt32;
  const auto bytes = std::as_bytes(std::span(bia_));
  value.data = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  node.inputs.resize(3, kNoValue);
  node.inputs[2] = AddValue(graph_, std::move(value));
}

}  // namespace qrun::converter
