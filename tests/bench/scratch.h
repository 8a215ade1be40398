// A folder of its own for each test, removed at its end.
#ifndef QRUN_TESTS_BENCH_SCRATCH_H_
#define QRUN_TESTS_BENCH_SCRATCH_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace qrun::tests {

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "qrun_bench_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) folder_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace qrun::tests

#endif  // QRUN_TESTS_BENCH_SCRATCH_H_
