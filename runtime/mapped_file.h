// A whole file, mapped read-only.
#ifndef QRUN_RUNTIME_MAPPED_FILE_H_
#define QRUN_RUNTIME_MAPPED_FILE_H_

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "schema/status.h"

namespace qrun {

// Owns the mapping. The bytes are page-aligned and shared with every other process that maps the file. As
// with every mapped file, truncating it while it is in use ends the process: replace model files by renaming
// over them.
class MappedFile {
 public:
  // Errors: io (missing, unreadable, a folder), invalid_model (empty).
  static Result<MappedFile> Open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  // Gives back the memory of the whole pages inside `part`, which is within bytes(). They stay readable:
  // reading brings them back from the file. Thread safe.
  void Release(std::span<const std::byte> part) const;

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

}  // namespace qrun

#endif  // QRUN_RUNTIME_MAPPED_FILE_H_
