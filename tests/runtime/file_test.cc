#include "runtime/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>

namespace qrun {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> Bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string Text(const Result<std::vector<std::byte>>& bytes) {
  if (!bytes.ok()) return bytes.error().ToString();
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        fs::path(testing::TempDir()) / ("file_test_" + std::to_string(::getpid()) + "_" +
                                        testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory_);
    fs::create_directory(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }
  std::string Path(const std::string& name) const { return directory_ / name; }
  size_t Entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()));
  }

  fs::path directory_;
};

TEST_F(FileTest, WritesReplacesAndReads) {
  ASSERT_TRUE(WriteFile(Path("a"), {Bytes("hello "), {}, Bytes("world")}).ok());
  EXPECT_EQ(Text(ReadFile(Path("a"), 11)), "hello world");
  ASSERT_TRUE(WriteFile(Path("a"), {}).ok());
  EXPECT_EQ(Text(ReadFile(Path("a"), 0)), "");
  EXPECT_EQ(Entries(), 1u);  // no temporary is left
}

TEST_F(FileTest, ChecksOutputPaths) {
  ASSERT_TRUE(WriteFile(Path("old"), {Bytes("kept")}).ok());
  EXPECT_TRUE(CheckOutputPaths({"", "-", "-", "", Path("new"), Path("old")}).ok());
  EXPECT_EQ(Entries(), 1u);  // asking makes no file
  const auto error = [](std::initializer_list<std::string> paths) {
    return CheckOutputPaths(paths).ToString();
  };
  EXPECT_NE(error({"", Path("no/new")}).find("there is no folder '" + Path("no") + "'"), std::string::npos);
  EXPECT_NE(error({directory_.string()}).find("it is a folder"), std::string::npos);
  EXPECT_NE(error({Path("old/new")}).find("there is no folder"), std::string::npos);
  EXPECT_NE(error({"/dev/null"}).find("not a regular file"), std::string::npos);
  for (const std::string& again :
       {Path("new"), Path("./new"), Path("../" + directory_.filename().string() + "/new")}) {
    const Status twice = CheckOutputPaths({Path("new"), Path("old"), again});
    EXPECT_EQ(twice.code(), StatusCode::kInvalidArgument) << again;
    EXPECT_NE(twice.message().find("one file"), std::string::npos);
  }
}

TEST_F(FileTest, LimitIsExact) {
  const std::string large(300'000, 'x');
  ASSERT_TRUE(WriteFile(Path("a"), {Bytes(large)}).ok());
  EXPECT_EQ(Text(ReadFile(Path("a"), large.size())), large);
  const auto over = ReadFile(Path("a"), large.size() - 1);
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code(), StatusCode::kResourceLimit);
  EXPECT_NE(over.error().message().find(Path("a")), std::string::npos);
}

TEST_F(FileTest, ReadErrorsNameThePath) {
  for (const std::string& path : {Path("missing"), directory_.string(), std::string()}) {
    const auto bytes = ReadFile(path, 100);
    ASSERT_FALSE(bytes.ok());
    EXPECT_EQ(bytes.error().code(), StatusCode::kIo);
    EXPECT_NE(bytes.error().message().find("'" + path + "'"), std::string::npos);
  }
}

TEST_F(FileTest, FailedWriteLeavesTheOldFile) {
  ASSERT_TRUE(WriteFile(Path("a"), {Bytes("old")}).ok());
  // A directory in the way of the target, and a directory that does not exist.
  fs::create_directory(Path("b"));
  EXPECT_EQ(WriteFile(Path("b"), {Bytes("new")}).code(), StatusCode::kIo);
  EXPECT_EQ(WriteFile(Path("c/d"), {Bytes("new")}).code(), StatusCode::kIo);
  EXPECT_EQ(WriteFile("/dev/full", {Bytes("new")}).code(), StatusCode::kIo);
  EXPECT_TRUE(fs::exists("/dev/full"));
  EXPECT_EQ(Entries(), 2u);
  EXPECT_EQ(Text(ReadFile(Path("a"), 100)), "old");
}

}  // namespace
}  // namespace qrun
