// Whole files in and out of memory.
#ifndef QRUN_RUNTIME_FILE_H_
#define QRUN_RUNTIME_FILE_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "schema/status.h"

namespace qrun {

// All bytes of the file at `path`.
// Errors name the path: io if it does not exist, is a directory or cannot be read; resource_limit if it holds
// more than `max_bytes` or does not fit in memory (pipes count as they are read, so an endless one ends here
// too). Thread-safe.
Result<std::vector<std::byte>> ReadFile(const std::string& path, uint64_t max_bytes);

// Writes the concatenation of `parts` to `path`: first to a temporary file beside it, then by rename, so that
// `path` holds either what it held before or all of the new bytes. The temporary is removed on failure.
// Errors: io, naming the path; a path that exists and is not a regular file is refused.
// Thread-safe, also for several writers of one path (the last rename wins).
Status WriteFile(const std::string& path, std::initializer_list<std::span<const std::byte>> parts);

// Whether all of `paths` could be written with WriteFile and are different files: the folder of each exists
// and may be written to, and what the path names is nothing yet or a regular file. "" (not wanted) and "-"
// (stdout) are left out. To be asked before long work, not after. Errors: io, naming the path;
// invalid_argument for a path given twice.
Status CheckOutputPaths(std::initializer_list<std::string> paths);

}  // namespace qrun

#endif  // QRUN_RUNTIME_FILE_H_
