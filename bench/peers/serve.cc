#include "bench/peers/serve.h"

#include <chrono>
#include <cstring>
#include <iostream>
#include <numeric>
#include <random>
#include <sstream>

#include "runtime/cli/terminal.h"
#include "runtime/npy.h"

namespace qrun::bench {
namespace {

using nlohmann::json;

constexpr size_t kMinRuns = 3, kMaxRuns = 100000;

void Say(const json& answer) {
  std::cout << answer.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
}

size_t Product(const std::vector<int64_t>& shape) {
  return static_cast<size_t>(std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>()));
}

json Time(Competitor& competitor, double milliseconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<int64_t> nanoseconds;
  const auto begin = Clock::now();
  auto last = begin;
  while (nanoseconds.size() < kMinRuns ||
         (nanoseconds.size() < kMaxRuns &&
          last - begin < std::chrono::duration<double, std::milli>(milliseconds))) {
    competitor.Run();
    const auto now = Clock::now();
    nanoseconds.push_back(std::chrono::nanoseconds(now - last).count());
    last = now;
  }
  return {{"ns", nanoseconds}};
}

// Runs every item of an array and writes all outputs as one.
Result<json> Score(Competitor& competitor, const std::string& from, const std::string& to) {
  QRUN_ASSIGN_OR_RETURN(const NpyArray input, ReadNpy(from));
  std::vector<int64_t> want = competitor.InputShape();
  if (input.dtype != "f4" || input.shape.size() != want.size() ||
      !std::equal(want.begin() + 1, want.end(), input.shape.begin() + 1)) {
    return Status::InvalidArgument("'" + from + "' is no float32 array of the model's inputs " +
                                   json(want).dump());
  }
  const auto items = static_cast<size_t>(input.shape[0]);
  std::vector<float> item(Product(want)), scores(Product(competitor.OutputShape()));
  NpyArray output = {"f4", competitor.OutputShape(), {}};
  output.shape[0] = input.shape[0];
  output.data.resize(items * scores.size() * sizeof(float));
  for (size_t i = 0; i < items; ++i) {
    std::memcpy(item.data(), &input.data[i * item.size() * sizeof(float)], item.size() * sizeof(float));
    QRUN_RETURN_IF_ERROR(competitor.SetInput(item));
    competitor.Run();
    QRUN_RETURN_IF_ERROR(competitor.GetOutput(scores));
    std::memcpy(&output.data[i * scores.size() * sizeof(float)], scores.data(),
                scores.size() * sizeof(float));
  }
  QRUN_RETURN_IF_ERROR(WriteNpy(to, output));
  return json{{"items", items}};
}

Result<json> Answer(Competitor& competitor, const std::string& line) {
  std::istringstream words(line);
  std::string command, from, to;
  double milliseconds = 0;
  words >> command;
  if (command == "time" && words >> milliseconds && milliseconds >= 0) return Time(competitor, milliseconds);
  if (command == "score" && words >> from >> to) return Score(competitor, from, to);
  return Status::InvalidArgument("'" + line +
                                 "': expected 'time MILLISECONDS', 'score FROM.npy TO.npy' or 'quit'");
}

}  // namespace

std::vector<int64_t> SourceShape(const TensorInfo& info) {
  std::vector<int64_t> shape(info.extents.begin(), info.extents.end());
  if (info.source_is_nchw) shape = {shape[0], shape[3], shape[1], shape[2]};
  return shape;
}

int Serve(Competitor& competitor) {
  // Times are taken on noise: no operator's speed depends on values, and zeros would be a special case.
  std::vector<float> noise(Product(competitor.InputShape()));
  std::mt19937 random(1);
  for (float& x : noise) x = static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f;
  if (const Status status = competitor.SetInput(noise); !status.ok()) return RefuseToServe(status);
  json first = competitor.Describe();
  first["input"] = competitor.InputShape();
  first["output"] = competitor.OutputShape();
  Say(first);
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    const Result<json> answer = Answer(competitor, line);
    Say(answer.ok() ? *answer : json{{"error", answer.error().message()}});
  }
  return cli::kExitOk;
}

int RefuseToServe(const Status& status) {
  Say({{"error", status.message()}});
  return cli::kExitError;
}

}  // namespace qrun::bench
