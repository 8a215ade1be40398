// Weights in the layout of the plan's kernels, made once when the plan is built.
#ifndef QRUN_RUNTIME_OPS_PACKED_WEIGHTS_H_
#define QRUN_RUNTIME_OPS_PACKED_WEIGHTS_H_

#include <vector>

#include "kernels/pack.h"
#include "runtime/plan.h"
#include "runtime/quant_math.h"

namespace qrun {

// Aligned parts of one block: the weights, then a bias per channel, then in int8 a scale per channel.
// `channels` and the pointers that pack(wei, bia, scale) gets are those of the packed layout.
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
  const auto src_scale = plan.scale(src), dst_scale = plan.scale(dst);
  std::vector<float> scales(channels);
  for (int c = 0; c < channels; ++c)
    scales[c] = RequantizeScale(src_scale, wei_scales.Get(wei_scales.size() == 1 ? 0 : c), dst_scale);
  return scales;
}

template <class Pack>
PackedS8 PersistS8(PlanBuilder& plan, size_t wei_bytes, size_t channels, const Pack& pack) {
  const size_t bia_at = AlignUp(wei_bytes), scale_at = bia_at + AlignUp(channels * sizeof(int32_t));
  const size_t bytes = scale_at + channels * sizeof(float);
  const std::byte* block = plan.PersistPacked(bytes, [&](std::byte* memory) {
    pack(reinterpret_cast<int8_t*>(memory), reinterpret_cast<int32_t*>(memory + bia_at),
         reinterpret_cast<float*>(memory + scale_at));
  });
  return {reinterpret_cast<const int8_t*>(block), reinterpret_cast<const int32_t*>(block + bia_at),
          reinterpret_cast<const float*>(block + scale_at), false, bytes};
}

// pack(wei, bia).
template <class Pack>
PackedF32 PersistF32(PlanBuilder& plan, size_t wei_count, size_t channels, const Pack& pack) {
  const size_t bia_at = AlignUp(wei_count * sizeof(float));
  const size_t bytes = bia_at + channels * sizeof(float);
  const std::byte* block = plan.PersistPacked(bytes, [&](std::byte* memory) {
    pack(reinterpret_cast<float*>(memory), reinterpret_cast<float*>(memory + bia_at));
  });
  return {reinterpret_cast<const float*>(block), reinterpret_cast<const float*>(block + bia_at), bytes};
}

// `values`: the weights OHWI, in place of the tensor's if that is not null.
inline PackedS8 PackS8(PlanBuilder& plan, const kernels::ConvWeightShape& shape, int src, int wei, int bia,
                       int dst, const int8_t* values = nullptr) {
  if (values == nullptr) values = plan.Constant<int8_t>(wei);
  const kernels::ConvPacking& packing = plan.table().conv_packing;
  const size_t wei_bytes = kernels::PackedConvWeightBytes(packing, shape);
  const size_t channels = kernels::PackedConvChannelCount(packing, shape);
  const std::vector<float> scales = RequantizeScales(plan, src, wei, dst, shape.oc);
  PackedS8 packed = PersistS8(plan, wei_bytes, channels, [&](int8_t* to, int32_t* to_bia, float* to_scale) {
    kernels::PackConvWeights(packing, shape, plan.zero_point(src), values, plan.Constant<int32_t>(bia),
                             scales.data(), to, to_bia, to_scale);
  });
  packed.scales_below_one = kernels::ScalesBelowOne(shape.oc, scales.data());
  return packed;
}

inline PackedF32 PackF32(PlanBuilder& plan, const kernels::ConvWeightShape& shape, int wei, int bia,
                         const float* values = nullptr) {
  if (values == nullptr) values = plan.Constant<float>(wei);
  const kernels::ConvF32Packing& packing = plan.table().conv_f32_packing;
  const size_t count = kernels::PackedConvWeightCountF32(packing, shape);
  const size_t channels = kernels::PackedConvChannelCountF32(packing, shape);
  return PersistF32(plan, count, channels, [&](float* to, float* to_bia) {
    kernels::PackConvWeightsF32(packing, shape, values, plan.Constant<float>(bia), to, to_bia);
  });
}

}  // namespace qrun

#endif  // QRUN_RUNTIME_OPS_PACKED_WEIGHTS_H_
