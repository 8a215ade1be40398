// qrun: classifies images with a .qfb model, or runs it on raw arrays.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "runtime/cli/classify.h"
#include "runtime/cli/explain.h"
#include "runtime/cli/input.h"
#include "runtime/cli/terminal.h"

namespace qrun::cli {
namespace {

using nlohmann::json;

struct Arguments {
  std::string model, explain;
  std::vector<std::string> images, inputs, outputs;
  int top = 3;
  int repeat = 1;
  bool json = false, raw = false;
  SessionOptions session;
};

double Milliseconds(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - from).count();
}

// Runs `repeat` times; returns the median time in ms and adds up the steps' times.
double TimedRuns(Session& session, int repeat, std::vector<double>& step_ms) {
  std::vector<double> times;
  step_ms.resize(session.StepTimes().size());
  for (int i = 0; i < repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    session.Run();
    times.push_back(Milliseconds(start));
    for (size_t s = 0; s < step_ms.size(); ++s) {
      step_ms[s] += static_cast<double>(session.StepTimes()[s]) / 1e6 / repeat;
    }
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

json ProfileJson(const Session& session, const std::vector<double>& step_ms) {
  json rows = json::array();
  for (size_t i = 0; i < step_ms.size(); ++i) {
    const StepInfo& step = session.steps()[i];
    rows.push_back({{"name", step.name},
                    {"kind", step.kind},
                    {"candidate", step.candidate},
                    {"macs", step.macs},
                    {"ms", step_ms[i]}});
  }
  return rows;
}

void PrintProfile(const json& rows) {
  double total = 0;
  size_t width = 4;
  for (const json& row : rows) {
    total += row["ms"].get<double>();
    width = std::max(width, row["name"].get<std::string>().size());
  }
  fmt::print("  {:{}}  {:34}  {:>10}  {:>6}  {:>9}\n", "step", width, "kernel", "us", "%", "GMAC/s");
  for (const json& row : rows) {
    const double ms = row["ms"].get<double>();
    fmt::print("  {:{}}  {:34}  {:>10.1f}  {:>6.1f}  {:>9.1f}\n", row["name"].get<std::string>(), width,
               row["candidate"].get<std::string>(), ms * 1e3, total > 0 ? ms / total * 100 : 0.0,
               ms > 0 ? static_cast<double>(row["macs"].get<int64_t>()) / ms / 1e6 : 0.0);
  }
}

json CacheJson(const WeightCacheUse& use) {
  if (use.path.empty() && use.problem.empty()) return nullptr;
  return {{"path", use.path}, {"used", use.was_used}, {"written", use.was_written}, {"problem", use.problem}};
}

json Header(const Model& model, const Session& session, double load_ms) {
  return {{"model", model.name()},
          {"dtype", session.inputs()[0].dtype == DType::kInt8 ? "int8" : "float32"},
          {"isa", session.isa()},
          {"threads", session.threads()},
          {"load_ms", load_ms},
          {"weight_cache", CacheJson(session.weight_cache())},
          {"arena_bytes", session.arena_bytes()},
          {"file_bytes", model.file_bytes()}};
}

int ClassifyImages(const Arguments& args, const Model& model, Session& session, double load_ms) {
  auto kind = ScoreKindOf(model);
  if (!kind.ok()) return Fail("qrun", kind.error());
  json report = Header(model, session, load_ms);
  report["results"] = json::array();
  report["errors"] = json::array();
  session.Run();  // first touch of memory and code, so that the times below are of a running system
  std::vector<double> profile_ms;
  std::vector<float> scores(static_cast<size_t>(session.outputs()[0].ElementCount()));
  for (const std::string& path : args.images) {
    const auto start = std::chrono::steady_clock::now();
    if (Status status = SetImage(session, model, path); !status.ok()) {
      report["errors"].push_back({{"image", path}, {"error", status.message()}});
      Fail("qrun", status);
      continue;
    }
    const double input_ms = Milliseconds(start);
    const double run_ms = TimedRuns(session, args.repeat, profile_ms);
    if (Status status = session.GetOutput(0, scores); !status.ok()) return Fail("qrun", status);
    const auto top = TopClasses(scores, *kind, args.top, model.labels());
    json result = {{"image", path}, {"decode_ms", input_ms}, {"run_ms", run_ms}, {"top", json::array()}};
    for (const ClassScore& score : top) {
      result["top"].push_back(
          {{"index", score.index}, {"label", score.label}, {"confidence", score.confidence}});
    }
    report["results"].push_back(std::move(result));
    if (args.json) continue;
    fmt::print("{}\n", path);
    for (const ClassScore& score : top) fmt::print("  {:6.2f} %  {}\n", score.confidence * 100, score.label);
    fmt::print("  decode and resize {}, run {}\n", MillisecondsText(input_ms), MillisecondsText(run_ms));
  }
  if (args.session.profile) {
    for (double& ms : profile_ms) ms /= std::max<double>(1, static_cast<double>(report["results"].size()));
    report["profile"] = ProfileJson(session, profile_ms);
  }
  if (args.json) {
    fmt::print("{}\n", report.dump(2, ' ', false, json::error_handler_t::replace));
  } else {
    if (args.session.profile) PrintProfile(report["profile"]);
    fmt::print("{} on {}, {} thread(s): load {}, arena {}, file {}\n", report["dtype"].get<std::string>(),
               session.isa(), session.threads(), MillisecondsText(load_ms), BytesText(session.arena_bytes()),
               BytesText(model.file_bytes()));
  }
  return report["errors"].empty() ? kExitOk : kExitError;
}

int RunArrays(const Arguments& args, const Model& model, Session& session,
              const std::vector<NpyArray>& arrays, double load_ms) {
  for (size_t i = 0; i < arrays.size(); ++i) {
    if (Status status = SetArray(session, static_cast<int>(i), arrays[i]); !status.ok()) {
      return Fail("qrun", status.Annotate("'" + args.inputs[i] + "'"));
    }
  }
  session.Run();
  std::vector<double> profile_ms;
  const double run_ms = TimedRuns(session, args.repeat, profile_ms);
  for (size_t i = 0; i < args.outputs.size(); ++i) {
    auto array = GetArray(session, static_cast<int>(i), args.raw);
    if (!array.ok()) return Fail("qrun", array.error());
    if (Status status = WriteNpy(args.outputs[i], *array); !status.ok()) return Fail("qrun", status);
  }
  json report = Header(model, session, load_ms);
  report["run_ms"] = run_ms;
  report["batch"] = session.inputs()[0].extents[0];
  report["outputs"] = args.outputs;
  if (args.session.profile) report["profile"] = ProfileJson(session, profile_ms);
  if (args.json) {
    fmt::print("{}\n", report.dump(2, ' ', false, json::error_handler_t::replace));
    return kExitOk;
  }
  if (args.session.profile) PrintProfile(report["profile"]);
  fmt::print("{} items in {} ({} on {}, {} thread(s))\n", session.inputs()[0].extents[0],
             MillisecondsText(run_ms), report["dtype"].get<std::string>(), session.isa(), session.threads());
  return kExitOk;
}

int ExplainInputs(const Arguments& args, const Model& model, const std::vector<NpyArray>& arrays) {
  const auto reference = Model::Open(args.explain);
  if (!reference.ok()) return Fail("qrun", reference.error());
  auto explainer = Explainer::Create(model, *reference);
  if (!explainer.ok()) return Fail("qrun", explainer.error().Annotate("--explain '" + args.explain + "'"));
  json report = {{"model", model.name()}, {"results", json::array()}, {"errors", json::array()}};
  const auto explain = [&](const std::string& name, Status status) {
    const Result<Explanation> explanation =
        status.ok() ? explainer->Explain() : Result<Explanation>(std::move(status));
    if (!explanation.ok()) {
      report["errors"].push_back({{"input", name}, {"error", explanation.error().message()}});
      Fail("qrun", explanation.error());
      return;
    }
    json result = ExplanationJson(*explanation, model.labels());
    result["input"] = name;
    if (!args.json) fmt::print("{}\n{}", name, ExplanationText(result));
    report["results"].push_back(std::move(result));
  };
  // Both models prepare the input as they say themselves.
  const auto set_both = [&](auto&& set) {
    QRUN_RETURN_IF_ERROR(set(explainer->int8_session(), model));
    return set(explainer->float_session(), *reference);
  };
  for (const std::string& path : args.images) {
    explain(path, set_both([&](Session& session, const Model& of) { return SetImage(session, of, path); }));
  }
  if (!arrays.empty()) {
    explain(args.inputs[0], set_both([&](Session& session, const Model&) {
              for (size_t i = 0; i < arrays.size(); ++i) {
                QRUN_RETURN_IF_ERROR(SetArray(session, static_cast<int>(i), arrays[i]));
              }
              return Status::Ok();
            }));
  }
  if (args.json) fmt::print("{}\n", report.dump(2, ' ', false, json::error_handler_t::replace));
  return report["errors"].empty() ? kExitOk : kExitError;
}

// What the command line asks for and the model cannot give.
Status CheckArguments(const Arguments& args, const Model& model) {
  if (args.images.empty() == args.inputs.empty()) {
    return Status::InvalidArgument("give images, or arrays with --input, and not both");
  }
  if (!args.inputs.empty() && args.inputs.size() != model.inputs().size()) {
    return Status::InvalidArgument(fmt::format("the model has {} input(s), --input was given {} time(s)",
                                               model.inputs().size(), args.inputs.size()));
  }
  if (args.outputs.size() > model.outputs().size()) {
    return Status::InvalidArgument(fmt::format("the model has {} output(s), --output was given {} time(s)",
                                               model.outputs().size(), args.outputs.size()));
  }
  if (!args.explain.empty() && (args.repeat != 1 || args.session.profile || !args.outputs.empty())) {
    return Status::InvalidArgument(
        "--explain runs no benchmark and writes no outputs: it goes without --repeat, "
        "--profile and --output");
  }
  if (!args.images.empty() && !args.outputs.empty()) {
    return Status::InvalidArgument("--output goes with --input");
  }
  return Status::Ok();
}

// Of this build, best first.
std::string IsaNames() {
  std::string names;
  for (const IsaInfo& isa : Isas()) {
    names += (names.empty() ? "" : ", ") + isa.name;
  }
  return names;
}

int Main(int argc, char** argv) {
  CLI::App app("Classifies images with a .qfb model, or runs it on raw arrays.", "qrun");
  Arguments args;
  app.add_option("model", args.model, "The model file, made by qconvert")->required();
  app.add_option("images", args.images, "PNG or JPEG files to classify");
  app.add_option("--top", args.top, "Classes to print per image")->check(AtLeastOne())->capture_default_str();
  app.add_option("--threads", args.session.threads, "Threads to use")->capture_default_str();
  app.add_option("--isa", args.session.isa,
                 fmt::format("Instruction set, by name: {} (default: $QRUN_ISA, else the best)", IsaNames()));
  app.add_option("--repeat", args.repeat, "Run each input this often and print the median time")
      ->check(AtLeastOne())
      ->capture_default_str();
  app.add_flag("--profile", args.session.profile, "Print the time of every step");
  app.add_option(
      "--explain", args.explain,
      "The float model of the same source (qconvert --dtype fp32): find the layer whose quantisation "
      "changes the answer, and print what every layer does to the lead of float's class");
  app.add_flag("--json", args.json, "Machine-readable output");
  app.add_option("--cache", args.session.weight_cache,
                 "A folder for packed weights: written the first time, mapped instead of packed after that");
  app.add_option("--input", args.inputs, "A .npy array for each model input, instead of images")
      ->expected(1)
      ->take_all();
  app.add_option("--output", args.outputs, "Write the model's outputs as .npy arrays, in order")
      ->expected(1)
      ->take_all();
  app.add_flag("--raw", args.raw, "With --output: int8 outputs as they are, not as real numbers");
  app.footer(
      "Arrays are [N, ...] in the layout of the source model (NCHW for PyTorch) or NHWC, float32, uint8 or "
      "int8.\n"
      "Exit codes: 0 success, 1 something failed (an image that cannot be read is named, the others still "
      "run),\n"
      "2 wrong arguments.");
  if (const int code = Parse(app, argc, argv); code >= 0) return code;

  const auto start = std::chrono::steady_clock::now();
  auto model = Model::Open(args.model);
  if (!model.ok()) return Fail("qrun", model.error());
  if (Status status = CheckArguments(args, *model); !status.ok()) return FailUsage("qrun", status);
  std::vector<NpyArray> arrays;
  for (size_t i = 0; i < args.inputs.size(); ++i) {
    auto array = ReadNpy(args.inputs[i]);
    if (!array.ok()) return Fail("qrun", array.error());
    auto batch = BatchOf(*model, static_cast<int>(i), *array);
    if (!batch.ok()) return Fail("qrun", batch.error().Annotate("'" + args.inputs[i] + "'"));
    if (i == 0) args.session.batch = *batch;
    arrays.push_back(std::move(*array));
  }
  if (!args.images.empty()) {
    if (Status status = CheckGolden(*model); !status.ok()) return Fail("qrun", status);
  }
  if (!args.explain.empty()) {
    if (args.session.batch != 1) {
      return FailUsage(
          "qrun", Status::InvalidArgument(fmt::format("--explain takes one item at a time, the array has {}",
                                                      args.session.batch)));
    }
    return ExplainInputs(args, *model, arrays);
  }
  auto session = Session::Create(*model, args.session);
  if (!session.ok()) return FailSession("qrun", session.error());
  const double load_ms = Milliseconds(start);
  if (const std::string& problem = session->weight_cache().problem; !problem.empty()) {
    fmt::print(stderr, "qrun: note: packed weights: {}\n", problem);
  }
  return args.images.empty() ? RunArrays(args, *model, *session, arrays, load_ms)
                             : ClassifyImages(args, *model, *session, load_ms);
}

}  // namespace
}  // namespace qrun::cli

int main(int argc, char** argv) { return qrun::cli::Main(argc, argv); }
