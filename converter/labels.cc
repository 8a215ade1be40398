#include "converter/labels.h"

#include <string_view>

#include "runtime/file.h"

namespace qrun::converter {
namespace {

constexpr uint64_t kMaxLabelBytes = uint64_t{1} << 26;

}  // namespace

Result<std::vector<std::string>> ReadLabels(const std::string& path) {
  QRUN_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, kMaxLabelBytes));
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.find('\0') != std::string_view::npos) {
    return Status::InvalidArgument("'" + path + "' is not a text file; expected one label per line");
  }
  std::vector<std::string> labels;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    labels.emplace_back(line);
  }
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  if (labels.empty()) return Status::InvalidArgument("'" + path + "' holds no label; expected one per line");
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].empty()) {
      return Status::InvalidArgument("'" + path + "' line " + std::to_string(i + 1) +
                                     " is empty; expected one label per line");
    }
  }
  return labels;
}

}  // namespace qrun::converter
