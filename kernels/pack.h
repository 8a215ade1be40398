// Packing of canonical weights (OHWI, HWC) into the layouts that kernels want. Runs once, when a plan is
// built. Callers own all memory; sizes come from the *Count functions. Thread safe.
#ifndef QRUN_KERNELS_PACK_H_
#define QRUN_KERNELS_PACK_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"

namespace qrun::kernels {

struct ConvWeightShape {
  int oc = 0, kh = 1, kw = 1, ic_per_group = 0, groups = 1;
  int RowK() const { return kw * ic_per_group; }
  int K() const { return kh * RowK(); }
};

// Output channels of one group after padding to the block; channel c of group g has index g * PaddedOc + c.
int PaddedOcPerGroup(const ConvWeightShape& shape, int oc_block);

// Bytes of packed int8 weights, and number of folded biases / scales.
size_t PackedConvWeightBytes(const ConvPacking& packing, const ConvWeightShape& shape);
size_t PackedConvChannelCount(const ConvPacking& packing, const ConvWeightShape& shape);

// wei: OHWI int8. bia: [oc] int32 or null (zeros). scale: [oc] requantisation scales.
// packed_bia[c] = bia[c] - (src_zp + src_offset) * sum(wei[c]) modulo 2^32; padded channels get 0 bias and
// scale 0.
void PackConvWeights(const ConvPacking& packing, const ConvWeightShape& shape, int src_zp, const int8_t* wei,
                     const int32_t* bia, const float* scale, int8_t* packed_wei, int32_t* packed_bia,
                     float* packed_scale);

// True if every scale is below one.
bool ScalesBelowOne(int channels, const float* scale);

// Depthwise. wei [kh*kw, c] int8 -> [kh*kw, c_padded]; bias folded with src_zp (no src_offset).
int PaddedDepthwiseChannels(int c);
void PackDepthwiseWeights(int taps, int c, int src_zp, const int8_t* wei, const int32_t* bia,
                          const float* scale, int8_t* packed_wei, int32_t* packed_bia, float* packed_scale);

// Float. Element counts instead of bytes.
size_t PackedConvWeightCountF32(const ConvF32Packing& packing, const ConvWeightShape& shape);
size_t PackedConvChannelCountF32(const ConvF32Packing& packing, const ConvWeightShape& shape);
void PackConvWeightsF32(const ConvF32Packing& packing, const ConvWeightShape& shape, const float* wei,
                        const float* bia, float* packed_wei, float* packed_bia);
int PaddedDepthwiseChannelsF32(int c);
void PackDepthwiseWeightsF32(int taps, int c, const float* wei, const float* bia, float* packed_wei,
                             float* packed_bia);

}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_PACK_H_
