#include "converter/calibration_files.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <limits>
#include <span>
#include <string_view>

#include "converter/sha256.h"
#include "runtime/file.h"

namespace qrun::converter {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAccepted =
    "expected a folder of PNG or JPEG images, a .csv list of images, or .npy arrays";
constexpr uint64_t kMaxListBytes = uint64_t{1} << 28;

std::string LowerExtension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

bool IsImage(const fs::path& path) {
  const std::string extension = LowerExtension(path);
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

bool IsArray(const fs::path& path) { return LowerExtension(path) == ".npy"; }

Result<CalibrationFiles> ListFolder(const std::string& folder) {
  std::vector<std::string> images, arrays;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::follow_directory_symlink, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry.depth() > 64 || !entry->is_regular_file(ignored)) {
      // A link back to a parent folder would otherwise go round until the path is too long.
      if (entry.depth() > 64) entry.disable_recursion_pending();
      continue;
    }
    if (IsImage(entry->path())) images.push_back(entry->path().string());
    if (IsArray(entry->path())) arrays.push_back(entry->path().string());
  }
  if (error) return Status::Io("cannot list folder '" + folder + "': " + error.message());
  if (images.empty() && arrays.empty()) {
    return Status::InvalidArgument("folder '" + folder +
                                   "' holds no PNG, JPEG or .npy file to calibrate with");
  }
  std::sort(images.begin(), images.end());
  std::sort(arrays.begin(), arrays.end());
  if (!images.empty()) return CalibrationFiles{CalibrationFiles::Kind::kImages, std::move(images)};
  return CalibrationFiles{CalibrationFiles::Kind::kArrays, std::move(arrays)};
}

// First field of a line; a field in double quotes may hold commas and doubled quotes.
std::string FirstField(std::string_view line) {
  if (line.empty() || line[0] != '"') return std::string(line.substr(0, line.find(',')));
  std::string field;
  for (size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (i + 1 >= line.size() || line[i + 1] != '"') break;
      ++i;
    }
    field += line[i];
  }
  return field;
}

Result<CalibrationFiles> ReadList(const std::string& path) {
  QRUN_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, kMaxListBytes));
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
  const fs::path folder = fs::path(path).parent_path();
  CalibrationFiles files;
  bool first = true;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const std::string field = FirstField(line);
    const bool is_header = first && field == "filename";
    first = false;
    if (field.empty() || is_header) continue;
    files.paths.push_back((folder / field).string());
  }
  if (files.paths.empty()) return Status::InvalidArgument("list '" + path + "' names no image");
  return files;
}

}  // namespace

Result<CalibrationFiles> FindCalibrationFiles(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    return Status::Io("cannot open '" + path +
                      "' to calibrate with: " + (error ? error.message() : "no such file or folder"));
  }
  if (fs::is_directory(status)) return ListFolder(path);
  if (LowerExtension(path) == ".csv") return ReadList(path);
  if (IsArray(path)) return CalibrationFiles{CalibrationFiles::Kind::kArrays, {path}};
  if (IsImage(path)) return CalibrationFiles{CalibrationFiles::Kind::kImages, {path}};
  return Status::InvalidArgument("cannot calibrate with '" + path + "': " + kAccepted);
}

Result<std::string> HashCalibrationFiles(const std::string& path) {
  QRUN_ASSIGN_OR_RETURN(const CalibrationFiles files, FindCalibrationFiles(path));
  std::string hashes;
  for (const std::string& file : files.paths) {
    const auto bytes = ReadFile(file, std::numeric_limits<int64_t>::max());
    if (bytes.ok()) hashes += Sha256Hex(*bytes);
  }
  return Sha256Hex(std::as_bytes(std::span(hashes)));
}

}  // namespace qrun::converter
