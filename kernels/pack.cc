#include "kernels/pack.h"

#include <algorithm>

namespace qrun::kernels {
namespace {

int RoundUp(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

constexpr int kDepthwiseBlock = 64;     // channels; the widest int8 register
constexpr int kDepthwiseBlockF32 = 16;  // channels; the widest float register

// Weights of a channel after padding each kernel row.
int PaddedK(const ConvWeightShape& shape, int k_group) { return shape.kh * RoundUp(shape.RowK(), k_group); }

// packed[group][oc_blocks][PaddedK / k_group][oc_block][k_group] from [oc][kh][RowK], zero padded.
template <class T>
void PackBlocks(const ConvWeightShape& shape, int k_group, int oc_block, const T* wei, T* packed) {
  const int oc_per_group = shape.oc / shape.groups;
  const int oc_padded = PaddedOcPerGroup(shape, oc_block);
  const int row_padded = RoundUp(shape.RowK(), k_group);
  for (int g = 0; g < shape.groups; ++g) {
    const T* group_wei = wei + static_cast<ptrdiff_t>(g) * oc_per_group * shape.K();
    for (int block = 0; block < oc_padded; block += oc_block) {
      const int channels = std::min(oc_block, oc_per_group - block);
      for (int ky = 0; ky < shape.kh; ++ky) {
        for (int k = 0; k < row_padded; k += k_group) {
          const T* from = group_wei + static_cast<ptrdiff_t>(block) * shape.K() + ky * shape.RowK() + k;
          const int count = std::min(k_group, shape.RowK() - k);
          if (channels < oc_block || count < k_group) {
            std::fill_n(packed, static_cast<ptrdiff_t>(oc_block) * k_group, T{0});
          }
          T* step = packed;
          if (count == 4) {  // nearly always in int8; a known count needs no call
            for (int c = 0; c < channels; ++c, from += shape.K(), step += k_group) std::copy_n(from, 4, step);
          } else {
            for (int c = 0; c < channels; ++c, from += shape.K(), step += k_group) {
              for (int i = 0; i < count; ++i) step[i] = from[i];
            }
          }
          packed += static_cast<ptrdiff_t>(oc_block) * k_group;
        }
      }
    }
  }
}

// bia - offset * sum modulo 2^32, which is what the kernels' wrapping accumulators undo.
int32_t FoldBias(int32_t bia, int offset, int32_t sum) {
  return static_cast<int32_t>(static_cast<uint32_t>(bia) -
                              static_cast<uint32_t>(offset) * static_cast<uint32_t>(sum));
}

}  // namespace

int PaddedOcPerGroup(const ConvWeightShape& shape, int oc_block) {
  return RoundUp(shape.oc / shape.groups, oc_block);
}

size_t PackedConvWeightBytes(const ConvPacking& packing, const ConvWeightShape& shape) {
  return PackedConvChannelCount(packing, shape) * static_cast<size_t>(PaddedK(shape, packing.k_group));
}

size_t PackedConvChannelCount(const ConvPacking& packing, const ConvWeightShape& shape) {
  return static_cast<size_t>(shape.groups) * static_cast<size_t>(PaddedOcPerGroup(shape, packing.oc_block));
}

void PackConvWeights(const ConvPacking& packing, const ConvWeightShape& shape, int src_zp, const int8_t* wei,
                     const int32_t* bia, const float* scale, int8_t* packed_wei, int32_t* packed_bia,
                     float* packed_scale) {
  PackBlocks(shape, packing.k_group, packing.oc_block, wei, packed_wei);
  const int oc_per_group = shape.oc / shape.groups;
  const int oc_padded = PaddedOcPerGroup(shape, packing.oc_block);
  for (int g = 0; g < shape.groups; ++g) {
    for (int i = 0; i < oc_padded; ++i) {
      const bool inside = i < oc_per_group;
      const int c = g * oc_per_group + i;
      int32_t sum = 0;
      if (inside) {
        for (int k = 0; k < shape.K(); ++k) sum += wei[static_cast<ptrdiff_t>(c) * shape.K() + k];
      }
      *packed_bia++ = inside ? FoldBias(bia ? bia[c] : 0, src_zp + packing.src_offset, sum) : 0;
      *packed_scale++ = inside ? scale[c] : 0.0f;
    }
  }
}

bool ScalesBelowOne(int channels, const float* scale) {
  return std::all_of(scale, scale + channels, [](float s) { return s < 1.0f; });
}

int PaddedDepthwiseChannels(int c) { return RoundUp(c, kDepthwiseBlock); }

void PackDepthwiseWeights(int taps, int c, int src_zp, const int8_t* wei, const int32_t* bia,
                          const float* scale, int8_t* packed_wei, int32_t* packed_bia, float* packed_scale) {
  const int c_padded = PaddedDepthwiseChannels(c);
  for (int t = 0; t < taps; ++t) {
    std::copy_n(wei + static_cast<ptrdiff_t>(t) * c, c, packed_wei + static_cast<ptrdiff_t>(t) * c_padded);
    std::fill_n(packed_wei + static_cast<ptrdiff_t>(t) * c_padded + c, c_padded - c, int8_t{0});
  }
  for (int i = 0; i < c_padded; ++i) {
    int32_t sum = 0;
    for (int t = 0; t < taps; ++t) sum += packed_wei[static_cast<ptrdiff_t>(t) * c_padded + i];
    packed_bia[i] = i < c ? FoldBias(bia ? bia[i] : 0, src_zp, sum) : 0;
    packed_scale[i] = i < c ? scale[i] : 0.0f;
  }
}

size_t PackedConvWeightCountF32(const ConvF32Packing& packing, const ConvWeightShape& shape) {
  return PackedConvChannelCountF32(packing, shape) * static_cast<size_t>(shape.K());
}

size_t PackedConvChannelCountF32(const ConvF32Packing& packing, const ConvWeightShape& shape) {
  return static_cast<size_t>(shape.groups) * static_cast<size_t>(PaddedOcPerGroup(shape, packing.oc_block));
}

void PackConvWeightsF32(const ConvF32Packing& packing, const ConvWeightShape& shape, const float* wei,
                        const float* bia, float* packed_wei, float* packed_bia) {
  PackBlocks(shape, 1, packing.oc_block, wei, packed_wei);
  const int oc_per_group = shape.oc / shape.groups;
  const int oc_padded = PaddedOcPerGroup(shape, packing.oc_block);
  for (int g = 0; g < shape.groups; ++g) {
    for (int i = 0; i < oc_padded; ++i) {
      *packed_bia++ = bia != nullptr && i < oc_per_group ? bia[g * oc_per_group + i] : 0.0f;
    }
  }
}

int PaddedDepthwiseChannelsF32(int c) { return RoundUp(c, kDepthwiseBlockF32); }

void PackDepthwiseWeightsF32(int taps, int c, const float* wei, const float* bia, float* packed_wei,
                             float* packed_bia) {
  const int c_padded = PaddedDepthwiseChannelsF32(c);
  for (int t = 0; t < taps; ++t) {
    std::copy_n(wei + static_cast<ptrdiff_t>(t) * c, c, packed_wei + static_cast<ptrdiff_t>(t) * c_padded);
    std::fill_n(packed_wei + static_cast<ptrdiff_t>(t) * c_padded + c, c_padded - c, 0.0f);
  }
  for (int i = 0; i < c_padded; ++i) packed_bia[i] = bia != nullptr && i < c ? bia[i] : 0.0f;
}

}  // namespace qrun::kernels
