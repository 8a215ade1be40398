#include "runtime/image/golden.h"

#include <gtest/gtest.h>

#include <set>

namespace qrun::image {
namespace {

PreprocessSpec Torch() {
  return {.rule = PreprocessSpec::kShortSide,
          .resize = 110,
          .crop_h = 96,
          .crop_w = 96,
          .color = PreprocessSpec::kRgb,
          .mean = {0.485f, 0.456f, 0.406f},
          .std = {0.229f, 0.224f, 0.225f}};
}

constexpr InputQuantization kInt8{0.0186584499f, -14};

TEST(Golden, ImageIsWhatItsFormulaSays) {
  const Image image = GoldenImage(61, 47);
  ASSERT_EQ(image.pixels.size(), 61u * 47 * 3);
  EXPECT_EQ(image.pixels[0], 0);
  EXPECT_EQ(image.pixels[2], 170);
  // x = 60, y = 46, c = 1: 180 + 230 + 85 + 690 + 31 * (18 >> 2) = 1309
  EXPECT_EQ(image.pixels[(46 * 61 + 60) * 3 + 1], 1309 % 256);
}

// Computed with Pillow 9.4 and NumPy: torchvision's resize and crop, then each step in binary32.
TEST(Golden, HashesAreThoseOfPillow) {
  EXPECT_EQ(*GoldenHash(Torch(), kInt8), 0xd405ee47d2fe6f4eu);
  EXPECT_EQ(*GoldenHash(Torch(), {}), 0xb54c6fed527ed5e6u);
  PreprocessSpec gray = Torch();
  gray.color = PreprocessSpec::kGray;
  gray.mean = {0.449f};
  gray.std = {0.226f};
  gray.rule = PreprocessSpec::kStretch;
  EXPECT_EQ(*GoldenHash(gray, kInt8), 0xf5092fe1c9bc47b9u);
}

TEST(Golden, EveryPartOfPreprocessingChangesTheHash) {
  std::set<uint64_t> hashes = {*GoldenHash(Torch(), kInt8), *GoldenHash(Torch(), {})};
  const auto add = [&](auto&& change) {
    PreprocessSpec spec = Torch();
    change(spec);
    EXPECT_TRUE(hashes.insert(*GoldenHash(spec, kInt8)).second);
  };
  add([](auto& s) { s.mean[1] = 0.46f; });
  add([](auto& s) { s.std[2] = 0.23f; });
  add([](auto& s) { s.color = PreprocessSpec::kBgr; });
  add([](auto& s) { s.resize = 111; });
  add([](auto& s) { s.rule = PreprocessSpec::kStretch; });
  add([](auto& s) { s.rule = PreprocessSpec::kNone; });
  EXPECT_TRUE(hashes.insert(*GoldenHash(Torch(), InputQuantization{kInt8.scale, -13})).second);
}

}  // namespace
}  // namespace qrun::image
