#include "bench/lib/output_file.h"

#include <fmt/format.h>

#include <span>

#include "runtime/file.h"

namespace qrun::bench {

Status WriteText(const std::string& path, std::string_view text) {
  return WriteFile(path, {std::as_bytes(std::span(text))});
}

std::string JsonText(const nlohmann::json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Status WriteJson(const std::string& path, const nlohmann::json& json) {
  const std::string text = JsonText(json, 2);
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
