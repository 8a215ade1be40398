#include "bench/lib/model_file.h"

#include "converter/sha256.h"
#include "runtime/file.h"

namespace qrun::bench {

Result<ModelFile> OpenModelFile(const std::string& path) {
  auto model = Model::Open(path);
  if (!model.ok()) return model.error();
  QRUN_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, UINT64_MAX));
  return ModelFile{path, *std::move(model), converter::Sha256Hex(bytes)};
}

std::string ArithmeticOf(const nlohmann::json& described) {
  int64_t total = 0, int8 = 0;
  for (const auto& op : described["operators"]) {
    const auto macs = op["macs"].get<int64_t>();
    total += macs;
    if (op["dtype"] == "int8") int8 += macs;
  }
  if (total == 0) return described["inputs"][0]["dtype"].get<std::string>();
  return int8 * 2 >= total ? "int8" : "float32";
}

}  // namespace qrun::bench
