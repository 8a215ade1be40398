// qeval as a user runs it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "bench/lib/output_file.h"
#include "tests/bench/models.h"
#include "tests/bench/tool.h"

namespace qrun::bench {
namespace {

using nlohmann::json;
using tests::ToolRun;

class QevalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tests::WriteColourModel(Path("float.qfb"));
    tests::WriteCoarseColourModel(Path("int8.qfb"));
    tests::WriteImage(Path("red.png"), {255, 0, 0});
    tests::WriteImage(Path("green.png"), {0, 255, 0});
    Write("good.csv", "filename,class_index\nred.png,0\ngreen.png,1\n");
    Write("bad.csv", "red.png,0\nbroken.png,1\ngreen.png,2\n");
    Write("broken.png", "this is no image");
  }
  std::string Path(const std::string& name) const { return scratch_.Path(name); }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteText(Path(name), text).ok());
  }
  ToolRun Qeval(const std::string& arguments) const { return tests::RunToolIn(scratch_, "qeval", arguments); }
  void ExpectFailure(const std::string& arguments, int exit_code, const std::string& message) const {
    tests::ExpectFailed(Qeval(arguments), exit_code, message);
  }
  tests::Scratch scratch_;
};

TEST_F(QevalTest, JsonKeepsItsContract) {
  const ToolRun run = Qeval("@int8.qfb --list @good.csv --reference @float.qfb --json - --threads 1");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json report = json::parse(run.out);
  std::set<std::string> keys;
  for (const auto& [key, value] : report.items()) keys.insert(key);
  EXPECT_EQ(keys,
            (std::set<std::string>{"tool",   "version",   "model",     "model_sha256", "metric",
                                   "top1",   "top5",      "loss",      "auc",          "images",
                                   "failed", "agreement", "retention", "sqnr_db",      "reference",
                                   "errors", "isa",       "threads",   "seconds",      "images_per_second"}));
  EXPECT_EQ(report["top1"], 100);
  EXPECT_EQ(report["top5"], 100);
  EXPECT_EQ(report["images"], 2);
  EXPECT_EQ(report["failed"], 0);
  EXPECT_EQ(report["agreement"], 100);
  EXPECT_EQ(report["retention"], 100);
  EXPECT_EQ(report["reference"]["top1"], 100);
  EXPECT_TRUE(report["loss"].is_number_float());
  EXPECT_GT(report["images_per_second"], 0);
  EXPECT_EQ(report["model_sha256"].get<std::string>().size(), 64u);
  EXPECT_TRUE(report["auc"].is_null());
}

TEST_F(QevalTest, JsonToAFileLeavesTheTextOnStdout) {
  const ToolRun run = Qeval("@float.qfb --list @good.csv --json @out.json");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("top-1 100.00 %"), std::string::npos) << run.out;
  EXPECT_EQ(json::parse(tests::ReadText(Path("out.json")))["top1"], 100);
  // Without a file name: stdout.
  EXPECT_EQ(json::parse(Qeval("@float.qfb --list @good.csv --json").out)["top1"], 100);
}

TEST_F(QevalTest, ABadImageIsNamedAndCountedAndTheRestGoesOn) {
  const ToolRun run = Qeval("@float.qfb --list @bad.csv --json -");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_NE(run.err.find("failed: broken.png: "), std::string::npos) << run.err;
  const json report = json::parse(run.out);
  EXPECT_EQ(report["images"], 2);
  EXPECT_EQ(report["failed"], 1);
  EXPECT_EQ(report["top1"], 50);
  EXPECT_EQ(report["errors"][0]["name"], "broken.png");
}

TEST_F(QevalTest, ResumesFromItsState) {
  const std::string common = "@float.qfb --list @bad.csv --state @state --json -";
  const json first = json::parse(Qeval(common).out);
  // What the state knows is not looked at again: without the images everything is still there.
  std::filesystem::remove(Path("red.png"));
  const ToolRun again = Qeval(common);
  const json second = json::parse(again.out);
  for (const char* key : {"top1", "top5", "loss", "images", "failed", "errors", "seconds"}) {
    EXPECT_EQ(first[key], second[key]) << key;
  }
  EXPECT_NE(again.err.find("broken.png"), std::string::npos);
  ExpectFailure("@int8.qfb --list @bad.csv --state @state", 1, "belongs to another evaluation");
  ExpectFailure("@float.qfb --list @good.csv --state @state", 1, "belongs to another evaluation");
  ExpectFailure("@float.qfb --list @good.csv --state @float.qfb", 1, "is no state of qeval");
}

TEST_F(QevalTest, Confusion) {
  ASSERT_EQ(Qeval("@float.qfb --list @good.csv --confusion @c.csv").exit_code, 0);
  EXPECT_EQ(tests::ReadText(Path("c.csv")), "class,red,green,blue\nred,1,0,0\ngreen,0,1,0\nblue,0,0,0\n");
}

TEST_F(QevalTest, ArraysAndTheAnomalyMetric) {
  tests::WriteIdentityModel(Path("id.qfb"), 2);
  tests::WriteFloats(Path("x.npy"), {4, 2}, {0, 1, 0, 2, 0, 3, 0, -1});
  tests::WriteLabels(Path("y.npy"), {0, 1, 1, 0});
  const ToolRun run = Qeval("@id.qfb --input @x.npy --labels @y.npy --metric auc --json -");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(json::parse(run.out)["auc"], 1);
  EXPECT_TRUE(json::parse(run.out)["top1"].is_null());
  const ToolRun top1 = Qeval("@id.qfb --input @x.npy --labels @y.npy --json -");
  EXPECT_EQ(json::parse(top1.out)["top1"], 75);  // of the classes 1, 1, 1, 0 the first is wrong
}

TEST_F(QevalTest, WrongInputs) {
  ExpectFailure("@float.qfb --list @absent.csv", 1, "absent.csv");
  ExpectFailure("@absent.qfb --list @good.csv", 1, "absent.qfb");
  ExpectFailure("@good.csv --list @good.csv", 1, "good.csv");
  ExpectFailure("@float.qfb --list @red.png", 1, "is no text");
  ExpectFailure("@float.qfb --list @good.csv --json @nowhere/out.json", 1, "nowhere");
  ExpectFailure("@float.qfb --list @good.csv --confusion @", 1, "is a folder");
  Write("none.csv", "broken.png,0\n");
  ExpectFailure("@float.qfb --list @none.csv", 1, "none of the 1 items could be used");
  Write("far.csv", "red.png,3\n");
  ExpectFailure("@float.qfb --list @far.csv", 1, "line 1: class 3 is outside of 0..2");
  tests::WriteIdentityModel(Path("id.qfb"), 3);
  ExpectFailure("@float.qfb --list @good.csv --reference @id.qfb", 1, "cannot be compared");
  ExpectFailure("@id.qfb --list @good.csv", 1, "says nothing about images");
  ExpectFailure("@float.qfb --list @good.csv --isa abacus", 1, "'abacus' is unknown");
}

TEST_F(QevalTest, WrongArguments) {
  ExpectFailure("", 2, "model");
  ExpectFailure("@float.qfb", 2, "--list");
  ExpectFailure("@float.qfb --list @good.csv --input @x.npy", 2, "not both");
  ExpectFailure("@float.qfb --list @good.csv --labels @y.npy", 2, "--labels goes with --input");
  ExpectFailure("@float.qfb --list @good.csv --threads 0", 2, "--threads");
  ExpectFailure("@float.qfb --list @good.csv --metric f1", 2, "--metric");
  ExpectFailure("@float.qfb --list @good.csv --confusion @c.csv --metric auc", 2, "--confusion");
  ExpectFailure("@float.qfb --list @good.csv --frobnicate", 2, "frobnicate");
  const ToolRun help = Qeval("--help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.out.find("Exit codes: 0"), std::string::npos);
}

}  // namespace
}  // namespace qrun::bench
