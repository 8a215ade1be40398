#include "runtime/image/decode.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/runtime/image/cases.h"

namespace qrun::image {
namespace {

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Decode, EqualsPillow) {
  int decoded = 0, refused = 0;
  for (std::istringstream& fields : CasesOf("decode")) {
    std::string name, expected_name;
    fields >> name >> expected_name;
    SCOPED_TRACE(name);
    const Result<Image> image = ReadImage(CasePath(name));
    if (expected_name == "error") {
      ++refused;
      ASSERT_FALSE(image.ok());
      // Damage may turn data into the marker of a kind of JPEG that is not supported.
      const bool marker = name.starts_with("broken_") && image.error().code() == StatusCode::kUnsupported;
      EXPECT_TRUE(marker || image.error().code() == StatusCode::kInvalidArgument) << image.error().ToString();
      EXPECT_TRUE(Contains(image.error().message(), CasePath(name))) << image.error().message();
      continue;
    }
    ++decoded;
    ASSERT_TRUE(image.ok()) << image.error().ToString();
    const Image expected = CaseImage(expected_name);
    EXPECT_EQ(image->width, expected.width);
    EXPECT_EQ(image->height, expected.height);
    EXPECT_EQ(image->channels, 3);
    EXPECT_TRUE(image->pixels == expected.pixels);
  }
  EXPECT_GT(decoded, 500);
  EXPECT_GT(refused, 50);
}

TEST(Decode, TruncatedJpegSaysSo) {
  for (std::istringstream& fields : CasesOf("decode")) {
    std::string name, expected;
    fields >> name >> expected;
    if (!name.starts_with("cut_") || expected != "error") continue;
    const Result<Image> image = ReadImage(CasePath(name));
    ASSERT_FALSE(image.ok()) << name;
    EXPECT_TRUE(Contains(image.error().message(), "truncated JPEG")) << image.error().message();
  }
}

class WrongFile : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  std::string Write(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    return path_;
  }
  const std::string path_ = testing::TempDir() + "wrong_file_" + std::to_string(::getpid());
};

void ExpectError(const std::string& path, StatusCode code, const std::string& reason) {
  const Result<Image> image = ReadImage(path);
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().code(), code);
  EXPECT_TRUE(Contains(image.error().message(), path)) << image.error().message();
  EXPECT_TRUE(Contains(image.error().message(), reason)) << image.error().message();
  EXPECT_TRUE(Contains(image.error().message(), "PNG")) << image.error().message();
  EXPECT_TRUE(Contains(image.error().message(), "JPEG")) << image.error().message();
}

TEST_F(WrongFile, Missing) { ExpectError("/nonexistent/cat.png", StatusCode::kIo, "No such file"); }
TEST_F(WrongFile, Directory) { ExpectError(testing::TempDir(), StatusCode::kIo, "is a directory"); }
TEST_F(WrongFile, Empty) { ExpectError(Write(""), StatusCode::kInvalidArgument, "empty"); }
TEST_F(WrongFile, Text) { ExpectError(Write("hello\n"), StatusCode::kInvalidArgument, "\"hello\\x0a\""); }
TEST_F(WrongFile, Gif) { ExpectError(Write("GIF89a..."), StatusCode::kInvalidArgument, "GIF89a"); }
TEST_F(WrongFile, PartOfASignature) {
  ExpectError(Write("\x89PNG"), StatusCode::kInvalidArgument, "\\x89PNG");
}

TEST_F(WrongFile, LargerThanTheLimit) {
  const std::string path = Write(std::string(1000, 'x'));
  const Result<Image> image = ReadImage(path, {.max_file_bytes = 999});
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().code(), StatusCode::kResourceLimit);
  EXPECT_TRUE(Contains(image.error().message(), path));
}

TEST_F(WrongFile, EndlessDeviceMeetsTheLimit) {
  const Result<Image> image = ReadImage("/dev/zero", {.max_file_bytes = 1 << 20});
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().code(), StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace qrun::image
