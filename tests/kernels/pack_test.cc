#include "kernels/pack.h"

#include <gtest/gtest.h>

#include <vector>

namespace qrun::kernels {
namespace {

// Layout by hand: 2 groups of 3 channels, K = 3, in blocks of 2 channels and groups of 2 in K.
TEST(PackConvWeights, Layout) {
  const ConvPacking packing = {.k_group = 2, .oc_block = 2, .src_offset = 128};
  const ConvWeightShape shape = {.oc = 6, .kh = 1, .kw = 3, .ic_per_group = 1, .groups = 2};
  std::vector<int8_t> wei;
  for (int oc = 0; oc < 6; ++oc) {
    for (int k = 0; k < 3; ++k) wei.push_back(static_cast<int8_t>(10 * (oc + 1) + k));
  }
  const std::vector<int32_t> bias = {1, 2, 3, 4, 5, 6};
  const std::vector<float> scales = {1, 2, 3, 4, 5, 6};
  ASSERT_EQ(PaddedOcPerGroup(shape, 2), 4);
  ASSERT_EQ(PackedConvChannelCount(packing, shape), 8u);
  ASSERT_EQ(PackedConvWeightBytes(packing, shape), 32u);
  std::vector<int8_t> packed(32);
  std::vector<int32_t> bia(8);
  std::vector<float> scale(8);
  PackConvWeights(packing, shape, /*src_zp=*/-28, wei.data(), bias.data(), scales.data(), packed.data(),
                  bia.data(), scale.data());
  EXPECT_EQ(packed, (std::vector<int8_t>{10, 11, 20, 21, 12, 0, 22, 0, 30, 31, 0, 0, 32, 0, 0, 0,
                                         40, 41, 50, 51, 42, 0, 52, 0, 60, 61, 0, 0, 62, 0, 0, 0}));
  // 1 - (128 - 28) * (10 + 11 + 12), ...
  EXPECT_EQ(bia, (std::vector<int32_t>{1 - 3300, 2 - 6300, 3 - 9300, 0, 4 - 12300, 5 - 15300, 6 - 18300, 0}));
  EXPECT_EQ(scale, (std::vector<float>{1, 2, 3, 0, 4, 5, 6, 0}));
}

TEST(PackConvWeights, BiasWrapsAndMayBeAbsent) {
  const ConvPacking packing = {.k_group = 1, .oc_block = 1, .src_offset = 128};
  const ConvWeightShape shape = {.oc = 1, .ic_per_group = 1};
  const int8_t wei = 127;
  const int32_t bias = INT32_MIN;
  const float one = 1;
  int8_t packed;
  int32_t bia;
  float scale;
  PackConvWeights(packing, shape, 127, &wei, &bias, &one, &packed, &bia, &scale);
  EXPECT_EQ(bia, INT32_MAX - 255 * 127 + 1);
  PackConvWeights(packing, shape, 0, &wei, nullptr, &one, &packed, &bia, &scale);
  EXPECT_EQ(bia, -128 * 127);
}

TEST(PackDepthwiseWeights, PadsChannelsAndFoldsTheZeroPoint) {
  ASSERT_EQ(PaddedDepthwiseChannels(3), 64);
  ASSERT_EQ(PaddedDepthwiseChannels(64), 64);
  ASSERT_EQ(PaddedDepthwiseChannels(65), 128);
  const int8_t wei[] = {1, 2, 3, 4, 5, 6};
  const float scales[] = {1, 2, 3};
  std::vector<int8_t> packed(128, 9);
  std::vector<int32_t> bia(64, 9);
  std::vector<float> scale(64, 9);
  PackDepthwiseWeights(2, 3, 10, wei, nullptr, scales, packed.data(), bia.data(), scale.data());
  std::vector<int8_t> want(128);
  for (int i = 0; i < 3; ++i)
    want[static_cast<size_t>(i)] = wei[i], want[static_cast<size_t>(64 + i)] = wei[3 + i];
  EXPECT_EQ(packed, want);
  EXPECT_EQ((std::vector<int32_t>(bia.begin(), bia.begin() + 4)), (std::vector<int32_t>{-50, -70, -90, 0}));
  EXPECT_EQ((std::vector<float>(scale.begin(), scale.begin() + 4)), (std::vector<float>{1, 2, 3, 0}));
}

TEST(PackConvWeightsF32, Layout) {
  const ConvF32Packing packing = {2};
  const ConvWeightShape shape = {.oc = 3, .ic_per_group = 2};
  const float wei[] = {1, 2, 3, 4, 5, 6}, bias[] = {7, 8, 9};
  ASSERT_EQ(PackedConvWeightCountF32(packing, shape), 8u);
  ASSERT_EQ(PackedConvChannelCountF32(packing, shape), 4u);
  std::vector<float> packed(8), bia(4);
  PackConvWeightsF32(packing, shape, wei, bias, packed.data(), bia.data());
  EXPECT_EQ(packed, (std::vector<float>{1, 3, 2, 4, 5, 0, 6, 0}));
  EXPECT_EQ(bia, (std::vector<float>{7, 8, 9, 0}));
}

TEST(PackDepthwiseWeightsF32, PadsChannels) {
  ASSERT_EQ(PaddedDepthwiseChannelsF32(17), 32);
  const float wei[] = {1, 2}, bias[] = {3, 4};
  std::vector<float> packed(16, 9), bia(16, 9);
  PackDepthwiseWeightsF32(1, 2, wei, bias, packed.data(), bia.data());
  std::vector<float> want_wei(16), want_bia(16);
  want_wei[0] = 1, want_wei[1] = 2, want_bia[0] = 3, want_bia[1] = 4;
  EXPECT_EQ(packed, want_wei);
  EXPECT_EQ(bia, want_bia);
}

}  // namespace
}  // namespace qrun::kernels
