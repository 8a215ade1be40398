#include "converter/npy_source.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "converter/preprocessing.h"
#include "tests/converter/temp_folder.h"

namespace qrun::converter {
namespace {

template <class T>
std::string WriteArray(const TempFolder& folder, const std::string& name, const char* dtype,
                       std::vector<int64_t> shape, const std::vector<T>& elements) {
  NpyArray array;
  array.dtype = dtype;
  array.shape = std::move(shape);
  array.data.resize(elements.size() * sizeof(T));
  if (!elements.empty()) std::memcpy(array.data.data(), elements.data(), array.data.size());
  const Status status = WriteNpy(folder.File(name), array);
  EXPECT_TRUE(status.ok()) << status.message();
  return folder.File(name);
}

// 0, 1, 2, ...
template <class T>
std::vector<T> Counting(size_t count) {
  std::vector<T> elements(count);
  std::iota(elements.begin(), elements.end(), T{0});
  return elements;
}

Value Input(std::string name, Shape nhwc, bool nchw_in_source) {
  Value value;
  value.name = std::move(name);
  value.shape = std::move(nhwc);
  if (nchw_in_source) value.source_layout = fb::SourceLayout::Nchw;
  return value;
}

std::vector<float> Sample(const CalibrationSource& source, size_t i, size_t elements) {
  std::vector<float> values(elements);
  const std::span<float> spans[] = {values};
  const Status status = source.Load(i, spans);
  EXPECT_TRUE(status.ok()) << status.message();
  return values;
}

Result<std::unique_ptr<CalibrationSource>> Open(const std::string& path, const Value& input,
                                                std::optional<fb::PreprocessingT> preprocessing = {}) {
  const Value* inputs[] = {&input};
  return OpenCalibrationSource(path, inputs, preprocessing);
}

TEST(NpySource, TakesSamplesInNhwcAsTheyAre) {
  const TempFolder folder;
  const auto path = WriteArray(folder, "x.npy", "f4", {2, 2, 1, 3}, Counting<float>(12));
  const auto source = Open(path, Input("x", {1, 2, 1, 3}, true));
  ASSERT_TRUE(source.ok()) << source.error().message();
  EXPECT_EQ((*source)->size(), 2u);
  EXPECT_EQ((*source)->SampleName(1), path + "[1]");
  EXPECT_EQ(Sample(**source, 1, 6), (std::vector<float>{6, 7, 8, 9, 10, 11}));
}

TEST(NpySource, TransposesSamplesInTheSourcesLayout) {
  const TempFolder folder;
  const auto path = WriteArray(folder, "x.npy", "f4", {1, 3, 2, 1}, Counting<float>(6));
  const auto source = Open(path, Input("x", {1, 2, 1, 3}, true));
  ASSERT_TRUE(source.ok()) << source.error().message();
  EXPECT_EQ(Sample(**source, 0, 6), (std::vector<float>{0, 2, 4, 1, 3, 5}));
}

TEST(NpySource, PrefersTheSourcesLayoutWhereBothFit) {
  const TempFolder folder;
  const auto path = WriteArray(folder, "x.npy", "f4", {1, 2, 2, 2}, Counting<float>(8));
  const auto source = Open(path, Input("x", {1, 2, 2, 2}, true));
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(Sample(**source, 0, 8), (std::vector<float>{0, 4, 1, 5, 2, 6, 3, 7}));
}

TEST(NpySource, WidensIntegers) {
  const TempFolder folder;
  const Value input = Input("x", {1, 2}, false);
  const auto check = [&](const std::string& path, const std::vector<float>& expected) {
    const auto source = Open(path, input);
    ASSERT_TRUE(source.ok()) << source.error().message();
    EXPECT_EQ(Sample(**source, 0, 2), expected) << path;
  };
  check(WriteArray<uint8_t>(folder, "u1.npy", "u1", {1, 2}, {255, 0}), {255, 0});
  check(WriteArray<int8_t>(folder, "i1.npy", "i1", {1, 2}, {-128, 5}), {-128, 5});
  check(WriteArray<int32_t>(folder, "i4.npy", "i4", {1, 2}, {-70000, 5}), {-70000, 5});
  check(WriteArray<int64_t>(folder, "i8.npy", "i8", {1, 2}, {1 << 20, 5}), {1 << 20, 5});
}

TEST(NpySource, GoesThroughAllFilesOfAFolder) {
  const TempFolder folder;
  // More files than are held in memory.
  for (int file = 0; file < 12; ++file) {
    const float base = static_cast<float>(file * 2);
    WriteArray<float>(folder, std::string(1, static_cast<char>('a' + file)) + ".npy", "f4", {2, 1},
                      {base, base + 1});
  }
  const auto source = Open(folder.path(), Input("x", {1, 1}, false));
  ASSERT_TRUE(source.ok());
  ASSERT_EQ((*source)->size(), 24u);
  for (size_t i = 24; i-- > 0;) EXPECT_EQ(Sample(**source, i, 1)[0], static_cast<float>(i));
}

TEST(NpySource, PreprocessesBytesAsImages) {
  const TempFolder folder;
  // One 2x2 grey image for a 1x1 input: the centre crop of the image as it is would start at 0 or 1.
  const auto path = WriteArray<uint8_t>(folder, "x.npy", "u1", {1, 2, 2, 3}, std::vector<uint8_t>(12, 51));
  const Value input = Input("x", {1, 1, 1, 3}, true);
  PreprocessingOptions options;
  options.preset = "tf";
  const auto preprocessing = MakePreprocessing(options, input);
  ASSERT_TRUE(preprocessing.ok());
  const auto source = Open(path, input, *preprocessing);
  ASSERT_TRUE(source.ok()) << source.error().message();
  for (float value : Sample(**source, 0, 3)) EXPECT_NEAR(value, 51 / 127.5 - 1, 1e-6);
}

TEST(NpySource, NamesTheShapesThatDoNotFit) {
  const TempFolder folder;
  const auto path = WriteArray(folder, "x.npy", "f4", {1, 3, 2, 2}, Counting<float>(12));
  const auto source = Open(path, Input("pixels", {1, 2, 1, 3}, true));
  ASSERT_FALSE(source.ok());
  EXPECT_NE(source.error().message().find("[1,3,2,2]"), std::string::npos);
  EXPECT_NE(source.error().message().find("[N,3,2,1] or [N,2,1,3]"), std::string::npos)
      << source.error().message();
}

TEST(NpySource, RefusesAnArrayWithoutRows) {
  const TempFolder folder;
  const auto path = WriteArray<float>(folder, "x.npy", "f4", {0, 2}, {});
  EXPECT_FALSE(Open(path, Input("x", {1, 2}, false)).ok());
}

TEST(OpenCalibrationSource, FeedsSeveralInputsByName) {
  const TempFolder folder;
  WriteArray<float>(folder, "left.npy", "f4", {2, 1}, {1, 2});
  WriteArray<float>(folder, "right.npy", "f4", {2, 2}, {3, 4, 5, 6});
  const Value right = Input("right", {1, 2}, false), left = Input("left", {1, 1}, false);
  const Value* inputs[] = {&right, &left};
  const auto source = OpenCalibrationSource(folder.path(), inputs, {});
  ASSERT_TRUE(source.ok()) << source.error().message();
  std::vector<float> a(2), b(1);
  const std::span<float> spans[] = {a, b};
  ASSERT_TRUE((*source)->Load(1, spans).ok());
  EXPECT_EQ(a, (std::vector<float>{5, 6}));
  EXPECT_EQ(b, (std::vector<float>{2}));

  const Value other = Input("other", {1, 1}, false);
  const Value* wrong[] = {&right, &other};
  const auto missing = OpenCalibrationSource(folder.path(), wrong, {});
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message().find("'other'"), std::string::npos);
}

TEST(OpenCalibrationSource, RefusesImagesForOtherInputs) {
  const TempFolder folder;
  folder.Write("a.png", "");
  const auto source = Open(folder.path(), Input("frames", {1, 640}, false));
  ASSERT_FALSE(source.ok());
  EXPECT_NE(source.error().message().find("'frames' [1,640] takes none; give .npy arrays"), std::string::npos)
      << source.error().message();
}

}  // namespace
}  // namespace qrun::converter
