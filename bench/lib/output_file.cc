#include "bench/lib/output_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <span>

#include "runtime/file.h"

namespace qrun::bench {

Status CheckOutputPath(const std::string& path) {
  namespace fs = std::filesystem;
  if (path.empty() || path == "-") return Status::Ok();
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return Status::Io("cannot write '" + path + "': it is a folder, expected a file name");
  }
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if (!fs::is_directory(folder, error)) {
    return Status::Io("cannot write '" + path + "': there is no folder '" + folder.string() + "'");
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return Status::Io("cannot write '" + path + "': no permission to write to folder '" + folder.string() +
                      "'");
  }
  return Status::Ok();
}

Status WriteText(const std::string& path, std::string_view text) {
  return WriteFile(path, {std::as_bytes(std::span(text))});
}

Status WriteJson(const std::string& path, const nlohmann::json& json) {
  const std::string text = json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (path != "-") return WriteText(path, text);
  fmt::print("{}", text);
  return Status::Ok();
}

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace qrun::bench
