#include "converter/quant_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace qrun::converter {
namespace {

TEST(ParamsFromRange, MatchesValuesWorkedByHand) {
  // [-1, 1.55]: 2.55 / 255 = 0.01; zero point -128 + 1 / 0.01 = -28.
  EXPECT_EQ(ParamsFromRange({-1.0f, 1.55f}), (AffineParams{0.01f, -28}));
  // A ReLU6 output.
  EXPECT_EQ(ParamsFromRange({0.0f, 6.0f}), (AffineParams{static_cast<float>(6.0 / 255), -128}));
  EXPECT_EQ(ParamsFromRange({-5.1f, 0.0f}), (AffineParams{static_cast<float>(double{5.1f} / 255), 127}));
}

TEST(ParamsFromRange, AlwaysCoversZero) {
  EXPECT_EQ(ParamsFromRange({2.0f, 5.1f}), ParamsFromRange({0.0f, 5.1f}));
  EXPECT_EQ(ParamsFromRange({-5.1f, -2.0f}), ParamsFromRange({-5.1f, 0.0f}));
}

TEST(ParamsFromRange, SurvivesDegenerateRanges) {
  EXPECT_EQ(ParamsFromRange({}), (AffineParams{1.0f, 0}));
  EXPECT_EQ(ParamsFromRange({0.0f, 0.0f}), (AffineParams{1.0f, 0}));
  EXPECT_EQ(ParamsFromRange({0.0f, 1e-30f}), (AffineParams{0x1p-40f, -128}));
  EXPECT_TRUE(std::isnormal(ParamsFromRange({-kMaxMagnitude, kMaxMagnitude}).scale));
}

TEST(QuantizeValue, RoundsHalfToEvenAndClamps) {
  const AffineParams params{0.5f, 10};
  EXPECT_EQ(QuantizeValue(0.0, params), 10);
  EXPECT_EQ(QuantizeValue(0.25, params), 10);  // 0.5 -> 0
  EXPECT_EQ(QuantizeValue(0.75, params), 12);  // 1.5 -> 2
  EXPECT_EQ(QuantizeValue(-0.75, params), 8);  // -1.5 -> -2
  EXPECT_EQ(QuantizeValue(1e9, params), 127);
  EXPECT_EQ(QuantizeValue(-INFINITY, params), -128);
  EXPECT_EQ(QuantizeValue(NAN, params), 10);
}

TEST(BuildUnaryTable, HoldsTheFunctionOfEveryByte) {
  fb::UnaryT relu;
  relu.kind = fb::UnaryKind::Clamp;
  relu.alpha = 0.0f;
  relu.beta = 3.0f;
  const auto table = BuildUnaryTable(relu, {0.1f, 0}, {0.05f, -128});
  EXPECT_EQ(table[-128 + 128], -128);
  EXPECT_EQ(table[0 + 128], -128);
  EXPECT_EQ(table[1 + 128], -126);  // 0.1 / 0.05
  EXPECT_EQ(table[30 + 128], -68);  // 3.0 / 0.05 = 60
  EXPECT_EQ(table[127 + 128], -68);

  fb::UnaryT sigmoid;
  sigmoid.kind = fb::UnaryKind::Sigmoid;
  const auto s = BuildUnaryTable(sigmoid, {0.0625f, 0}, {0x1p-8f, -128});
  EXPECT_EQ(s[128], 0);            // 0.5 * 256 - 128
  EXPECT_EQ(s[16 + 128], 59);      // sigmoid(1) = 0.731059 -> 187.15 - 128
  EXPECT_EQ(s[-128 + 128], -128);  // sigmoid(-8) = 0.000335 -> 0.086
}

TEST(QuantizeLinear, ScalesPerChannel) {
  // Two output channels of two weights; axis 0.
  const std::vector<float> wei = {1.27f, -0.635f, 0.0f, -2.54f};
  const std::vector<float> bia = {1.0f, -0.5f};
  const LinearWeights linear = QuantizeLinear(wei, {2, 1, 1, 2}, 0, bia, 0.5f, 1.0f);
  EXPECT_FLOAT_EQ(linear.scale[0], 0.01f);
  EXPECT_FLOAT_EQ(linear.scale[1], 0.02f);
  EXPECT_EQ(linear.wei, (std::vector<int8_t>{127, -64, 0, -127}));  // -63.5 ties to even
  EXPECT_EQ(linear.bia, (std::vector<int32_t>{200, -50}));          // 1 / (0.5 * 0.01), -0.5 / (0.5 * 0.02)
  EXPECT_EQ(linear.zero_channels, 0);
  EXPECT_EQ(linear.widened_channels, 0);
}

TEST(QuantizeLinear, SharesOneScalePerTensor) {
  const std::vector<float> wei = {1.27f, 0.1f, -0.3f, 2.54f}, bia = {0.4f, 0};
  const LinearWeights linear = QuantizeLinear(
      wei, {2, 1, 1, 2}, 0, bia, 0.5f, 1.0f, {.per_channel = false, .least_error = false, .input_power = {}});
  EXPECT_EQ(linear.scale, (std::vector<float>{0.02f, 0.02f}));
  EXPECT_EQ(linear.wei, (std::vector<int8_t>{64, 5, -15, 127}));
  EXPECT_EQ(linear.bia, (std::vector<int32_t>{40, 0}));
}

// sum power * (w - w')^2
double WeightedError(const std::vector<float>& wei, const LinearWeights& linear,
                     const std::vector<double>& power) {
  double sum = 0;
  for (size_t i = 0; i < wei.size(); ++i) {
    const double d = wei[i] - static_cast<double>(linear.wei[i]) * linear.scale[0];
    sum += power[i] * d * d;
  }
  return sum;
}

TEST(QuantizeLinear, LeastErrorClipsWeightsThatMeetQuietInputs) {
  std::vector<float> wei;
  std::vector<double> power;
  for (int i = 0; i < 200; ++i) {
    wei.push_back(std::sin(static_cast<float>(i)) * 0.1f);
    power.push_back(1);
  }
  wei.push_back(0.15f);
  power.push_back(1e-6);
  const Shape extents = {1, static_cast<int64_t>(wei.size())};
  const LinearWeights plain = QuantizeLinear(wei, extents, 0, {}, 1.0f, 1.0f);
  const LinearWeights least = QuantizeLinear(wei, extents, 0, {}, 1.0f, 1.0f, {true, true, power});
  EXPECT_FLOAT_EQ(plain.scale[0], 0.15f / 127);
  EXPECT_LT(least.scale[0], 0.11f / 127);
  EXPECT_EQ(least.wei.back(), 127);
  EXPECT_LT(WeightedError(wei, least, power), 0.7 * WeightedError(wei, plain, power));
}

TEST(QuantizeLinear, TakesTheLastAxisForDepthwise) {
  const std::vector<float> wei = {1.27f, 12.7f, -1.27f, 0.0f};  // [2, 1, 2]
  const LinearWeights linear = QuantizeLinear(wei, {2, 1, 2}, 2, {}, 1.0f, 1.0f);
  EXPECT_FLOAT_EQ(linear.scale[0], 0.01f);
  EXPECT_FLOAT_EQ(linear.scale[1], 0.1f);
  EXPECT_EQ(linear.wei, (std::vector<int8_t>{127, 127, -127, 0}));
  EXPECT_TRUE(linear.bia.empty());
}

TEST(QuantizeLinear, GivesAZeroChannelAScaleThatHoldsItsBias) {
  const std::vector<float> wei = {0.0f, 0.0f, 0.0f};
  const std::vector<float> bia = {0.3f, 0.0f, -7.0f};
  const LinearWeights linear = QuantizeLinear(wei, {3, 1}, 0, bia, 0.1f, 0.05f);
  EXPECT_EQ(linear.zero_channels, 3);
  EXPECT_EQ(linear.wei, (std::vector<int8_t>{0, 0, 0}));
  for (int c : {0, 2}) {
    const double real = linear.bia[c] * 0.1 * linear.scale[c];
    EXPECT_NEAR(real, bia[c], 1e-6 * std::abs(bia[c])) << c;
    EXPECT_LE(std::abs(linear.bia[c]), 1 << 24) << c;
  }
  EXPECT_EQ(linear.bia[1], 0);
  EXPECT_TRUE(std::isnormal(linear.scale[1]));
}

TEST(QuantizeLinear, WidensScalesSoThatTheAccumulatorFits) {
  // max|w| / 127 would put the bias at 1e9 * 127 / 1e-3 steps.
  const std::vector<float> wei = {1e-3f, -1e-3f, 1.0f, 1.0f};
  const std::vector<float> bia = {1e9f, 1e-3f};
  const LinearWeights linear = QuantizeLinear(wei, {2, 2}, 0, bia, 1.0f, 1.0f);
  EXPECT_EQ(linear.widened_channels, 1);
  const int64_t worst = std::abs(int64_t{linear.bia[0]}) + 2 * 255 * 127;
  EXPECT_LE(worst, std::numeric_limits<int32_t>::max());
  EXPECT_GT(worst, std::numeric_limits<int32_t>::max() - 1000);  // and no wider than needed
  EXPECT_NEAR(linear.bia[0] * static_cast<double>(linear.scale[0]), 1e9, 1.0);
  EXPECT_FLOAT_EQ(linear.scale[1], 1.0f / 127);
}

TEST(QuantizeLinear, KeepsTheRequantisationScaleNormal) {
  const std::vector<float> wei = {1e-38f};
  const LinearWeights linear = QuantizeLinear(wei, {1, 1}, 0, {}, 0x1p-20f, 1.0f);
  EXPECT_EQ(linear.widened_channels, 1);
  EXPECT_GE(0x1p-20 * linear.scale[0], 0x1p-31);
  EXPECT_EQ(linear.wei[0], 0);
}

}  // namespace
}  // namespace qrun::converter
