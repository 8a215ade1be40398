// qbench as a user runs it.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "bench/lib/output_file.h"
#include "converter/html/page.h"
#include "tests/bench/models.h"
#include "tests/bench/tool.h"

namespace qrun::bench {
namespace {

using nlohmann::json;
using tests::ToolRun;

std::set<std::string> Keys(const json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

class QbenchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tests::WriteBlockModel(Path("float.qfb"), /*int8=*/false, 12);
    tests::WriteBlockModel(Path("int8.qfb"), /*int8=*/true, 12);
  }
  std::string Path(const std::string& name) const { return scratch_.Path(name); }
  ToolRun Qbench(const std::string& arguments) const {
    return tests::RunToolIn(scratch_, "qbench", arguments);
  }
  json Report(const std::string& arguments) const {
    const ToolRun run = Qbench(arguments + " --json - --rounds 2");
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return json::parse(run.out, nullptr, false);
  }
  void ExpectFailure(const std::string& arguments, int exit_code, const std::string& message) const {
    tests::ExpectFailed(Qbench(arguments + " --rounds 2"), exit_code, message);
  }
  tests::Scratch scratch_;
};

TEST_F(QbenchTest, JsonKeepsItsContract) {
  const json report = Report("@float.qfb @int8.qfb");
  EXPECT_EQ(Keys(report), (std::set<std::string>{"tool", "version", "machine", "options", "results",
                                                 "comparison", "comparisons"}));
  EXPECT_EQ(Keys(report["machine"]),
            (std::set<std::string>{"cpu", "logical_cpus", "isas", "os", "compiler", "load_average"}));
  ASSERT_EQ(report["results"].size(), 2u);
  for (const json& result : report["results"]) {
    EXPECT_EQ(Keys(result), (std::set<std::string>{"model",
                                                   "name",
                                                   "role",
                                                   "sha256",
                                                   "dtype",
                                                   "threads",
                                                   "isa",
                                                   "median_ms",
                                                   "min_ms",
                                                   "p90_ms",
                                                   "p99_ms",
                                                   "quantiles",
                                                   "samples_ms",
                                                   "samples_disturbed_percent",
                                                   "runs_per_sample",
                                                   "warmup_runs",
                                                   "warmup_settled",
                                                   "cold_ms",
                                                   "cold_open_ms",
                                                   "cold_plan_ms",
                                                   "cold_first_run_ms",
                                                   "cold_cached",
                                                   "peak_rss_bytes",
                                                   "rss_before_bytes",
                                                   "arena_bytes",
                                                   "packed_weight_bytes",
                                                   "file_bytes",
                                                   "params",
                                                   "macs",
                                                   "layers",
                                                   "arena",
                                                   "candidates",
                                                   "accuracy"}));
    EXPECT_LE(result["min_ms"], result["median_ms"]);
    EXPECT_LE(result["median_ms"], result["p90_ms"]);
    EXPECT_LE(result["p90_ms"], result["p99_ms"]);
    EXPECT_GT(result["min_ms"], 0);
    EXPECT_NEAR(result["cold_ms"].get<double>(),
                result["cold_open_ms"].get<double>() + result["cold_plan_ms"].get<double>() +
                    result["cold_first_run_ms"].get<double>(),
                1e-9);
    EXPECT_EQ(result["samples_ms"].size(), 2u);
    EXPECT_GT(result["peak_rss_bytes"], result["rss_before_bytes"]);
    EXPECT_EQ(result["file_bytes"], std::filesystem::file_size(result["model"].get<std::string>()));
    // conv 432 + 1024 + 576 + 1024 weights on 144 pixels, 160 once; no biases.
    EXPECT_EQ(result["params"], 432 + 1024 + 576 + 1024 + 160);
    EXPECT_EQ(result["macs"], 144 * (432 + 1024 + 576 + 1024) + 160);
    int64_t layer_macs = 0;
    for (const json& layer : result["layers"]) {
      EXPECT_EQ(Keys(layer),
                (std::set<std::string>{"name", "operator", "part", "kind", "candidate", "macs", "ms",
                                       "percent", "gmacs_per_second", "live_bytes", "parts"}));
      layer_macs += layer["macs"].get<int64_t>();
      int64_t part_macs = 0;
      double part_ms = 0, part_percent = 0;
      for (const json& part : layer["parts"]) {
        EXPECT_EQ(Keys(part), (std::set<std::string>{"name", "macs", "ms", "percent", "gmacs_per_second"}));
        part_macs += part["macs"].get<int64_t>();
        part_ms += part["ms"].get<double>();
        part_percent += part["percent"].get<double>();
      }
      if (layer["parts"].empty()) continue;
      EXPECT_EQ(layer["kind"], "InvertedResidual");
      EXPECT_EQ(part_macs, layer["macs"]);
      EXPECT_NEAR(part_ms, layer["ms"], 1e-9);
      EXPECT_NEAR(part_percent, layer["percent"], 1e-6);
    }
    const json& quantiles = result["quantiles"];
    ASSERT_EQ(quantiles["percent"].size(), 101u);
    ASSERT_EQ(quantiles["ms"].size(), 101u);
    EXPECT_TRUE(std::is_sorted(quantiles["ms"].begin(), quantiles["ms"].end()));
    EXPECT_EQ(quantiles["ms"][0], result["min_ms"]);
    EXPECT_EQ(quantiles["ms"][50], result["median_ms"]);
    EXPECT_DOUBLE_EQ(quantiles["ms"][99], result["p99_ms"]);
    EXPECT_EQ(layer_macs, result["macs"]);
  }
  EXPECT_EQ(report["results"][0]["dtype"], "float32");
  EXPECT_EQ(report["results"][1]["dtype"], "int8");
  EXPECT_EQ(report["results"][1]["role"], "candidate");

  const json& c = report["comparison"];
  EXPECT_EQ(Keys(c), (std::set<std::string>{"baseline", "candidate", "threads", "isa", "speedup",
                                            "speedup_ci95", "verdict", "retention", "agreement", "sqnr_db",
                                            "loss_change", "overall", "cold_speedup", "peak_rss_change_bytes",
                                            "arena_change_bytes", "file_change_bytes", "operators"}));
  EXPECT_NEAR(
      c["speedup"].get<double>(),
      report["results"][0]["median_ms"].get<double>() / report["results"][1]["median_ms"].get<double>(),
      1e-9);
  EXPECT_LE(c["speedup_ci95"][0], c["speedup"]);
  EXPECT_GE(c["speedup_ci95"][1], c["speedup"]);
  EXPECT_TRUE(c["retention"].is_null());
  EXPECT_TRUE(c["overall"].is_null());
  ASSERT_EQ(c["operators"].size(), 5u);
  EXPECT_EQ(c["operators"][1]["kind"], "InvertedResidual");
  EXPECT_TRUE(c["operators"][1]["speedup"].is_number());
  // The float block's parts are steps of their own, the int8 block's are inside of one: both are there.
  const json& parts = c["operators"][1]["parts"];
  ASSERT_EQ(parts.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(parts[i]["name"], (std::vector<std::string>{"expand", "depthwise", "project", "residual"})[i]);
    EXPECT_GT(parts[i]["a_ms"], 0);
    EXPECT_GT(parts[i]["b_ms"], 0);
  }
}

TEST_F(QbenchTest, OneModel) {
  const json report = Report("@int8.qfb --threads 1,2");
  ASSERT_EQ(report["results"].size(), 2u);
  EXPECT_EQ(report["results"][0]["threads"], 1);
  EXPECT_EQ(report["results"][1]["threads"], 2);
  EXPECT_TRUE(report["comparison"].is_null());
  EXPECT_EQ(report["comparisons"], json::array());
  const ToolRun text = Qbench("@int8.qfb --rounds 2");
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_NE(text.out.find("GMAC/s"), std::string::npos) << text.out;
}

TEST_F(QbenchTest, InstructionSetsAndThreads) {
  const json report = Report("@float.qfb @int8.qfb --threads 1,2 --isa ref,ref");
  ASSERT_EQ(report["results"].size(), 8u);
  for (const json& result : report["results"]) EXPECT_EQ(result["isa"], "ref");
  ASSERT_EQ(report["comparisons"].size(), 4u);
  EXPECT_EQ(report["comparisons"][1]["threads"], 2);
  EXPECT_EQ(report["comparison"], report["comparisons"][0]);
}

TEST_F(QbenchTest, AccuracyAndOverall) {
  tests::WriteColourModel(Path("a.qfb"));
  tests::WriteCoarseColourModel(Path("b.qfb"));
  tests::WriteImage(Path("a.png"), {0, 255, 0});
  tests::WriteImage(Path("b.png"), {120, 130, 0});  // red in coarse steps
  ASSERT_TRUE(WriteText(Path("list.csv"), "a.png,1\nb.png,1\n").ok());
  const json report = Report("@a.qfb @b.qfb --list @list.csv");
  EXPECT_EQ(report["results"][0]["accuracy"]["top1"], 100);
  EXPECT_EQ(report["results"][1]["accuracy"]["top1"], 50);
  const json& c = report["comparison"];
  EXPECT_EQ(c["retention"], 50);
  EXPECT_EQ(c["agreement"], 50);
  EXPECT_DOUBLE_EQ(c["overall"], 0.5 + c["speedup"].get<double>() / 5);
  EXPECT_NEAR(c["loss_change"].get<double>(),
              report["results"][1]["accuracy"]["loss"].get<double>() -
                  report["results"][0]["accuracy"]["loss"].get<double>(),
              1e-12);
}

TEST_F(QbenchTest, CandidatesOfEveryOperator) {
  const json report = Report("@float.qfb @int8.qfb --candidates");
  for (const json& result : report["results"]) {
    std::set<std::string> names;
    for (const json& layer : result["layers"]) {
      if (layer["macs"] != 0) names.insert(layer["operator"]);
    }
    ASSERT_FALSE(names.empty());
    for (const json& op : result["candidates"]) {
      EXPECT_EQ(Keys(op), (std::set<std::string>{"name", "kind", "op_index", "macs", "candidates"}));
      names.erase(op["name"].get<std::string>());
      std::set<std::string> kernels;
      for (size_t i = 0; i < op["candidates"].size(); ++i) {
        const json& candidate = op["candidates"][i];
        EXPECT_EQ(Keys(candidate), (std::set<std::string>{"kernels", "ms", "chosen"}));
        EXPECT_EQ(candidate["chosen"], i == 0) << op["name"];
        EXPECT_GT(candidate["ms"], 0);
        kernels.insert(candidate["kernels"].dump());
      }
      EXPECT_EQ(kernels.size(), op["candidates"].size()) << "no candidate twice";
      // What the plan takes is what the profile ran.
      json ran = json::array();
      for (const json& layer : result["layers"]) {
        if (layer["operator"] == op["name"]) ran.push_back(layer["candidate"]);
      }
      EXPECT_EQ(op["candidates"][0]["kernels"], ran);
      if (op["kind"] == "InvertedResidual" && result["dtype"] == "int8") {
        EXPECT_EQ(op["candidates"].size(), 2u);
      }
    }
    EXPECT_EQ(names, std::set<std::string>()) << "operators that multiply and have no row";
  }
  EXPECT_TRUE(Report("@int8.qfb")["results"][0]["candidates"].is_null());
  const ToolRun text = Qbench("@int8.qfb --rounds 2 --candidates");
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("* is what the plan takes"), std::string::npos) << text.out;
}

TEST_F(QbenchTest, TheStartWithPackedWeightsOnFile) {
  EXPECT_TRUE(Report("@int8.qfb")["results"][0]["cold_cached"].is_null());
  std::filesystem::create_directory(Path("cache"));
  const json cold = Report("@int8.qfb --cache @cache")["results"][0]["cold_cached"];
  EXPECT_EQ(Keys(cold),
            (std::set<std::string>{"ms", "open_ms", "plan_ms", "first_run_ms", "peak_rss_bytes"}));
  EXPECT_NEAR(
      cold["ms"].get<double>(),
      cold["open_ms"].get<double>() + cold["plan_ms"].get<double>() + cold["first_run_ms"].get<double>(),
      1e-9);
  ExpectFailure("@int8.qfb --cache @none", 1, "no packed weights of");
}

TEST_F(QbenchTest, ABatchIsRunAtOnce) {
  const json one = Report("@int8.qfb")["results"][0], four = Report("@int8.qfb --batch 4")["results"][0];
  EXPECT_EQ(four["macs"], one["macs"]) << "of the model, for one item";
  for (size_t i = 0; i < one["layers"].size(); ++i) {
    EXPECT_EQ(four["layers"][i]["macs"], 4 * one["layers"][i]["macs"].get<int64_t>());
  }
  EXPECT_GT(four["arena_bytes"], one["arena_bytes"]);
  ExpectFailure("@int8.qfb --batch 0", 2, "--batch");
}

TEST_F(QbenchTest, CsvAndTrace) {
  const json report = Report("@float.qfb @int8.qfb --csv @out.csv --trace @trace.json");
  const std::string csv = tests::ReadText(Path("out.csv"));
  EXPECT_EQ(csv.substr(0, csv.find('\n')),
            "model,dtype,threads,isa,median_ms,min_ms,p90_ms,p99_ms,cold_ms,arena_bytes,file_bytes,"
            "peak_rss_bytes,params,macs,top1,top5,loss,speedup_low,speedup_high,speedup,verdict,retention,"
            "overall");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  const std::string last = csv.substr(csv.find("int8.qfb"));
  EXPECT_NE(last.find("," + report["comparison"]["speedup"].dump() + ","), std::string::npos) << csv;

  const json trace = json::parse(tests::ReadText(Path("trace.json")));
  const json& layers = report["results"][1]["layers"];
  double end = 0, step_begin = 0, part_end = 0;
  size_t steps = 0, parts = 0, all_parts = 0;
  std::string step;
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] != "X" || event["pid"] != 2) continue;
    const double at = event["ts"], duration = event["dur"];
    if (event["cat"] == "part") {  // end to end within the step before it
      ASSERT_GT(steps, 0u);
      const json& expected = layers[steps - 1]["parts"];
      ASSERT_LT(parts, expected.size());
      EXPECT_EQ(event["name"], step + "/" + expected[parts]["name"].get<std::string>());
      EXPECT_EQ(event["args"]["macs"], expected[parts]["macs"]);
      EXPECT_NEAR(at, part_end, 1e-6);
      part_end = at + duration;
      EXPECT_LE(part_end, end + 1e-6);
      ++parts;
      ++all_parts;
      continue;
    }
    EXPECT_NEAR(at, end, 1e-6);
    step = event["name"];
    step_begin = part_end = at;
    end = step_begin + duration;
    ++steps;
    parts = 0;
  }
  EXPECT_EQ(steps, layers.size());
  EXPECT_EQ(all_parts, 4u);  // of the block: expand, depthwise, project, residual
}

TEST_F(QbenchTest, HtmlHoldsTheJson) {
  const ToolRun run = Qbench("@float.qfb @int8.qfb --rounds 2 --html @report.html --json @report.json");
  if (!html::CheckAvailable().ok()) {
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_NE(run.err.find("libjs-chart.js"), std::string::npos) << run.err;
    GTEST_SKIP() << "this build has no Chart.js (package libjs-chart.js)";
  }
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::string page = tests::ReadText(Path("report.html")), begin = "id=\"data\">";
  const size_t from = page.find(begin) + begin.size();
  EXPECT_EQ(json::parse(page.substr(from, page.find("</script>", from) - from)),
            json::parse(tests::ReadText(Path("report.json"))));
}

TEST_F(QbenchTest, WrongInputs) {
  tests::WriteBlockModel(Path("small.qfb"), true, 10);
  ExpectFailure("@float.qfb @small.qfb", 1,
                "cannot be compared: 'test' has inputs [1, 12, 12, 3], 'test' has [1, 10, 10, 3]");
  ExpectFailure("@absent.qfb @int8.qfb", 1, "absent.qfb");
  ExpectFailure("@int8.qfb --json @nowhere/x.json", 1, "there is no folder");
  ExpectFailure("@int8.qfb --csv @", 1, "is a folder");
  ExpectFailure("@int8.qfb --html @nowhere/x.html", 1, "there is no folder");
  ExpectFailure("@int8.qfb --html @", 1, "is a folder");
  ExpectFailure("@int8.qfb --html @x --json @x", 2, "one file");
  ExpectFailure("@int8.qfb --html -", 2, "--html");
  ExpectFailure("@int8.qfb --isa abacus", 1, "'abacus' is unknown");
  ASSERT_TRUE(WriteText(Path("list.csv"), "a.png,1\n").ok());
  ExpectFailure("@float.qfb @int8.qfb --list @list.csv", 1, "says nothing about images");
}

TEST_F(QbenchTest, WrongArguments) {
  ExpectFailure("", 2, "models");
  ExpectFailure("@a.qfb @b.qfb @c.qfb", 2, "");
  ExpectFailure("@int8.qfb --threads 0", 2, "--threads");
  ExpectFailure("@int8.qfb --ignore-labels", 2, "--ignore-labels");
  EXPECT_NE(Qbench("--help").out.find("Exit codes: 0"), std::string::npos);
}

}  // namespace
}  // namespace qrun::bench
