#include "runtime/image/preprocess.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/runtime/image/cases.h"

namespace qrun::image {
namespace {

struct Case {
  std::string name;
  Image src;
  PreprocessSpec spec;
  float scale = 1;
  int zero_point = 0;
  Image u1;
  NpyArray f4;
  NpyArray i1;
};

Case Parse(std::istringstream& fields) {
  Case c;
  std::string src, rule, color, u1, f4, i1;
  fields >> src >> rule >> c.spec.resize >> c.spec.crop_h >> c.spec.crop_w >> color;
  c.spec.rule = rule == "short"     ? PreprocessSpec::kShortSide
                : rule == "stretch" ? PreprocessSpec::kStretch
                                    : PreprocessSpec::kNone;
  c.spec.color = color == "rgb"   ? PreprocessSpec::kRgb
                 : color == "bgr" ? PreprocessSpec::kBgr
                                  : PreprocessSpec::kGray;
  c.spec.mean.resize(static_cast<size_t>(c.spec.channels()));
  c.spec.std.resize(c.spec.mean.size());
  for (float& value : c.spec.mean) fields >> value;
  for (float& value : c.spec.std) fields >> value;
  fields >> c.scale >> c.zero_point >> u1 >> f4 >> i1;
  EXPECT_FALSE(fields.fail());
  c.name = u1;
  c.src = CaseImage(src);
  c.u1 = CaseImage(u1);
  c.f4 = CaseArray(f4);
  c.i1 = CaseArray(i1);
  return c;
}

TEST(Preprocess, EqualsPillowAndNumpy) {
  int count = 0;
  for (std::istringstream& fields : CasesOf("preprocess")) {
    const Case c = Parse(fields);
    SCOPED_TRACE(c.name);
    const Result<Image> image = Geometry(c.src, c.spec);
    ASSERT_TRUE(image.ok()) << image.error().ToString();
    EXPECT_EQ(image->width, c.spec.crop_w);
    EXPECT_EQ(image->height, c.spec.crop_h);
    EXPECT_EQ(image->channels, c.spec.channels());
    ASSERT_TRUE(image->pixels == c.u1.pixels);

    const size_t n = image->pixels.size();
    std::vector<float> f4(n);
    NormalizeF32(*image, c.spec, f4.data());
    ASSERT_EQ(c.f4.data.size(), n * sizeof(float));
    EXPECT_EQ(std::memcmp(f4.data(), c.f4.data.data(), n * sizeof(float)), 0);

    std::vector<int8_t> i1(n);
    NormalizeS8(*image, c.spec, {c.scale, c.zero_point}, i1.data());
    ASSERT_EQ(c.i1.data.size(), n);
    EXPECT_EQ(std::memcmp(i1.data(), c.i1.data.data(), n), 0);
    ++count;
  }
  EXPECT_GT(count, 100);
}

PreprocessSpec Spec(PreprocessSpec::Rule rule, int resize, int crop) {
  return {.rule = rule,
          .resize = resize,
          .crop_h = crop,
          .crop_w = crop,
          .color = PreprocessSpec::kRgb,
          .mean = {0, 0, 0},
          .std = {1, 1, 1}};
}

TEST(Preprocess, QuantisesHalvesToEvenAndClamps) {
  PreprocessSpec spec = Spec(PreprocessSpec::kNone, 0, 1);
  spec.color = PreprocessSpec::kGray;
  spec.std = {1};
  const auto quantise = [&](float real, float scale, int zp) {
    spec.mean = {-real};
    const Image black{.width = 1, .height = 1, .channels = 1, .pixels = {0}};
    float normalised = 0;
    NormalizeF32(black, spec, &normalised);
    EXPECT_EQ(normalised, real);
    int8_t dst = 0;
    NormalizeS8(black, spec, {scale, zp}, &dst);
    return int{dst};
  };
  EXPECT_EQ(quantise(0.5f, 1, 0), 0);
  EXPECT_EQ(quantise(1.5f, 1, 0), 2);
  EXPECT_EQ(quantise(2.5f, 1, 0), 2);
  EXPECT_EQ(quantise(2.5f, 1, 1), 3);  // rounded before the zero point is added
  EXPECT_EQ(quantise(-0.5f, 1, 0), 0);
  EXPECT_EQ(quantise(-1.5f, 1, 0), -2);
  EXPECT_EQ(quantise(127.5f, 1, 0), 127);
  EXPECT_EQ(quantise(127.5f, 1, -100), 28);
  EXPECT_EQ(quantise(255, 1, -128), 127);
  EXPECT_EQ(quantise(-255, 1, 127), -128);
  EXPECT_EQ(quantise(1, 1e-30f, -128), 127);  // 1e30, far outside of int
  EXPECT_EQ(quantise(-1, 1e-30f, 127), -128);
  EXPECT_EQ(quantise(1, 1e-39f, -128), 127);  // 1 / scale is infinite
  EXPECT_EQ(quantise(0, 1e-39f, 5), 5);       // 0 * infinity is no number: the zero point
}

// An input whose channels have scales and offsets: what FoldPreprocessing makes, and another grid.
TEST(Preprocess, ChannelScalesAndOffsets) {
  PreprocessSpec spec;
  spec.rule = PreprocessSpec::kNone;
  spec.crop_h = 1;
  spec.crop_w = 256;
  spec.mean = {0.485f, 0.456f, 0.406f};
  spec.std = {0.229f, 0.224f, 0.225f};
  Image image{.width = 256, .height = 1, .channels = 3, .pixels = {}};
  for (int p = 0; p < 256; ++p) {
    for (int c = 0; c < 3; ++c) image.pixels.push_back(static_cast<uint8_t>(p));
  }
  InputQuantization pixels{.scale = 1, .zero_point = 114 - 128};
  for (size_t c = 0; c < 3; ++c) {
    pixels.channel_scale.push_back(255 * spec.std[c]);
    pixels.channel_offset.push_back(255 * spec.mean[c] - 114);
  }
  std::vector<int8_t> dst(image.pixels.size());
  NormalizeS8(image, spec, pixels, dst.data());
  for (size_t i = 0; i < dst.size(); ++i) ASSERT_EQ(dst[i], image.pixels[i] - 128) << i;
  pixels.scale = 3;  // no ties, which the offsets' rounding would decide
  pixels.zero_point = 0;
  NormalizeS8(image, spec, pixels, dst.data());
  for (size_t i = 0; i < dst.size(); ++i) {
    ASSERT_EQ(dst[i], static_cast<int>(std::nearbyint((image.pixels[i] - 114) / 3.0))) << i;
  }
}

TEST(Preprocess, GreySourceIsReplicated) {
  const Image grey{.width = 2, .height = 1, .channels = 1, .pixels = {10, 200}};
  PreprocessSpec spec = Spec(PreprocessSpec::kNone, 0, 1);
  spec.crop_w = 2;
  const Result<Image> image = Geometry(grey, spec);
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->pixels, (std::vector<uint8_t>{10, 10, 10, 200, 200, 200}));
}

TEST(Preprocess, LongThinImageCostsOnlyItsCrop) {
  // Resized whole, this would be 65535 x 4294836225 pixels.
  const Image line{.width = 65535, .height = 1, .channels = 1, .pixels = std::vector<uint8_t>(65535, 77)};
  const Result<Image> image = Geometry(line, Spec(PreprocessSpec::kShortSide, 65535, 16));
  ASSERT_TRUE(image.ok()) << image.error().ToString();
  EXPECT_EQ(image->pixels, std::vector<uint8_t>(16 * 16 * 3, 77));
}

void ExpectRefused(const Image& image, const PreprocessSpec& spec) {
  const Result<Image> result = Geometry(image, spec);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), StatusCode::kInvalidArgument);
}

TEST(Preprocess, WrongSpecsAreRefused) {
  const Image image{.width = 2, .height = 1, .channels = 3, .pixels = {1, 2, 3, 4, 5, 6}};
  const PreprocessSpec good = Spec(PreprocessSpec::kShortSide, 4, 2);
  ASSERT_TRUE(Geometry(image, good).ok());
  PreprocessSpec spec = good;
  spec.resize = 0;
  ExpectRefused(image, spec);
  spec = good;
  spec.crop_h = 65536;
  ExpectRefused(image, spec);
  spec = good;
  spec.crop_w = -1;
  ExpectRefused(image, spec);
  spec = good;
  spec.mean.pop_back();
  ExpectRefused(image, spec);
  spec = good;
  spec.color = PreprocessSpec::kGray;  // three means for one channel
  ExpectRefused(image, spec);
  spec = good;
  spec.std[1] = 0;
  ExpectRefused(image, spec);
  spec = good;
  spec.std[2] = std::numeric_limits<float>::infinity();
  ExpectRefused(image, spec);
  spec = good;
  spec.mean[0] = std::nanf("");
  ExpectRefused(image, spec);
  ExpectRefused(Image{}, good);
  ExpectRefused(image, Spec(PreprocessSpec::kNone, 0, 2));  // the image is 1 x 2
}

}  // namespace
}  // namespace qrun::image
