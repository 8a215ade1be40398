#include "runtime/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "schema/cat.h"

namespace qrun {

Result<MappedFile> MappedFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Status::Io(Cat("cannot open '", path, "': ", std::strerror(errno)));
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return Status::Io(Cat("'", path, "' is not a regular file; expected a .qfb model"));
  }
  if (info.st_size == 0) {
    close(fd);
    return Status::InvalidModel(Cat("'", path, "' is empty"));
  }
  const size_t size = static_cast<size_t>(info.st_size);
  void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  const int error = errno;
  close(fd);
  if (address == MAP_FAILED) return Status::Io(Cat("cannot map '", path, "': ", std::strerror(error)));
#ifdef MADV_NOHUGEPAGE
  // Or reading a byte beside released pages brings 2 MiB back.
  madvise(address, size, MADV_NOHUGEPAGE);
#endif
  return MappedFile({static_cast<const std::byte*>(address), size});
}

void MappedFile::Release(std::span<const std::byte> part) const {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(part.data()) + page - 1) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(part.data() + part.size()) / page * page;
  // A system that refuses keeps the pages; nothing else changes.
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace qrun
