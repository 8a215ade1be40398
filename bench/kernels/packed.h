// Random weights, packed for an ISA as the plan packs them.
#ifndef QRUN_BENCH_KERNELS_PACKED_H_
#define QRUN_BENCH_KERNELS_PACKED_H_

#include <cmath>

#include "bench/kernels/cases.inl.h"
#include "kernels/pack.h"

namespace qrun::bench {

struct PackedS8 {
  Aligned<int8_t> wei;
  Aligned<int32_t> bia;
  Aligned<float> scale;
  bool scales_below_one;
  // Sets the three pointers of a kernel's arguments.
  template <class Args>
  void Bind(Args& args) {
    args.wei = wei.data();
    args.bia = bia.data();
    args.scale = scale.data();
    if constexpr (requires { args.scales_below_one; }) {
      args.scales_below_one = scales_below_one;
    }
  }
};

struct PackedF32 {
  Aligned<float> wei, bia;
  template <class Args>
  void Bind(Args& args) {
    args.wei = wei.data();
    args.bia = bia.data();
  }
};

// A requantisation scale with which sums of K products of bytes up to 127 (each about 5,000 in size) fill the
// range of int8.
inline float ScaleFor(int K) { return 60.0f / (5000 * std::sqrt(static_cast<float>(K))); }

inline PackedS8 PackConv(const kernels::ConvPacking& packing, const kernels::ConvWeightShape& shape,
                         int src_zp, uint32_t seed) {
  const size_t channels = PackedConvChannelCount(packing, shape);
  PackedS8 packed = {Aligned<int8_t>(PackedConvWeightBytes(packing, shape)), Aligned<int32_t>(channels),
                     Aligned<float>(channels), ScaleFor(shape.K()) < 1};
  const size_t oc = static_cast<size_t>(shape.oc);
  const auto wei = RandomBytes(static_cast<size_t>(shape.K()) * oc, seed);
  const std::vector<float> scales(oc, ScaleFor(shape.K()));
  PackConvWeights(packing, shape, src_zp, wei.data(), nullptr, scales.data(), packed.wei.data(),
                  packed.bia.data(), packed.scale.data());
  return packed;
}

inline PackedF32 PackConvF32(const kernels::ConvF32Packing& packing, const kernels::ConvWeightShape& shape,
                             uint32_t seed) {
  PackedF32 packed = {Aligned<float>(PackedConvWeightCountF32(packing, shape)),
                      Aligned<float>(PackedConvChannelCountF32(packing, shape))};
  const auto wei = RandomFloats(static_cast<size_t>(shape.K()) * static_cast<size_t>(shape.oc), seed);
  PackConvWeightsF32(packing, shape, wei.data(), nullptr, packed.wei.data(), packed.bia.data());
  return packed;
}

inline PackedS8 PackDepthwise(int taps, int c, int src_zp, uint32_t seed) {
  const size_t channels = static_cast<size_t>(kernels::PaddedDepthwiseChannels(c));
  PackedS8 packed = {Aligned<int8_t>(channels * static_cast<size_t>(taps)), Aligned<int32_t>(channels),
                     Aligned<float>(channels), ScaleFor(taps) < 1};
  const auto wei = RandomBytes(static_cast<size_t>(taps * c), seed);
  const std::vector<float> scales(static_cast<size_t>(c), ScaleFor(taps));
  kernels::PackDepthwiseWeights(taps, c, src_zp, wei.data(), nullptr, scales.data(), packed.wei.data(),
                                packed.bia.data(), packed.scale.data());
  return packed;
}

inline PackedF32 PackDepthwiseF32(int taps, int c, uint32_t seed) {
  const size_t channels = static_cast<size_t>(kernels::PaddedDepthwiseChannelsF32(c));
  PackedF32 packed = {Aligned<float>(channels * static_cast<size_t>(taps)), Aligned<float>(channels)};
  const auto wei = RandomFloats(static_cast<size_t>(taps * c), seed);
  kernels::PackDepthwiseWeightsF32(taps, c, wei.data(), nullptr, packed.wei.data(), packed.bia.data());
  return packed;
}

// What a call on one source with packed weights points into.
template <class T, class Packed>
struct WeightedMemory {
  std::vector<T> src;
  Packed packed;
};

}  // namespace qrun::bench

#endif  // QRUN_BENCH_KERNELS_PACKED_H_
