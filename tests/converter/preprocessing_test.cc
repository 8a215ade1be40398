#include "converter/preprocessing.h"

#include <gtest/gtest.h>

namespace qrun::converter {
namespace {

Value Input(Shape shape) {
  Value value;
  value.name = "pixels";
  value.shape = std::move(shape);
  return value;
}

TEST(MakePreprocessing, KnowsItsPresets) {
  PreprocessingOptions options;
  const auto torch = MakePreprocessing(options, Input({1, 224, 224, 3}));
  ASSERT_TRUE(torch.ok());
  EXPECT_EQ(torch->preset, "torch");
  EXPECT_EQ(torch->rule, fb::ResizeRule::ShortSide);
  EXPECT_EQ(torch->resize, 256);
  EXPECT_EQ(torch->crop_h, 224);
  EXPECT_EQ(torch->color, fb::ColorOrder::Rgb);
  EXPECT_EQ(torch->mean, (std::vector<float>{0.485f, 0.456f, 0.406f}));
  EXPECT_EQ(torch->std, (std::vector<float>{0.229f, 0.224f, 0.225f}));

  options.preset = "tf";
  const auto tf = MakePreprocessing(options, Input({1, 96, 96, 1}));
  ASSERT_TRUE(tf.ok());
  EXPECT_EQ(tf->resize, 110);  // 96 * 256 / 224 = 109.7
  EXPECT_EQ(tf->color, fb::ColorOrder::Gray);
  EXPECT_EQ(tf->mean, (std::vector<float>{0.5f}));

  options.preset = "raw";
  const auto raw = MakePreprocessing(options, Input({1, 20, 30, 3}));
  ASSERT_TRUE(raw.ok());
  EXPECT_EQ(raw->resize, 34);  // of the longer side, so that the crop fits
  EXPECT_EQ(raw->crop_h, 20);
  EXPECT_EQ(raw->crop_w, 30);
  // real = (pixel / 255 - 0) / (1 / 255)
  EXPECT_FLOAT_EQ(200.0f / 255 / raw->std[0], 200.0f);
}

TEST(MakePreprocessing, LetsSingleOptionsReplaceThePreset) {
  PreprocessingOptions options;
  options.resize = "232";
  options.mean = {0.1f, 0.2f, 0.3f};
  options.std = {0.5f};
  auto made = MakePreprocessing(options, Input({1, 224, 224, 3}));
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->preset, "custom");
  EXPECT_EQ(made->resize, 232);
  EXPECT_EQ(made->mean, (std::vector<float>{0.1f, 0.2f, 0.3f}));
  EXPECT_EQ(made->std, (std::vector<float>{0.5f, 0.5f, 0.5f}));

  options = {};
  options.resize = "stretch";
  made = MakePreprocessing(options, Input({1, 224, 224, 3}));
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->rule, fb::ResizeRule::Stretch);
}

TEST(MakePreprocessing, TurnsConstantsRoundForBgr) {
  PreprocessingOptions options;
  options.preset = "torch";
  options.color = "bgr";
  const auto made = MakePreprocessing(options, Input({1, 8, 8, 3}));
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->mean, (std::vector<float>{0.406f, 0.456f, 0.485f}));
  EXPECT_EQ(ToSpec(*made).color, image::PreprocessSpec::kBgr);
}

TEST(MakePreprocessing, NamesTheOptionThatDoesNotFit) {
  const auto message = [](const PreprocessingOptions& options, Shape shape) {
    const auto made = MakePreprocessing(options, Input(std::move(shape)));
    EXPECT_FALSE(made.ok());
    return made.ok() ? "" : made.error().message();
  };
  const Shape rgb = {1, 8, 8, 3};
  PreprocessingOptions options;
  EXPECT_NE(message(options, {1, 640}).find("'pixels' [1,640] is not an image"), std::string::npos);
  EXPECT_NE(message(options, {1, 8, 8, 4}).find("not an image"), std::string::npos);
  options.preset = "caffe";
  EXPECT_NE(message(options, rgb).find("--preprocess 'caffe'"), std::string::npos);
  options = {};
  options.resize = "12x";
  EXPECT_NE(message(options, rgb).find("--resize '12x'"), std::string::npos);
  options = {};
  options.crop = 9;
  EXPECT_NE(message(options, rgb).find("--crop 9"), std::string::npos);
  options = {};
  options.mean = {0, 0};
  EXPECT_NE(message(options, rgb).find("--mean has 2 values"), std::string::npos);
  options = {};
  options.std = {0};
  EXPECT_NE(message(options, rgb).find("--std"), std::string::npos);
  options = {};
  options.color = "gray";
  EXPECT_NE(message(options, rgb).find("--color gray"), std::string::npos);
}

}  // namespace
}  // namespace qrun::converter
