#include "converter/rebuild.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "converter/calibration_files.h"
#include "converter/sha256.h"
#include "runtime/file.h"
#include "runtime/model_impl.h"

namespace qrun::converter {
namespace {

std::string Text(const flatbuffers::String* text) { return text == nullptr ? std::string() : text->str(); }

// Where `name` is: at `given`, or beside the model or in the working directory.
Result<std::string> Locate(const char* what, const char* option, const std::string& given,
                           const std::string& name, const std::string& model_path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (!given.empty()) {
    if (fs::exists(given, ignored)) return given;
    return Status::Io(fmt::format("cannot open the {} '{}': no such file or folder", what, given));
  }
  for (const fs::path& candidate : {fs::path(model_path).parent_path() / name, fs::path(name)}) {
    if (fs::exists(candidate, ignored)) return candidate.string();
  }
  return Status::Io(
      fmt::format("the {} '{}' is neither beside the model nor in the working directory; say "
                  "where it is with {}",
                  what, name, option));
}

Status CheckHash(const char* what, const std::string& path, const std::string& hash,
                 const std::string& recorded) {
  if (hash == recorded) return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("the {} '{}' is not what the model was made from: its sha256 is {}, the model records {}",
                  what, path, hash, recorded));
}

Result<std::vector<std::byte>> Bytes(const std::string& path) {
  return ReadFile(path, std::numeric_limits<int64_t>::max());
}

}  // namespace

Result<RebuildRecipe> ReadRebuildRecipe(const std::string& model_path, const std::string& source_path,
                                        const std::string& calibration_path) {
  QRUN_ASSIGN_OR_RETURN(const Model model, Model::Open(model_path));
  const fb::Provenance* from = model.impl().file->provenance();
  if (from == nullptr || from->arguments() == nullptr) {
    return Status::InvalidArgument(
        "'" + model_path +
        "' does not record how it was made (an older qconvert wrote it, or another "
        "tool); convert it again from its source");
  }
  RebuildRecipe recipe;
  for (const auto* word : *from->arguments()) recipe.arguments.push_back(word->str());
  recipe.producer = std::string(model.producer());
  recipe.labels = model.labels();
  recipe.source_name = Text(from->source_name());
  recipe.calibration_name = Text(from->calibration_name());
  QRUN_ASSIGN_OR_RETURN(recipe.source_path,
                        Locate("source", "--source", source_path, recipe.source_name, model_path));
  QRUN_ASSIGN_OR_RETURN(const auto source, Bytes(recipe.source_path));
  QRUN_RETURN_IF_ERROR(
      CheckHash("source", recipe.source_path, Sha256Hex(source), Text(from->source_sha256())));
  if (recipe.calibration_name.empty()) return recipe;
  QRUN_ASSIGN_OR_RETURN(recipe.calibration_path, Locate("calibration data", "--calibrate", calibration_path,
                                                        recipe.calibration_name, model_path));
  QRUN_ASSIGN_OR_RETURN(const std::string samples, HashCalibrationFiles(recipe.calibration_path));
  QRUN_RETURN_IF_ERROR(
      CheckHash("calibration data", recipe.calibration_path, samples, Text(from->calibration_sha256())));
  return recipe;
}

Status CheckRebuilt(const std::string& model_path, const std::string& rebuilt_path) {
  QRUN_ASSIGN_OR_RETURN(const auto wanted, Bytes(model_path));
  QRUN_ASSIGN_OR_RETURN(const auto got, Bytes(rebuilt_path));
  if (wanted == got) return Status::Ok();
  const auto at = std::mismatch(wanted.begin(), wanted.end(), got.begin(), got.end()).first - wanted.begin();
  std::string who;
  const auto a = Model::Open(model_path), b = Model::Open(rebuilt_path);
  if (a.ok() && b.ok() && a->producer() != b->producer()) {
    who = fmt::format("; it was made by {}, this is {}", a->producer(), b->producer());
  }
  return Status::InvalidArgument(
      fmt::format("'{}' differs from '{}', first at byte {}{}; qinspect --diff shows where", rebuilt_path,
                  model_path, at, who));
}

}  // namespace qrun::converter
