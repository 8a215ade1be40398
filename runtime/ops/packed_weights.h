// Weights in the layout of the plan's kernels, made once when the plan is built.
#ifndef QRUN_RUNTIME_OPS_PACKED_WEIGHTS_H_
#define QRUN_RUNTIME_OPS_PACKED_WEIGHTS_H_

#include <vector>

#include "kernels/pack.h"
#include "runtime/plan.h"
#include "runtime/quant_math.h"

namespace qrun {

struct PackedS8 {
  const int8_t* wei = nullptr;
  const int32_t* bia = nullptr;
  const float* scale = nullptr;
  bool scales_below_one = false;
  size_t bytes = 0;
};

struct PackedF32 {
  const float* wei = nullptr;
  const float* bia = nullptr;
  size_t bytes = 0;
};

// One requantisation scale per output channel.
inline std::vector<float> RequantizeScales(const PlanBuilder& plan, int src, int wei, int dst, int channels) {
  const auto& wei_scales = *plan.tensor(wei).quantization()->scale();
  std::vector<float> scales(channels);
  for (int c = 0; c < channels; ++c) {
    scales[c] =
        RequantizeScale(plan.scale(src), wei_scales.Get(wei_scales.size() == 1 ? 0 : c), plan.scale(dst));
  }
  return scales;
}

inline PackedS8 PackS8(PlanBuilder& plan, const kernels::ConvWeightShape& shape, int src, int wei, int bia,
                       int dst) {
  const kernels::ConvPacking& packing = plan.table().conv_packing;
  const size_t wei_bytes = kernels::PackedConvWeightBytes(packing, shape);
  const size_t channels = kernels::PackedConvChannelCount(packing, shape);
  int8_t* packed_wei = plan.Persist<int8_t>(wei_bytes);
  int32_t* packed_bia = plan.Persist<int32_t>(channels);
  float* packed_scale = plan.Persist<float>(channels);
  const std::vector<float> scales = RequantizeScales(plan, src, wei, dst, shape.oc);
  kernels::PackConvWeights(packing, shape, plan.zero_point(src), plan.Constant<int8_t>(wei),
                           plan.Constant<int32_t>(bia), scales.data(), packed_wei, packed_bia, packed_scale);
  return {packed_wei, packed_bia, packed_scale, kernels::ScalesBelowOne(shape.oc, scales.data()),
          wei_bytes + channels * (sizeof(int32_t) + sizeof(float))};
}

inline PackedF32 PackF32(PlanBuilder& plan, const kernels::ConvWeightShape& shape, int wei, int bia) {
  const kernels::ConvF32Packing& packing = plan.table().conv_f32_packing;
  const size_t count = kernels::PackedConvWeightCountF32(packing, shape);
  const size_t channels = kernels::PackedConvChannelCountF32(packing, shape);
  float* packed_wei = plan.Persist<float>(count);
  float* packed_bia = plan.Persist<float>(channels);
  kernels::PackConvWeightsF32(packing, shape, plan.Constant<float>(wei), plan.Constant<float>(bia),
                              packed_wei, packed_bia);
  return {packed_wei, packed_bia, (count + channels) * sizeof(float)};
}

}  // namespace qrun

#endif  // QRUN_RUNTIME_OPS_PACKED_WEIGHTS_H_
