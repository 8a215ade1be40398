#include "converter/label_list.h"

#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>

#include "converter/sha256.h"
#include "runtime/file.h"
#include "schema/cat.h"

namespace qrun::converter {
namespace {

constexpr uint64_t kMaxListBytes = uint64_t{1} << 28;

std::vector<std::string> SplitFields(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::optional<int> ParseLabel(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  int label = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || label < 0)
    return std::nullopt;
  return label;
}

bool IsHeader(const std::vector<std::string>& fields) {
  return fields[0] == "filename" || (fields.size() == 2 && !ParseLabel(fields[1]).has_value());
}

}  // namespace

Result<LabelList> ReadLabelList(const std::string& path, const std::string& root) {
  namespace fs = std::filesystem;
  QRUN_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, kMaxListBytes));
  LabelList list;
  list.sha256 = Sha256Hex(bytes);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.find('\0') != std::string_view::npos) {
    return Status::InvalidArgument("'" + path + "' is no text; expected lines 'filename,class_index'");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
  const fs::path folder = root.empty() ? fs::path(path).parent_path() : fs::path(root);
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    const std::vector<std::string> fields = SplitFields(line);
    if (number == 1 && IsHeader(fields)) continue;
    const auto error = [&](const std::string& what) {
      return Status::InvalidArgument(
          Cat("'", path, "' line ", number, ": ", what, "; expected 'filename,class_index'"));
    };
    if (fields.size() > 2) return error(Cat(fields.size(), " fields"));
    if (fields[0].empty()) return error("the file name is empty");
    const bool labelled = fields.size() == 2;
    if (list.files.empty()) list.labelled = labelled;
    if (labelled != list.labelled) {
      return error(labelled ? "has a class index, the lines before have none" : "the class index is missing");
    }
    LabelledFile file = {fields[0], (folder / fields[0]).string(), -1, number};
    if (labelled) {
      const std::optional<int> label = ParseLabel(fields[1]);
      if (!label) return error("'" + fields[1] + "' is no class index");
      file.label = *label;
    }
    list.files.push_back(std::move(file));
  }
  if (list.files.empty()) {
    return Status::InvalidArgument("'" + path + "' names no file; expected lines 'filename,class_index'");
  }
  return list;
}

}  // namespace qrun::converter
