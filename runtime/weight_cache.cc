#include "runtime/weight_cache.h"

#include <cstring>

#include "runtime/aligned_buffer.h"
#include "runtime/file.h"
#include "schema/cat.h"

namespace qrun {
namespace {

// Changes whenever this file's layout does; what is in the blocks is the build's business.
constexpr char kMagic[8] = {'q', 'r', 'u', 'n', 'P', 'W', '0', '1'};
constexpr size_t kMaxBlocks = size_t{1} << 20;

// Then block_count sizes, padding to 64, and the blocks, each padded to 64.
struct Header {
  char magic[8];
  uint64_t block_count;
  ContentHash key;
  ContentHash content;  // of all behind the header
};
static_assert(sizeof(Header) == 48);
constexpr size_t kHeaderBytes = AlignUp(sizeof(Header));

size_t TableBytes(size_t block_count) { return AlignUp(block_count * sizeof(uint64_t)); }

}  // namespace

WeightCacheFile::WeightCacheFile(const std::string& folder, std::span<const std::byte> model,
                                 std::string_view use) {
  const std::string text = HashContent(model).Hex() + " " + std::string(use);
  key = HashContent(std::as_bytes(std::span(text)));
  path = folder + "/" + key.Hex() + ".weights";
}

Result<WeightCache> WeightCache::Open(const WeightCacheFile& file) {
  QRUN_ASSIGN_OR_RETURN(MappedFile mapping, MappedFile::Open(file.path));
  const std::span<const std::byte> bytes = mapping.bytes();
  const auto error = [&](const std::string& what) {
    return Status::InvalidModel(Cat("'", file.path, "': ", what));
  };
  Header header;
  if (bytes.size() < kHeaderBytes) return error("too short for packed weights");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return error("holds no packed weights");
  if (header.key != file.key) return error("belongs to another model, build or choice of options");
  const size_t behind = bytes.size() - kHeaderBytes;
  if (header.block_count > kMaxBlocks || TableBytes(header.block_count) > behind) return error("truncated");
  WeightCache cache(std::move(mapping));
  size_t at = kHeaderBytes + TableBytes(header.block_count);
  for (size_t i = 0; i < header.block_count; ++i) {
    uint64_t size;
    std::memcpy(&size, bytes.data() + kHeaderBytes + i * sizeof size, sizeof size);
    // Files end on a multiple of 64: what fits does so with its padding.
    if (size > bytes.size() - at || AlignUp(size) > bytes.size() - at) return error("truncated");
    cache.blocks_.push_back(bytes.subspan(at, size));
    at += AlignUp(size);
  }
  if (at != bytes.size()) return error("has bytes behind its end");
  if (HashContent(bytes.subspan(kHeaderBytes)) != header.content) return error("damaged");
  return cache;
}

Status WeightCache::Write(const WeightCacheFile& file, std::span<const std::span<const std::byte>> blocks) {
  size_t total = TableBytes(blocks.size());
  for (const auto& block : blocks) total += AlignUp(block.size());
  AlignedBuffer content(total);
  size_t at = TableBytes(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    const uint64_t size = blocks[i].size();
    std::memcpy(content.data() + i * sizeof size, &size, sizeof size);
    if (size != 0) std::memcpy(content.data() + at, blocks[i].data(), size);
    at += AlignUp(size);
  }
  const std::span<const std::byte> behind(content.data(), content.size());
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.block_count = blocks.size();
  header.key = file.key;
  header.content = HashContent(behind);
  std::byte first[kHeaderBytes] = {};
  std::memcpy(first, &header, sizeof header);
  return WriteFile(file.path, {std::span<const std::byte>(first), behind});
}

const std::byte* WeightCache::Block(size_t index, size_t bytes) const {
  if (index >= blocks_.size() || blocks_[index].size() != bytes) return nullptr;
  return blocks_[index].data();
}

}  // namespace qrun
