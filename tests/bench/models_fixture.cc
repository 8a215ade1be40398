#include <gtest/gtest.h>
#include <png.h>

#include <cstring>

#include "runtime/file.h"
#include "runtime/npy.h"
#include "tests/bench/models.h"
#include "tests/model_builder.h"

namespace qrun::tests {
namespace {

void Write(const std::string& path, const std::vector<std::byte>& bytes) {
  const Status status = WriteFile(path, {bytes});
  ASSERT_TRUE(status.ok()) << status.message();
}

void TakeTwoByTwoPixels(ModelBuilder& b) {
  auto pre = std::make_unique<fb::PreprocessingT>();
  pre->rule = fb::ResizeRule::None;
  pre->crop_h = pre->crop_w = 2;
  pre->mean = {0, 0, 0};
  pre->std = {1, 1, 1};
  b.model.preprocessing = std::move(pre);
  b.model.labels = {"red", "green", "blue"};
}

fb::Pool2DT MeanOf(int size) {
  fb::Pool2DT pool;
  pool.kind = fb::PoolKind::Average;
  pool.kernel_h = pool.kernel_w = size;
  return pool;
}

// Weights and activations of WriteBlockModel in one of the two types.
class BlockBuilder {
 public:
  explicit BlockBuilder(bool int8) : int8_(int8) {}

  int Activation(const std::string& name, std::vector<int> shape) {
    return int8_ ? b.Int8(name, std::move(shape), 0.05f, 0) : b.Float(name, std::move(shape));
  }
  int Weights(const std::string& name, const std::vector<int>& shape) {
    size_t count = 1;
    for (int extent : shape) count *= static_cast<size_t>(extent);
    std::vector<int8_t> bytes(count);
    for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<int8_t>(i * 73 % 255 - 127);
    if (int8_) return b.Int8Constant(name, shape, bytes, {0.002f});
    std::vector<float> reals;
    for (int8_t v : bytes) reals.push_back(0.002f * v);
    return b.FloatConstant(name, shape, reals);
  }
  ModelBuilder b;

 private:
  bool int8_;
};

}  // namespace

void WriteColourModel(const std::string& path) {
  ModelBuilder b;
  TakeTwoByTwoPixels(b);
  const int x = b.Float("x", {1, 2, 2, 3}), mean = b.Float("mean", {1, 1, 1, 3}), y = b.Float("y", {1, 3});
  b.Op(MeanOf(2), {x}, mean);
  b.Op(fb::ReshapeT(), {mean}, y);
  Write(path, b.Finish({x}, {y}));
}

void WriteCoarseColourModel(const std::string& path) {
  ModelBuilder b;
  TakeTwoByTwoPixels(b);
  const int x = b.Int8("x", {1, 2, 2, 3}, 1.0f / 255, -128), mean = b.Int8("mean", {1, 1, 1, 3}, 0.25f, 0),
            y = b.Int8("y", {1, 3}, 0.25f, 0);
  b.Op(MeanOf(2), {x}, mean);
  b.Op(fb::ReshapeT(), {mean}, y);
  Write(path, b.Finish({x}, {y}));
}

void WriteIdentityModel(const std::string& path, int count, float int8_scale) {
  ModelBuilder b;
  const bool int8 = int8_scale != 0;
  const int x = int8 ? b.Int8("x", {1, count}, int8_scale, 0) : b.Float("x", {1, count});
  const int y = int8 ? b.Int8("y", {1, count}, int8_scale, 0) : b.Float("y", {1, count});
  b.Op(fb::ReshapeT(), {x}, y);
  Write(path, b.Finish({x}, {y}));
}

void WriteBlockModel(const std::string& path, bool int8, int size) {
  BlockBuilder block_builder(int8);
  ModelBuilder& b = block_builder.b;
  const auto activation = [&](const char* name, std::vector<int> shape) {
    return block_builder.Activation(name, std::move(shape));
  };
  const auto weights = [&](const char* name, const std::vector<int>& shape) {
    return block_builder.Weights(name, shape);
  };
  const int x = activation("x", {1, size, size, 3}), c = activation("c", {1, size, size, 16});
  fb::Conv2DT conv;
  conv.pad_top = conv.pad_left = conv.pad_bottom = conv.pad_right = 1;
  b.Op(conv, {x, weights("w0", {16, 3, 3, 3}), -1}, c);
  fb::InvertedResidualT block;
  block.expand = std::make_unique<fb::Conv2DT>();
  block.depthwise = std::make_unique<fb::DepthwiseConv2DT>();
  block.depthwise->pad_top = block.depthwise->pad_left = 1;
  block.depthwise->pad_bottom = block.depthwise->pad_right = 1;
  block.project = std::make_unique<fb::Conv2DT>();
  block.residual = true;
  block.expanded = activation("e", {1, size, size, 64});
  block.filtered = activation("d", {1, size, size, 64});
  block.projected = activation("p", {1, size, size, 16});
  const int y = activation("y", {1, size, size, 16});
  b.Op(std::move(block),
       {c, weights("we", {64, 1, 1, 16}), -1, weights("wd", {3, 3, 64}), -1, weights("wp", {16, 1, 1, 64}),
        -1},
       y);
  const int mean = activation("mean", {1, 1, 1, 16}), flat = activation("flat", {1, 16});
  b.Op(MeanOf(size), {y}, mean);
  b.Op(fb::ReshapeT(), {mean}, flat);
  const int scores = activation("scores", {1, 10});
  b.Op(fb::FullyConnectedT(), {flat, weights("wf", {10, 16}), -1}, scores);
  Write(path, b.Finish({x}, {scores}));
}

void WriteImage(const std::string& path, Colour colour) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = 2;
  image.format = PNG_FORMAT_RGB;
  std::vector<unsigned char> pixels;
  for (int i = 0; i < 4; ++i) pixels.insert(pixels.end(), {colour.r, colour.g, colour.b});
  ASSERT_NE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr), 0) << image.message;
}

void WriteFloats(const std::string& path, std::vector<int64_t> shape, const std::vector<float>& values) {
  NpyArray array = {"f4", std::move(shape), std::vector<std::byte>(values.size() * sizeof(float))};
  if (!values.empty()) std::memcpy(array.data.data(), values.data(), array.data.size());
  const Status status = WriteNpy(path, array);
  ASSERT_TRUE(status.ok()) << status.message();
}

void WriteLabels(const std::string& path, const std::vector<int32_t>& labels) {
  NpyArray array = {"i4", {static_cast<int64_t>(labels.size())}, std::vector<std::byte>(labels.size() * 4)};
  std::memcpy(array.data.data(), labels.data(), array.data.size());
  const Status status = WriteNpy(path, array);
  ASSERT_TRUE(status.ok()) << status.message();
}

}  // namespace qrun::tests
