#include "runtime/file.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>

namespace qrun {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

std::string Quoted(const std::string& path) { return "'" + path + "'"; }
std::string Reason(int error) { return std::generic_category().message(error); }

Status CheckOutputPath(const std::string& path) {
  namespace fs = std::filesystem;
  const std::string cannot = "cannot write " + Quoted(path) + ": ";
  std::error_code error;
  if (fs::is_directory(path, error)) return Status::Io(cannot + "it is a folder, expected a file name");
  if (fs::exists(path, error) && !fs::is_regular_file(path, error)) {
    return Status::Io(cannot + "it exists and is not a regular file");
  }
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if (!fs::is_directory(folder, error)) {
    return Status::Io(cannot + "there is no folder " + Quoted(folder.string()));
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return Status::Io(cannot + "no permission to write to folder " + Quoted(folder.string()));
  }
  return Status::Ok();
}

}  // namespace

Result<std::vector<std::byte>> ReadFile(const std::string& path, uint64_t max_bytes) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Status::Io(Quoted(path) + " is a directory; expected a file");
  }
  File file(std::fopen(path.c_str(), "rb"));
  if (!file) return Status::Io("cannot open " + Quoted(path) + ": " + Reason(errno));

  // The size is only a hint for the first allocation: pipes have none, and a file may grow while it is read.
  std::error_code no_size;
  const uint64_t size_hint = std::filesystem::file_size(path, no_size);
  constexpr uint64_t kChunkBytes = 1 << 16;
  std::vector<std::byte> bytes;
  try {
    size_t filled = 0;
    bytes.resize(no_size ? kChunkBytes : std::min(size_hint, max_bytes) + 1);
    for (;;) {
      filled += std::fread(bytes.data() + filled, 1, bytes.size() - filled, file.get());
      if (filled > max_bytes) {
        return Status::ResourceLimit(Quoted(path) + " is larger than the limit of " +
                                     std::to_string(max_bytes) + " bytes");
      }
      if (std::ferror(file.get())) return Status::Io("cannot read " + Quoted(path) + ": " + Reason(errno));
      if (std::feof(file.get())) break;
      if (filled == bytes.size())
        bytes.resize(bytes.size() + std::max<uint64_t>(bytes.size() / 2, kChunkBytes));
    }
    bytes.resize(filled);
  } catch (const std::exception&) {  // bad_alloc or length_error
    return Status::ResourceLimit("not enough memory to read " + Quoted(path));
  }
  return bytes;
}

Status WriteFile(const std::string& path, std::initializer_list<std::span<const std::byte>> parts) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    return Status::Io("cannot write " + Quoted(path) + ": it exists and is not a regular file");
  }
  static std::atomic<unsigned> counter{0};
  const std::string temporary =
      path + "." + std::to_string(::getpid()) + "." + std::to_string(counter.fetch_add(1)) + ".tmp";
  File file(std::fopen(temporary.c_str(), "wbx"));
  if (!file) return Status::Io("cannot create " + Quoted(temporary) + ": " + Reason(errno));

  bool written = true;
  for (const std::span<const std::byte> part : parts) {
    if (part.empty()) continue;  // its data may be null, which fwrite does not take
    written = written && std::fwrite(part.data(), 1, part.size(), file.get()) == part.size();
  }
  int error = errno;
  if (std::fclose(file.release()) != 0 && written) {
    written = false;
    error = errno;
  }
  if (!written) {
    std::filesystem::remove(temporary, ignored);
    return Status::Io("cannot write " + Quoted(path) + ": " + Reason(error));
  }
  std::error_code renamed;
  std::filesystem::rename(temporary, path, renamed);
  if (renamed) {
    std::filesystem::remove(temporary, ignored);
    return Status::Io("cannot replace " + Quoted(path) + ": " + renamed.message());
  }
  return Status::Ok();
}

Status CheckOutputPaths(std::initializer_list<std::string> paths) {
  std::map<std::filesystem::path, std::string> seen;
  for (const std::string& path : paths) {
    if (path.empty() || path == "-") continue;
    QRUN_RETURN_IF_ERROR(CheckOutputPath(path));
    std::error_code ignored;
    const auto [at, is_new] = seen.emplace(std::filesystem::weakly_canonical(path, ignored), path);
    if (!is_new) {
      return Status::InvalidArgument("cannot write two results to one file: " + Quoted(at->second) + " and " +
                                     Quoted(path));
    }
  }
  return Status::Ok();
}

}  // namespace qrun
