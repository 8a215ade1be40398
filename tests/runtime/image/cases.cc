#include "tests/runtime/image/cases.h"

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace qrun::image {

std::string CasePath(const std::string& name) { return std::string(QRUN_IMAGE_CASES) + "/" + name; }

std::vector<std::istringstream> CasesOf(const std::string& kind) {
  std::ifstream file(CasePath("cases.txt"));
  std::vector<std::istringstream> cases;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string first;
    if (fields >> first && first == kind) cases.push_back(std::move(fields));
  }
  if (cases.empty()) throw std::runtime_error("no case of kind " + kind + " in " + CasePath("cases.txt"));
  return cases;
}

NpyArray CaseArray(const std::string& name) {
  Result<NpyArray> array = ReadNpy(CasePath(name));
  if (!array.ok()) throw std::runtime_error(array.error().ToString());
  return *std::move(array);
}

Image CaseImage(const std::string& name) {
  const NpyArray array = CaseArray(name);
  if (array.dtype != "u1" || array.shape.size() != 3) throw std::runtime_error(name + " is not an image");
  Image image;
  image.height = static_cast<int>(array.shape[0]);
  image.width = static_cast<int>(array.shape[1]);
  image.channels = static_cast<int>(array.shape[2]);
  image.pixels.resize(array.data.size());
  std::memcpy(image.pixels.data(), array.data.data(), array.data.size());
  return image;
}

}  // namespace qrun::image
