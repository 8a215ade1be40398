// Weights are not in memory twice: the pages of a mapped model file are given back once they are packed.
#include "runtime/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "runtime/file.h"
#include "runtime/qrun.h"
#include "tests/model_builder.h"

namespace qrun {
namespace {

constexpr int kChannels = 1024;  // of a layer with a MiB of weights

// Bytes of `path` that are in this process's memory; -1 if the kernel does not say.
int64_t ResidentBytesOf(const std::string& path) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  int64_t bytes = -1;
  bool inside = false;
  while (std::getline(maps, line)) {
    if (line.find('-') < line.find(' ')) {
      inside = line.ends_with(path);
    } else if (inside && line.starts_with("Rss:")) {
      bytes = std::max<int64_t>(bytes, 0) + std::stoll(line.substr(4)) * 1024;
    }
  }
  return bytes;
}

// False where smaps leaves out pages that were read, as under an emulator.
bool CountsResidentPages(const std::string& path, size_t bytes) {
  const int file = open(path.c_str(), O_RDONLY);
  void* const map = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (map == MAP_FAILED) return false;
  for (size_t i = 0; i < bytes; i += 1024) static_cast<void>(static_cast<const volatile char*>(map)[i]);
  const int64_t resident = ResidentBytesOf(path);
  munmap(map, bytes);
  return resident >= static_cast<int64_t>(bytes);
}

class MappedModel : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("qrun_mapped_" + std::to_string(getpid()) + ".qfb");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  // Three layers of a MiB.
  std::vector<std::byte> Layers() {
    tests::ModelBuilder b;
    int from = b.Int8("x", {1, kChannels}, 0.1f, 3);
    const int x = from;
    for (int layer = 0; layer < 3; ++layer) {
      std::vector<int8_t> weights(size_t{kChannels} * kChannels);
      for (size_t i = 0; i < weights.size(); ++i)
        weights[i] = static_cast<int8_t>((i * 31 + layer) % 199 - 99);
      const int wei = b.Int8Constant("w" + std::to_string(layer), {kChannels, kChannels}, weights, {0.001f});
      const int to = b.Int8("y" + std::to_string(layer), {1, kChannels}, 0.1f, -2);
      b.Op(fb::FullyConnectedT(), {from, wei, -1}, to);
      from = to;
    }
    return b.Finish({x}, {from});
  }

  std::filesystem::path path_;
};

std::vector<std::byte> Outputs(Session& session) {
  std::vector<float> values(kChannels);
  for (int i = 0; i < kChannels; ++i) values[i] = static_cast<float>(i % 17) - 8;
  EXPECT_TRUE(session.SetInput(0, values).ok());
  session.Run();
  const auto bytes = session.OutputBytes(0);
  return {bytes.begin(), bytes.end()};
}

TEST_F(MappedModel, PackedWeightsLeaveTheFile) {
  const std::vector<std::byte> bytes = Layers();
  ASSERT_TRUE(WriteFile(path_, {std::span(bytes)}).ok());
  if (!CountsResidentPages(path_, bytes.size())) {
    GTEST_SKIP() << "no /proc/self/smaps that tells what of a mapped file is resident";
  }
  auto model = Model::Open(path_);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const int64_t before = ResidentBytesOf(path_);
  EXPECT_GT(before, 3 << 20) << "the verifier has read every weight";
  auto session = Session::Create(*model);
  ASSERT_TRUE(session.ok()) << session.error().message();
  EXPECT_GE(session->packed_weight_bytes(), size_t{3} << 20);
  EXPECT_LT(ResidentBytesOf(path_), 256 << 10);

  // They come back for the next session, from the same model and beside the first.
  auto second = Session::Create(*model);
  ASSERT_TRUE(second.ok());
  auto from_memory = Model::FromBytes(bytes);
  ASSERT_TRUE(from_memory.ok());
  auto third = Session::Create(*from_memory);
  ASSERT_TRUE(third.ok());
  const std::vector<std::byte> expected = Outputs(*third);
  EXPECT_EQ(Outputs(*session), expected);
  EXPECT_EQ(Outputs(*second), expected);
}

TEST_F(MappedModel, ReleasedPagesStayReadable) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<std::byte> bytes(5 * page + 100);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7 % 251);
  ASSERT_TRUE(WriteFile(path_, {std::span(bytes)}).ok());
  auto file = MappedFile::Open(path_);
  ASSERT_TRUE(file.ok());
  const auto equal = [&] {
    return std::equal(bytes.begin(), bytes.end(), file->bytes().begin(), file->bytes().end());
  };
  ASSERT_TRUE(equal());
  const std::pair<size_t, size_t> parts[] = {
      {0, 0}, {10, page}, {10, 2 * page}, {0, bytes.size()}, {bytes.size(), 0}, {page - 1, 2}};
  for (const auto& [offset, count] : parts) {
    file->Release(file->bytes().subspan(offset, count));
    EXPECT_TRUE(equal()) << offset << " + " << count;
  }
}

}  // namespace
}  // namespace qrun
