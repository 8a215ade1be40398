// Packed weights on file: the same bytes with and without, and nothing that a file may hold does harm.
#include "runtime/weight_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "runtime/file.h"
#include "runtime/qrun.h"
#include "tests/model_builder.h"

namespace qrun {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;
constexpr uint64_t kMaxFile = 1 << 20;

// A convolution, a depthwise one, a block and a matrix product in int8, or the first three kinds in float.
Bytes Network(bool int8, int seed) {
  tests::ModelBuilder b;
  const auto tensor = [&](const std::string& name, std::vector<int> shape) {
    return int8 ? b.Int8(name, std::move(shape), 0.05f, 3) : b.Float(name, std::move(shape));
  };
  const auto constant = [&](const std::string& name, std::vector<int> shape) {
    size_t count = 1;
    for (int extent : shape) count *= extent;
    std::vector<int8_t> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<int8_t>((i * 37 + seed * 11) % 199 - 99);
    if (int8) return b.Int8Constant(name, std::move(shape), values, {0.01f});
    return b.FloatConstant(name, std::move(shape), std::vector<float>(values.begin(), values.end()));
  };
  const int x = tensor("x", {1, 8, 8, 5}), c = tensor("c", {1, 8, 8, 13}), d = tensor("d", {1, 8, 8, 13}),
            f = tensor("f", {1, 832}), y = tensor("y", {1, 7});
  fb::DepthwiseConv2DT depthwise;
  depthwise.pad_top = depthwise.pad_left = depthwise.pad_bottom = depthwise.pad_right = 1;
  b.Op(fb::Conv2DT(), {x, constant("wc", {13, 1, 1, 5}), -1}, c);
  b.Op(depthwise, {c, constant("wd", {3, 3, 13}), -1}, d);
  b.Op(fb::ReshapeT(), {d}, f);
  b.Op(fb::FullyConnectedT(), {f, constant("wf", {7, 832}), -1}, y);
  return b.Finish({x}, {y});
}

struct Answer {
  Bytes output;
  WeightCacheUse use;
  size_t packed_bytes = 0;
};

class WeightCacheFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("qrun_weights_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Answer Run(const Bytes& bytes, SessionOptions options) {
    Answer answer;
    auto model = Model::FromBytes(bytes);
    auto session = Session::Create(*model, options);
    EXPECT_TRUE(session.ok()) << session.error().message();
    if (!session.ok()) return answer;
    std::vector<float> values(static_cast<size_t>(session->inputs()[0].ElementCount()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 23) * 0.1f - 1;
    EXPECT_TRUE(session->SetInput(0, values).ok());
    session->Run();
    const auto output = session->OutputBytes(0);
    answer.output.assign(output.begin(), output.end());
    answer.use = session->weight_cache();
    answer.packed_bytes = session->packed_weight_bytes();
    return answer;
  }
  Answer RunCached(const Bytes& bytes, SessionOptions options = {}) {
    options.weight_cache = folder_;
    return Run(bytes, options);
  }

  // Puts `content` in the file's place: it must be refused with a reason, do no harm, and be replaced.
  void ExpectReplaced(const Bytes& model, const Answer& good, const Bytes& content, const char* why) {
    ASSERT_TRUE(WriteFile(good.use.path, {std::span(content)}).ok());
    const Answer after = RunCached(model);
    EXPECT_EQ(after.output, good.output) << why;
    EXPECT_FALSE(after.use.was_used) << why;
    EXPECT_TRUE(after.use.was_written) << why;
    EXPECT_NE(after.use.problem, "") << why;
    EXPECT_TRUE(RunCached(model).use.was_used) << why;
  }

  fs::path folder_;
};

TEST_F(WeightCacheFiles, SecondSessionMapsWhatTheFirstPacked) {
  std::set<std::string> paths;
  int files = 0;
  for (bool int8 : {true, false}) {
    const Bytes model = Network(int8, 1);
    for (const IsaInfo& isa : Isas()) {
      if (!isa.can_run) continue;
      for (int threads : {1, 3}) {
        SessionOptions options;
        options.isa = isa.name;
        options.threads = threads;
        options.batch = threads;
        options.reproducible_float = true;
        const Answer without = Run(model, options);
        EXPECT_EQ(without.use.path, "");
        EXPECT_FALSE(without.use.was_used || without.use.was_written);
        const Answer first = RunCached(model, options), second = RunCached(model, options);
        EXPECT_TRUE(first.use.was_written && !first.use.was_used) << first.use.problem;
        EXPECT_TRUE(second.use.was_used && !second.use.was_written) << second.use.problem;
        EXPECT_EQ(first.use.problem + second.use.problem, "");
        EXPECT_EQ(first.output, without.output) << isa.name;
        EXPECT_EQ(second.output, without.output) << isa.name;
        EXPECT_EQ(second.packed_bytes, without.packed_bytes);
        paths.insert(second.use.path);
        ++files;
      }
    }
  }
  EXPECT_EQ(paths.size(), files) << "each choice has a file of its own";
  const Bytes other = Network(true, 2);
  EXPECT_FALSE(RunCached(other).use.was_used);
  EXPECT_NE(RunCached(other).output, RunCached(Network(true, 1)).output);
}

TEST_F(WeightCacheFiles, DamagedFilesAreReplaced) {
  const Bytes model = Network(true, 1);
  const Answer good = RunCached(model);
  const Bytes file = *ReadFile(good.use.path, kMaxFile);
  ASSERT_GT(file.size(), 6000u);
  for (size_t size : {size_t{0}, size_t{1}, size_t{8}, size_t{47}, size_t{63}, size_t{64}, size_t{100},
                      size_t{128}, file.size() / 2, file.size() - 64, file.size() - 1}) {
    ExpectReplaced(model, good, Bytes(file.begin(), file.begin() + size), "truncated");
  }
  // Every bit of the header and the table, and some of each part behind them.
  for (size_t at = 0; at < file.size(); at += at < 192 ? 1 : 611) {
    Bytes flipped = file;
    flipped[at] ^= std::byte{1} << at % 8;
    const bool is_padding_of_header = at >= 48 && at < 64;
    if (!is_padding_of_header) ExpectReplaced(model, good, flipped, "a flipped bit");
  }
  Bytes longer = file;
  longer.resize(file.size() + 64);
  ExpectReplaced(model, good, longer, "bytes behind the end");
  ExpectReplaced(model, good, Bytes(5000, std::byte{0xff}), "no file of ours");
}

TEST_F(WeightCacheFiles, FilesOfOthersAreReplaced) {
  const Bytes model = Network(true, 1);
  const Answer good = RunCached(model), other = RunCached(Network(true, 2));
  ASSERT_NE(good.use.path, other.use.path);
  ExpectReplaced(model, good, *ReadFile(other.use.path, kMaxFile), "another model's");
  EXPECT_NE(WeightCacheFile("d", model, "build 1").path, WeightCacheFile("d", model, "build 2").path);
}

TEST_F(WeightCacheFiles, ForgedSizesAreNotBelieved) {
  const Bytes model = Network(true, 1);
  const Answer good = RunCached(model);
  WeightCacheFile file(folder_, model, "");
  file.path = good.use.path;
  const Bytes content = *ReadFile(good.use.path, kMaxFile);
  std::memcpy(&file.key, content.data() + 16, sizeof file.key);
  auto cache = WeightCache::Open(file);
  ASSERT_TRUE(cache.ok()) << cache.error().message();
  ASSERT_EQ(cache->block_count(), 3u);
  // The right key and a right hash, but other blocks than the plan wants.
  const Bytes some(100'000, std::byte{1});
  using Blocks = std::vector<std::span<const std::byte>>;
  for (const Blocks& blocks : {Blocks{}, Blocks(3, std::span(some)), Blocks(300, std::span(some).first(1)),
                               Blocks(3, std::span(some).first(0))}) {
    ASSERT_TRUE(WeightCache::Write(file, blocks).ok());
    EXPECT_TRUE(WeightCache::Open(file).ok());
    const Bytes forged = *ReadFile(file.path, 100 * kMaxFile);
    ExpectReplaced(model, good, forged, "forged");
  }
  // Sizes whose sum overflows, with a right hash.
  for (uint64_t size : {UINT64_MAX, UINT64_MAX - 62, UINT64_MAX / 2, uint64_t{1} << 40}) {
    Bytes forged = content;
    std::memcpy(forged.data() + 64, &size, sizeof size);
    const ContentHash hash = HashContent(std::span(forged).subspan(64));
    std::memcpy(forged.data() + 32, &hash, sizeof hash);
    ExpectReplaced(model, good, forged, "overflow");
  }
  for (uint64_t count : {UINT64_MAX, UINT64_MAX / 8 + 1, uint64_t{1} << 20, (uint64_t{1} << 20) + 1}) {
    Bytes forged = content;
    std::memcpy(forged.data() + 8, &count, sizeof count);
    ExpectReplaced(model, good, forged, "too many blocks");
  }
}

TEST_F(WeightCacheFiles, AFolderThatIsNotThereIsNoError) {
  const Bytes model = Network(true, 1);
  SessionOptions options;
  options.weight_cache = folder_ / "none";
  const Answer answer = Run(model, options);
  EXPECT_EQ(answer.output, Run(model, {}).output);
  EXPECT_FALSE(answer.use.was_used || answer.use.was_written);
  EXPECT_NE(answer.use.problem.find("none"), std::string::npos);
  // A folder where the file should be.
  const Answer good = RunCached(model);
  fs::remove(good.use.path);
  fs::create_directory(good.use.path);
  const Answer blocked = RunCached(model);
  EXPECT_EQ(blocked.output, good.output);
  EXPECT_FALSE(blocked.use.was_used || blocked.use.was_written);
  EXPECT_NE(blocked.use.problem, "");
}

TEST(ContentHash, SeesEveryBitAndTheLength) {
  Bytes bytes(100);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 5);
  std::set<std::string> seen;
  for (size_t size = 0; size <= bytes.size(); ++size)
    seen.insert(HashContent(std::span(bytes).first(size)).Hex());
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= std::byte{1} << bit % 8;
    seen.insert(HashContent(flipped).Hex());
  }
  seen.insert(HashContent(Bytes(64)).Hex());
  seen.insert(HashContent(Bytes(65)).Hex());
  EXPECT_EQ(seen.size(), 101u + 800 + 2);
  EXPECT_EQ(HashContent(bytes), HashContent(Bytes(bytes)));
  EXPECT_EQ(HashContent(bytes).Hex().size(), 32u);
}

}  // namespace
}  // namespace qrun
