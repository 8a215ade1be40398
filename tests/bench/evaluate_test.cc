#include "bench/lib/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "bench/lib/evaluation_report.h"
#include "bench/lib/evaluation_state.h"
#include "bench/lib/output_file.h"
#include "tests/bench/models.h"
#include "tests/bench/scratch.h"

namespace qrun::bench {
namespace {

class EvaluateTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return scratch_.Path(name); }
  Model Open(const std::string& name) const {
    auto model = Model::Open(Path(name));
    EXPECT_TRUE(model.ok()) << model.error().message();
    return *std::move(model);
  }
  // Four images of which the last is judged wrongly, and one that does not exist.
  void MakeColourSet() {
    tests::WriteColourModel(Path("float.qfb"));
    tests::WriteCoarseColourModel(Path("coarse.qfb"));
    tests::WriteImage(Path("red.png"), {255, 0, 0});
    tests::WriteImage(Path("green.png"), {0, 255, 0});
    tests::WriteImage(Path("blue.png"), {0, 51, 102});    // 0, 0.2, 0.4
    tests::WriteImage(Path("brown.png"), {204, 153, 0});  // 0.8, 0.6, 0
    const std::string list = "red.png,0\ngreen.png,1\nabsent.png,2\nblue.png,2\nbrown.png,1\n";
    ASSERT_TRUE(WriteText(Path("list.csv"), list).ok());
  }
  std::unique_ptr<SampleSource> Samples(const SampleOptions& options,
                                        const std::vector<const Model*>& models) {
    auto source = OpenSamples(options, models);
    EXPECT_TRUE(source.ok()) << source.error().message();
    return *std::move(source);
  }
  tests::Scratch scratch_;
};

double Loss(double right, double a, double b, double c) {
  return std::log(std::exp(a) + std::exp(b) + std::exp(c)) - right;
}

TEST_F(EvaluateTest, KnownAnswersOnImages) {
  MakeColourSet();
  const Model model = Open("float.qfb");
  const auto source = Samples({.list = Path("list.csv")}, {&model});
  std::vector<ItemResult> results(source->size());
  const std::vector<const Model*> models = {&model};
  const Status status = Evaluate(models, *source, {.threads = 2}, {}, results);
  ASSERT_TRUE(status.ok()) << status.message();

  const EvaluationSummary summary = Summarize(results, *source, Metric::kTop1, models);
  EXPECT_EQ(summary.images, 4u);
  EXPECT_EQ(summary.failed, 1u);
  EXPECT_EQ(summary.accuracy[0].top1, 75);
  EXPECT_EQ(summary.accuracy[0].top5, 100);
  const double loss = (2 * Loss(1, 1, 0, 0) + Loss(0.4, 0, 0.2, 0.4) + Loss(0.6, 0.8, 0.6, 0)) / 4;
  EXPECT_NEAR(summary.accuracy[0].loss, loss, 1e-6);
  EXPECT_TRUE(std::isnan(summary.Retention()));

  EXPECT_EQ(results[2].state, ItemResult::State::kFailed);
  EXPECT_NE(results[2].error.find("absent.png"), std::string::npos);
  const auto json = SummaryJson(summary, results, *source);
  ASSERT_EQ(json["errors"].size(), 1u);
  EXPECT_EQ(json["errors"][0]["name"], "absent.png");
  EXPECT_TRUE(json["reference"].is_null());
  EXPECT_TRUE(json["agreement"].is_null());
}

TEST_F(EvaluateTest, AgainstAReference) {
  MakeColourSet();
  const Model fine = Open("float.qfb"), coarse = Open("coarse.qfb");
  const std::vector<const Model*> models = {&coarse, &fine};
  const auto source = Samples({.list = Path("list.csv")}, models);
  std::vector<ItemResult> results(source->size());
  ASSERT_TRUE(Evaluate(models, *source, {}, {}, results).ok());
  const EvaluationSummary summary = Summarize(results, *source, Metric::kTop1, models);
  // In steps of 0.25: (1,0,0), (0,1,0), blue (0, 0.25, 0.5), brown (0.75, 0.5, 0): the same classes.
  EXPECT_EQ(summary.accuracy[0].top1, 75);
  EXPECT_EQ(summary.agreement, 100);
  EXPECT_EQ(summary.Retention(), 100);
  // Squares of the outputs 1, 1, 0.04 + 0.16, 0.64 + 0.36; of the differences 0.0025 + 0.01, 0.0025 + 0.01.
  EXPECT_NEAR(summary.sqnr_db, 10 * std::log10(3.2 / 0.025), 1e-4);
}

TEST_F(EvaluateTest, DisagreementLowersRetention) {
  tests::WriteColourModel(Path("float.qfb"));
  tests::WriteCoarseColourModel(Path("coarse.qfb"));
  tests::WriteImage(Path("a.png"), {0, 255, 0});
  tests::WriteImage(Path("b.png"), {120, 130, 0});  // 0.47 and 0.51: both 0.5 in coarse steps, red wins
  ASSERT_TRUE(WriteText(Path("list.csv"), "a.png,1\nb.png,1\n").ok());
  const Model fine = Open("float.qfb"), coarse = Open("coarse.qfb");
  const std::vector<const Model*> models = {&coarse, &fine};
  const auto source = Samples({.list = Path("list.csv")}, models);
  std::vector<ItemResult> results(source->size());
  ASSERT_TRUE(Evaluate(models, *source, {}, {}, results).ok());
  const EvaluationSummary summary = Summarize(results, *source, Metric::kTop1, models);
  EXPECT_EQ(summary.accuracy[0].top1, 50);
  EXPECT_EQ(summary.accuracy[1].top1, 100);
  EXPECT_EQ(summary.agreement, 50);
  EXPECT_EQ(summary.Retention(), 50);
  EXPECT_EQ(ConfusionCsv(results, *source, 0, coarse),
            "class,red,green,blue\nred,0,0,0\ngreen,1,1,0\nblue,0,0,0\n");
}

TEST_F(EvaluateTest, ArraysWithAnOffset) {
  tests::WriteIdentityModel(Path("m.qfb"), 4);
  tests::WriteFloats(Path("x.npy"), {3, 4}, {0, 9, 1, 1, /**/ 0, 2, 8, 7, /**/ 5, 0, 0, 0});
  tests::WriteLabels(Path("y.npy"), {0, 2, 2});
  const Model model = Open("m.qfb");
  const std::vector<const Model*> models = {&model};
  const auto source = Samples({.inputs = {Path("x.npy")}, .labels = Path("y.npy")}, models);
  std::vector<ItemResult> results(source->size());
  ASSERT_TRUE(Evaluate(models, *source, {.label_offset = 1}, {}, results).ok());
  // Right are 1, 3 and 3: first, second, and the fourth of (5, 0, 0, 0), where equal scores keep their order.
  EXPECT_EQ(results[0].scores[0].classes.rank, 0);
  EXPECT_EQ(results[1].scores[0].classes.rank, 1);
  EXPECT_EQ(results[2].scores[0].classes.rank, 3);
  const Status too_far = Evaluate(models, *source, {.label_offset = 2}, {}, results);
  ASSERT_FALSE(too_far.ok());
  EXPECT_NE(too_far.message().find("element 1: class 2 + offset 2 is outside of 0..3"), std::string::npos);
}

TEST_F(EvaluateTest, AucOfAReconstruction) {
  tests::WriteIdentityModel(Path("float.qfb"), 3);
  tests::WriteIdentityModel(Path("int8.qfb"), 3, 1.0f);
  // Errors after rounding to integers: 0, 0.03 (0.3^2 / 3), 0.05.. (0.4^2 / 3), 0.04 (0.12 / 3).
  tests::WriteFloats(Path("x.npy"), {4, 3},
                     {1, 2, 3, /**/ 0.3f, 0, 0, /**/ 0.4f, 1, 1, /**/ 0.2f, 0.2f, 0.2f});
  tests::WriteLabels(Path("y.npy"), {0, 1, 1, 0});
  const Model fine = Open("float.qfb"), coarse = Open("int8.qfb");
  const std::vector<const Model*> models = {&coarse, &fine};
  const auto source = Samples({.inputs = {Path("x.npy")}, .labels = Path("y.npy")}, models);
  std::vector<ItemResult> results(source->size());
  ASSERT_TRUE(Evaluate(models, *source, {.metric = Metric::kAuc}, {}, results).ok());
  EXPECT_NEAR(results[1].scores[0].anomaly, 0.03, 1e-6);
  const EvaluationSummary summary = Summarize(results, *source, Metric::kAuc, models);
  EXPECT_EQ(summary.accuracy[0].auc, 3.0 / 4);  // only 0.03 against 0.04 is the wrong way round
  EXPECT_EQ(summary.accuracy[1].auc, 0.5);      // no error anywhere
  EXPECT_EQ(summary.Retention(), 150);
}

// Without labels an autoencoder's outputs are compared, but it predicts no classes that could agree.
TEST_F(EvaluateTest, ReconstructionsDoNotAgree) {
  tests::WriteIdentityModel(Path("float.qfb"), 3);
  tests::WriteIdentityModel(Path("int8.qfb"), 3, 1.0f);
  tests::WriteFloats(Path("x.npy"), {1, 3}, {3, 4, 0.5f});
  const Model fine = Open("float.qfb"), coarse = Open("int8.qfb");
  const std::vector<const Model*> models = {&coarse, &fine};
  const auto source = Samples({.inputs = {Path("x.npy")}}, models);
  std::vector<ItemResult> results(source->size());
  ASSERT_TRUE(Evaluate(models, *source, {}, {}, results).ok());
  const EvaluationSummary summary = Summarize(results, *source, Metric::kTop1, models);
  EXPECT_TRUE(std::isnan(summary.agreement));
  EXPECT_NEAR(summary.sqnr_db, 10 * std::log10(25.25 / 0.25), 1e-9);  // 0.5 rounds to 0
}

// The summary of `threads` threads, to the last bit.
TEST_F(EvaluateTest, ThreadsDoNotMatter) {
  tests::WriteIdentityModel(Path("m.qfb"), 5, 0.1f);
  std::vector<float> values;
  std::vector<int32_t> labels;
  for (int i = 0; i < 500; ++i) values.push_back(std::sin(static_cast<float>(i) * 1.7f) * 3);
  for (int i = 0; i < 100; ++i) labels.push_back(i % 5);
  tests::WriteFloats(Path("x.npy"), {100, 5}, values);
  tests::WriteLabels(Path("y.npy"), labels);
  const Model model = Open("m.qfb");
  const std::vector<const Model*> models = {&model};
  const auto source = Samples({.inputs = {Path("x.npy")}, .labels = Path("y.npy")}, models);
  std::string first;
  for (int threads : {1, 2, 5}) {
    std::vector<ItemResult> results(source->size());
    ASSERT_TRUE(Evaluate(models, *source, {.threads = threads}, {}, results).ok());
    const std::string text =
        SummaryJson(Summarize(results, *source, Metric::kTop1, models), results, *source).dump();
    if (first.empty()) first = text;
    EXPECT_EQ(text, first) << threads;
  }
}

TEST_F(EvaluateTest, StopsAndResumes) {
  MakeColourSet();
  const Model model = Open("float.qfb");
  const std::vector<const Model*> models = {&model};
  const auto source = Samples({.list = Path("list.csv")}, models);
  std::vector<ItemResult> whole(source->size());
  ASSERT_TRUE(Evaluate(models, *source, {}, {}, whole).ok());

  EvaluationState state;
  state.key = {.model_sha256 = "m", .samples = source->Fingerprint(), .metric = "top1", .isa = "ref"};
  state.results.resize(source->size());
  std::atomic<bool> stop{true};  // before the first item: nothing is evaluated
  ASSERT_TRUE(Evaluate(models, *source, {}, {.stop = &stop}, state.results).ok());
  for (const ItemResult& result : state.results) EXPECT_EQ(result.state, ItemResult::State::kPending);

  // Items 1, 2 (the missing one) and 4 are known, the others follow.
  for (size_t i : {1, 2, 4}) state.results[i] = whole[i];
  state.seconds = 1.0 / 3;
  ASSERT_TRUE(WriteEvaluationState(Path("state"), state).ok());
  EvaluationState resumed;
  resumed.key = state.key;
  resumed.results.resize(source->size());
  const Status read = ReadEvaluationState(Path("state"), resumed);
  ASSERT_TRUE(read.ok()) << read.message();
  EXPECT_EQ(resumed.seconds, 1.0 / 3);
  size_t done_first = 0;
  ASSERT_TRUE(Evaluate(models, *source, {},
                       {.progress =
                            [&](size_t done, size_t total) {
                              if (done_first == 0) done_first = done;
                              EXPECT_EQ(total, 5u);
                            }},
                       resumed.results)
                  .ok());
  EXPECT_EQ(done_first, 4u);
  const auto report = [&](const std::vector<ItemResult>& results) {
    return SummaryJson(Summarize(results, *source, Metric::kTop1, models), results, *source).dump();
  };
  EXPECT_EQ(report(resumed.results), report(whole));
}

TEST_F(EvaluateTest, AStateOfAnotherModelIsRefused) {
  EvaluationState state;
  state.key = {.model_sha256 = "aaaa", .samples = "s", .metric = "top1", .isa = "ref"};
  state.results.resize(3);
  ASSERT_TRUE(WriteEvaluationState(Path("state"), state).ok());
  EvaluationState other = state;
  other.key.model_sha256 = "bbbb";
  const Status status = ReadEvaluationState(Path("state"), other);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("its model_sha256 is \"aaaa\", now it is \"bbbb\""), std::string::npos)
      << status.message();
  for (const char* text : {"", "{}", "[1]", "{\"qeval_state\":1,\"key\":7}"}) {
    ASSERT_TRUE(WriteText(Path("damaged"), text).ok());
    EXPECT_FALSE(ReadEvaluationState(Path("damaged"), state).ok()) << text;
  }
  // Rows that do not fit are an error, not a crash.
  ASSERT_TRUE(WriteEvaluationState(Path("state"), state).ok());
  for (const char* rows : {"[[9,\"x\"]]", "[[0,1,2,3,4]]", "[\"x\"]", "7"}) {
    const std::string text =
        std::string(R"({"items":3,"seconds":0,"qeval_state":1,"key":)") +
        R"({"isa":"ref","metric":"top1","model_sha256":"aaaa","reference_sha256":"","samples":"s"})" +
        ",\"results\":" + rows + "}";
    ASSERT_TRUE(WriteText(Path("damaged"), text).ok());
    const Status damaged = ReadEvaluationState(Path("damaged"), state);
    ASSERT_FALSE(damaged.ok()) << rows;
    EXPECT_NE(damaged.message().find("is no state of qeval"), std::string::npos) << damaged.message();
  }
}

TEST_F(EvaluateTest, ModelsOfDifferentShapes) {
  tests::WriteIdentityModel(Path("a.qfb"), 3);
  tests::WriteIdentityModel(Path("b.qfb"), 4);
  const Status status = CheckSameShapes(Open("a.qfb"), Open("b.qfb"));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find("inputs [1, 3], 'test' has [1, 4]"), std::string::npos) << status.message();
}

TEST_F(EvaluateTest, WrongArrays) {
  tests::WriteIdentityModel(Path("m.qfb"), 3);
  const Model model = Open("m.qfb");
  const std::vector<const Model*> models = {&model};
  const auto error = [&](const SampleOptions& options) {
    const auto source = OpenSamples(options, models);
    EXPECT_FALSE(source.ok());
    return source.ok() ? "" : source.error().message();
  };
  tests::WriteFloats(Path("x.npy"), {2, 4}, std::vector<float>(8));
  EXPECT_NE(error({.inputs = {Path("x.npy")}}).find("[1, 4]"), std::string::npos);
  tests::WriteFloats(Path("x.npy"), {2, 3}, std::vector<float>(6));
  tests::WriteLabels(Path("y.npy"), {0});
  EXPECT_NE(error({.inputs = {Path("x.npy")}, .labels = Path("y.npy")}).find("holds 1 labels, expected 2"),
            std::string::npos);
  tests::WriteLabels(Path("y.npy"), {0, -1});
  EXPECT_NE(error({.inputs = {Path("x.npy")}, .labels = Path("y.npy")}).find("does not hold class indices"),
            std::string::npos);
  EXPECT_NE(error({.inputs = {Path("x.npy"), Path("x.npy")}}).find("has 1 input(s)"), std::string::npos);
  EXPECT_NE(error({.list = Path("list.csv")}).find("says nothing about images"), std::string::npos);
  tests::WriteFloats(Path("x.npy"), {0, 3}, {});
  EXPECT_NE(error({.inputs = {Path("x.npy")}}).find("holds no items"), std::string::npos);
}

}  // namespace
}  // namespace qrun::bench
