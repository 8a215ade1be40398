#include "runtime/npy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <random>

#include "runtime/file.h"

namespace qrun {
namespace {

std::vector<std::byte> Bytes(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

// Distinct for every process: tests run side by side.
std::string TemporaryPath(const std::string& name) {
  return testing::TempDir() + std::to_string(::getpid()) + "_" + name;
}

std::string Npy(const std::string& header, const std::string& data, char major = 1) {
  std::string bytes("\x93NUMPY");
  bytes += {major, '\0'};
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + data;
}

std::string Header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

StatusCode CodeOf(const std::string& bytes) {
  const Result<NpyArray> array = ParseNpy(Bytes(bytes));
  if (array.ok()) return StatusCode::kOk;
  EXPECT_FALSE(array.error().message().empty());
  return array.error().code();
}

TEST(Npy, RoundTrip) {
  const std::string path = TemporaryPath("npy_round_trip.npy");
  const struct {
    const char* dtype;
    std::vector<int64_t> shape;
    size_t bytes;
  } cases[] = {{"f4", {2, 3}, 24},       {"i1", {5}, 5},     {"u1", {}, 1},
               {"i4", {1, 1, 1, 7}, 28}, {"i8", {4, 2}, 64}, {"f4", {0, 3}, 0},
               {"u1", {1000}, 1000},     {"i8", {0}, 0},     {"i1", std::vector<int64_t>(32, 1), 1}};
  for (const auto& c : cases) {
    NpyArray array{c.dtype, c.shape, std::vector<std::byte>(c.bytes)};
    for (size_t i = 0; i < c.bytes; ++i) array.data[i] = static_cast<std::byte>(i * 7 + 1);
    ASSERT_TRUE(WriteNpy(path, array).ok());
    EXPECT_EQ((std::filesystem::file_size(path) - c.bytes) % 64, 0u);
    const Result<NpyArray> read = ReadNpy(path);
    ASSERT_TRUE(read.ok()) << read.error().ToString();
    EXPECT_EQ(read->dtype, array.dtype);
    EXPECT_EQ(read->shape, array.shape);
    EXPECT_EQ(read->data, array.data);
  }
  std::filesystem::remove(path);
}

// The bytes that numpy.save writes for np.array([[1, 2, 3]], np.int32).
TEST(Npy, WritesWhatNumpyWrites) {
  const std::string path = TemporaryPath("npy_bytes.npy");
  ASSERT_TRUE(WriteNpy(path, {"i4", {1, 3}, Bytes(std::string("\1\0\0\0\2\0\0\0\3\0\0\0", 12))}).ok());
  std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 3), }";
  header.resize(117, ' ');
  const std::string expected = Npy(header + "\n", std::string("\1\0\0\0\2\0\0\0\3\0\0\0", 12));
  const auto written = ReadFile(path, 1000);
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(*written, Bytes(expected));
  std::filesystem::remove(path);
}

TEST(Npy, ReadsEveryVersionAndSpelling) {
  for (const char major : {1, 2, 3})
    EXPECT_EQ(CodeOf(Npy(Header("|u1", "(3,)"), "abc", major)), StatusCode::kOk);
  EXPECT_EQ(CodeOf(Npy("{\"shape\":(2,1),'fortran_order':False,\"descr\":'<i1'}", "ab")), StatusCode::kOk);
  EXPECT_EQ(CodeOf(Npy("  { 'descr' : '<f4' , 'shape' : ( ) , 'fortran_order' : False }  ", "abcd")),
            StatusCode::kOk);
}

TEST(Npy, UnsupportedKindsSaySo) {
  EXPECT_EQ(CodeOf(Npy(Header("<f8", "(1,)"), "12345678")), StatusCode::kUnsupported);
  EXPECT_EQ(CodeOf(Npy(Header(">f4", "(1,)"), "1234")), StatusCode::kUnsupported);
  EXPECT_EQ(CodeOf(Npy(Header("=f4", "(1,)"), "1234")), StatusCode::kUnsupported);
  EXPECT_EQ(CodeOf(Npy(Header("|O", "(1,)"), "1234")), StatusCode::kUnsupported);
  EXPECT_EQ(CodeOf(Npy(Header("", "(1,)"), "1234")), StatusCode::kUnsupported);
  EXPECT_EQ(CodeOf(Npy(Header("f4", "(1,)"), "1234")), StatusCode::kUnsupported);
  EXPECT_EQ(CodeOf(Npy(Header("<f4", "(1,)", "True"), "1234")), StatusCode::kUnsupported);
  EXPECT_EQ(CodeOf(Npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "1234")),
            StatusCode::kUnsupported);
  EXPECT_EQ(CodeOf(Npy(Header("<f4", "(1,)"), "1234", 4)), StatusCode::kUnsupported);
  const Result<NpyArray> fortran = ParseNpy(Bytes(Npy(Header("<f4", "(1,)", "True"), "1234")));
  EXPECT_NE(fortran.error().message().find("Fortran order"), std::string::npos);
}

TEST(Npy, HostileHeadersAreRefused) {
  constexpr StatusCode kWrong = StatusCode::kInvalidArgument;
  constexpr StatusCode kLimit = StatusCode::kResourceLimit;
  EXPECT_EQ(CodeOf(""), kWrong);
  EXPECT_EQ(CodeOf("hello"), kWrong);
  EXPECT_EQ(CodeOf("\x93NUMPY"), kWrong);
  EXPECT_EQ(CodeOf(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12)), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(3,)"), "ab")), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(3,)"), "abcd")), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(-3,)"), "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(3"), "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "3"), "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(,)"), "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(3.0,)"), "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(3,)") + "x", "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(3,), 'shape': (3,)"), "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(3,), 'extra': 'x'"), "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy("{'descr': '|u1', 'shape': (3,)}", "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy("{", "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy("{'descr", "abc")), kWrong);
  EXPECT_EQ(CodeOf(Npy("", "abc")), kWrong);
  // 2^62 * 4 bytes, 2^32 * 2^32, an extent beyond 64 bits, an empty array that hides an overflow.
  EXPECT_EQ(CodeOf(Npy(Header("<f4", "(4611686018427387904,)"), "")), kLimit);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(4294967296, 4294967296)"), "")), kLimit);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(18446744073709551617,)"), "a")), kLimit);
  EXPECT_EQ(CodeOf(Npy(Header("|u1", "(0, 4294967296, 4294967296)"), "")), kLimit);
  std::string many = "(";
  for (int i = 0; i < 33; ++i) many += "1,";
  EXPECT_EQ(CodeOf(Npy(Header("|u1", many + ")"), "a")), kLimit);
}

TEST(Npy, EveryTruncationAndRandomDamageIsSound) {
  const std::string good = Npy(Header("<i4", "(2, 3)"), std::string(24, 'x'));
  ASSERT_EQ(CodeOf(good), StatusCode::kOk);
  for (size_t n = 0; n < good.size(); ++n) EXPECT_NE(CodeOf(good.substr(0, n)), StatusCode::kOk) << n;
  std::mt19937 random(20240504);
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = good;
    for (unsigned i = 0; i <= random() % 4; ++i)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    const Result<NpyArray> array = ParseNpy(Bytes(damaged));
    if (!array.ok()) continue;
    size_t bytes = std::strchr(array->dtype.c_str(), '1') ? 1 : array->dtype == "i8" ? 8 : 4;
    for (const int64_t extent : array->shape) bytes *= static_cast<size_t>(extent);
    EXPECT_EQ(array->data.size(), bytes);
  }
}

TEST(Npy, ErrorsNameThePath) {
  const std::string path = TemporaryPath("npy_wrong.npy");
  ASSERT_TRUE(WriteFile(path, {std::as_bytes(std::span("text"))}).ok());
  for (const std::string& wrong : {path, TemporaryPath("npy_missing.npy")}) {
    const Result<NpyArray> array = ReadNpy(wrong);
    ASSERT_FALSE(array.ok());
    EXPECT_NE(array.error().message().find(wrong), std::string::npos) << array.error().message();
  }
  EXPECT_EQ(ReadNpy(path, 3).error().code(), StatusCode::kResourceLimit);
  std::filesystem::remove(path);
}

TEST(Npy, WrongArraysAreNotWritten) {
  const std::string path = TemporaryPath("npy_not_written.npy");
  const std::vector<std::byte> four(4);
  EXPECT_EQ(WriteNpy(path, {"f8", {1}, four}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(WriteNpy(path, {"f4", {2}, four}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(WriteNpy(path, {"u1", {-4}, four}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(WriteNpy(path, {"u1", std::vector<int64_t>(33, 1), {std::byte{1}}}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace qrun
