#include "bench/lib/evaluation_state.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "runtime/file.h"
#include "schema/cat.h"

namespace qrun::bench {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr uint64_t kMaxStateBytes = uint64_t{1} << 32;

json KeyJson(const EvaluationKey& key) {
  return {{"model_sha256", key.model_sha256},
          {"reference_sha256", key.reference_sha256},
          {"samples", key.samples},
          {"metric", key.metric},
          {"isa", key.isa}};
}

// A row per item that is not pending: [index, "error"], or [index, scores of the model, scores of the
// reference, signal, noise] with scores [predicted, rank, loss, anomaly].
json ScoreJson(const ItemScore& score) {
  return {score.classes.predicted, score.classes.rank, score.classes.loss, score.anomaly};
}

json RowJson(size_t index, const ItemResult& result) {
  if (result.state == ItemResult::State::kFailed) return {index, result.error};
  return {index, ScoreJson(result.scores[0]), ScoreJson(result.scores[1]), result.sqnr.signal,
          result.sqnr.noise};
}

void ReadScore(const json& row, ItemScore& score) {
  score.classes.predicted = row.at(0);
  score.classes.rank = row.at(1);
  score.classes.loss = row.at(2);
  score.anomaly = row.at(3);
}

void ReadRow(const json& row, std::vector<ItemResult>& results) {
  ItemResult& result = results.at(row.at(0).get<size_t>());
  if (row.size() == 2) {
    result.state = ItemResult::State::kFailed;
    result.error = row.at(1);
    return;
  }
  result.state = ItemResult::State::kDone;
  ReadScore(row.at(1), result.scores[0]);
  ReadScore(row.at(2), result.scores[1]);
  result.sqnr.signal = row.at(3);
  result.sqnr.noise = row.at(4);
}

// What of two keys differs, for people.
std::string Difference(const json& theirs, const json& ours) {
  for (const auto& [name, value] : ours.items()) {
    if (theirs.value(name, json()) != value) {
      return Cat("its ", name, " is ", theirs.value(name, json()).dump(), ", now it is ", value.dump());
    }
  }
  return "";
}

}  // namespace

Status WriteEvaluationState(const std::string& path, const EvaluationState& state) {
  json file = {{"qeval_state", kVersion},
               {"key", KeyJson(state.key)},
               {"items", state.results.size()},
               {"seconds", state.seconds},
               {"results", json::array()}};
  for (size_t i = 0; i < state.results.size(); ++i) {
    if (state.results[i].state == ItemResult::State::kPending) continue;
    file["results"].push_back(RowJson(i, state.results[i]));
  }
  const std::string text = file.dump(-1, ' ', false, json::error_handler_t::replace);
  return WriteFile(path, {std::as_bytes(std::span(text))});
}

Status ReadEvaluationState(const std::string& path, EvaluationState& state) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return Status::Ok();
  QRUN_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, kMaxStateBytes));
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const json file = json::parse(text, text + bytes.size(), nullptr, /*allow_exceptions=*/false);
  const auto damaged = [&] {
    return Status::InvalidArgument("'" + path + "' is no state of qeval; delete it or name another file");
  };
  if (!file.is_object() || file.value("qeval_state", json()) != kVersion || !file.contains("key"))
    return damaged();
  const json key = KeyJson(state.key);
  if (file["key"] != key) {
    if (!file["key"].is_object()) return damaged();
    return Status::InvalidArgument("state '" + path + "' belongs to another evaluation: " +
                                   Difference(file["key"], key) + "; delete it or name another file");
  }
  EvaluationState read = {state.key, std::vector<ItemResult>(state.results.size()), 0};
  try {  // at() and get() of nlohmann::json throw; nothing leaves this function
    if (file.at("items").get<size_t>() != read.results.size()) return damaged();
    read.seconds = file.at("seconds");
    for (const json& row : file.at("results")) ReadRow(row, read.results);
  } catch (const std::exception&) {
    return damaged();
  }
  state = std::move(read);
  return Status::Ok();
}

}  // namespace qrun::bench
