#include "converter/diagnosis/saturation.h"

#include <algorithm>
#include <cstdlib>

#include "converter/repair/linear_view.h"

namespace qrun::converter {
namespace {

// What one channel's weights can add up to.
class ChannelSum {
 public:
  ChannelSum(int lo, int hi) : lo_(lo), hi_(hi) {}

  void Add(int weight) {
    min_ += std::min(weight * lo_, weight * hi_);
    max_ += std::max(weight * lo_, weight * hi_);
    positive_ += std::max(weight, 0);
    negative_ += std::min(weight, 0);
    if (++in_pair_ == 2) EndPair();
  }
  void EndPair() {
    pair_safe_ = pair_safe_ && 255 * positive_ <= INT16_MAX && 255 * negative_ >= INT16_MIN;
    in_pair_ = positive_ = negative_ = 0;
  }
  int64_t Largest(int64_t bias) const { return std::max(std::llabs(min_ + bias), std::llabs(max_ + bias)); }
  bool pair_safe() const { return pair_safe_; }

 private:
  const int lo_, hi_;  // q - zero_point
  int64_t min_ = 0, max_ = 0;
  int in_pair_ = 0, positive_ = 0, negative_ = 0;
  bool pair_safe_ = true;
};

}  // namespace

std::optional<SaturationProof> ProveSaturation(const Graph& graph, const Node& node) {
  const auto linear = AsLinear(graph, node);
  if (!linear) return {};
  const Value& wei = graph.values[linear->wei];
  const Value& src = graph.values[linear->src];
  if (wei.type != ElementType::kInt8 || src.type != ElementType::kInt8 || !src.quant) return {};
  const auto* weights = reinterpret_cast<const int8_t*>(wei.data->data());
  const auto* bias = linear->bia == kNoValue
                         ? nullptr
                         : reinterpret_cast<const int32_t*>(graph.values[linear->bia].data->data());
  const int zero_point = src.quant->zero_point.empty() ? 0 : src.quant->zero_point[0];
  SaturationProof proof;
  proof.channels = static_cast<int>(linear->oc);
  for (size_t o = 0; o < linear->oc; ++o) {
    ChannelSum sum(-128 - zero_point, 127 - zero_point);
    for (size_t tap = 0; tap < linear->taps; ++tap) {
      for (size_t i = 0; i < linear->ic_per_group; ++i) sum.Add(weights[linear->Index(o, tap, i)]);
    }
    sum.EndPair();
    proof.largest_sum = std::max(proof.largest_sum, sum.Largest(bias == nullptr ? 0 : bias[o]));
    proof.pair_safe_channels += sum.pair_safe();
  }
  return proof;
}

}  // namespace qrun::converter
