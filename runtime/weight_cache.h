// Packed weights on file: what one plan packed, the next maps.
//
// A file belongs to one model, build of the program and choice of options; its name is a hash of those, and
// so is its first line. It holds blocks of bytes in the order in which the plan asks for them. Nothing in it
// is believed: a block is used only if its size is the one that the plan works out by itself, and if the hash
// of the whole is right. The bytes are weights, biases and scales; no kernel takes an address or a size from
// them, so that even a file that was forged to pass gives wrong results at worst. Byte order and types are
// the machine's own.
#ifndef QRUN_RUNTIME_WEIGHT_CACHE_H_
#define QRUN_RUNTIME_WEIGHT_CACHE_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/content_hash.h"
#include "runtime/mapped_file.h"

namespace qrun {

// The path in `folder` of what belongs to a model's bytes and `use`: everything else that the blocks depend
// on.
struct WeightCacheFile {
  WeightCacheFile(const std::string& folder, std::span<const std::byte> model, std::string_view use);
  ContentHash key;
  std::string path;
};

class WeightCache {
 public:
  // Maps and checks the file. Errors, naming the path: io if there is none, invalid_model if it is damaged or
  // not what its name says.
  static Result<WeightCache> Open(const WeightCacheFile& file);
  // Writes blocks to the file, whole or not at all. Errors: io.
  static Status Write(const WeightCacheFile& file, std::span<const std::span<const std::byte>> blocks);

  // Block `index`, aligned to 64; null if there is none or it has not `bytes` bytes.
  const std::byte* Block(size_t index, size_t bytes) const;
  size_t block_count() const { return blocks_.size(); }

 private:
  explicit WeightCache(MappedFile file) : file_(std::move(file)) {}
  MappedFile file_;
  std::vector<std::span<const std::byte>> blocks_;
};

}  // namespace qrun

#endif  // QRUN_RUNTIME_WEIGHT_CACHE_H_
