// A model together with what names its file.
#ifndef QRUN_BENCH_LIB_MODEL_FILE_H_
#define QRUN_BENCH_LIB_MODEL_FILE_H_

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/qrun.h"

namespace qrun::bench {

struct ModelFile {
  std::string path;
  Model model;
  std::string sha256;  // of the file's bytes
};

// Errors: those of Model::Open, annotated with the path.
Result<ModelFile> OpenModelFile(const std::string& path);

// "int8" if operators with int8 outputs do at least half of the MACs, else "float32". Without MACs the first
// input's type decides. `described` is cli::DescribeModel's.
std::string ArithmeticOf(const nlohmann::json& described);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_MODEL_FILE_H_
