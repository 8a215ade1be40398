// Faults put into healthy models on purpose: the diagnosis names cause and layer, and a healthy model none.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>

#include "converter/analyze_layers.h"
#include "converter/diagnosis/diagnose.h"
#include "converter/diagnosis/input_statistics.h"
#include "converter/import/onnx.h"
#include "converter/preprocessing.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

constexpr int kNarrow = 8, kWide = 32, kSide = 8;
const Shape kNarrowShape = {1, kSide, kSide, kNarrow}, kWideShape = {1, kSide, kSide, kWide};

// Noise with a few values far out: v^5 / 8 at every 61st place.
class TailedInputs final : public CalibrationSource {
 public:
  explicit TailedInputs(size_t size) : noise_(size) {}
  size_t size() const override { return noise_.size(); }
  std::string SampleName(size_t i) const override { return noise_.SampleName(i); }
  Status Load(size_t i, std::span<const std::span<float>> inputs) const override {
    QRUN_RETURN_IF_ERROR(noise_.Load(i, inputs));
    for (std::span<float> input : inputs) {
      for (size_t k = 0; k < input.size(); k += 61) input[k] *= 1 + std::pow(input[k], 4.0f) / 8;
    }
    return Status::Ok();
  }

 private:
  const NoiseInputs noise_;
};

std::vector<float> Gains(int channels, const std::function<float(int)>& gain) {
  std::vector<float> gains;
  for (int c = 0; c < channels; ++c) gains.push_back(gain(c));
  return gains;
}

// Rows of `wei` [oc, ic] times gain.
std::vector<float> ScaledRows(std::vector<float> wei, const std::vector<float>& gain) {
  const size_t ic = wei.size() / gain.size();
  for (size_t k = 0; k < wei.size(); ++k) wei[k] *= gain[k / ic];
  return wei;
}
// Columns divided by gain.
std::vector<float> DividedColumns(std::vector<float> wei, const std::vector<float>& gain) {
  for (size_t k = 0; k < wei.size(); ++k) wei[k] /= gain[k % gain.size()];
  return wei;
}

// Between x [1,8,8,8] and a head of 1x1 convolutions: expand (32) -> depthwise -> project (8) -> add x. Gains
// scale a layer's channels and are undone by its reader, so that float answers alike.
struct Faults {
  std::vector<float> expand_gain = std::vector<float>(kWide, 1), depthwise_gain = expand_gain;
  float branch_gain = 1;  // of the branch that is added to x
  int dead = 0;           // channels of the expansion that a bias keeps below 0
};

ToyGraph Block(const Faults& faults) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", kNarrowShape);
  std::vector<float> bia = Uniform(kWide, 0.3f, 2);
  for (int c = 0; c < kWide; ++c) bia[static_cast<size_t>(c)] *= faults.expand_gain[static_cast<size_t>(c)];
  for (int c = 0; c < faults.dead; ++c) bia[static_cast<size_t>(c)] = -50;
  fb::Conv2DT conv;
  conv.clamp = std::make_unique<fb::Clamp>(0.0f, std::numeric_limits<float>::infinity());
  const ValueId expand =
      toy.Op("expand", conv,
             {x,
              toy.Floats("expand.wei", {kWide, 1, 1, kNarrow},
                         ScaledRows(Uniform(kWide * kNarrow, 0.6f, 1), faults.expand_gain)),
              toy.Floats("expand.bia", {kWide}, bia)},
             toy.Activation("expand", kWideShape));
  std::vector<float> dw = DividedColumns(Uniform(9 * kWide, 0.5f, 3), faults.expand_gain);
  for (size_t k = 0; k < dw.size(); ++k) dw[k] *= faults.depthwise_gain[k % kWide];
  fb::DepthwiseConv2DT depthwise;
  depthwise.pad_top = depthwise.pad_left = depthwise.pad_bottom = depthwise.pad_right = 1;
  const ValueId filtered = toy.Op("depthwise", depthwise,
                                  {expand, toy.Floats("depthwise.wei", {3, 3, kWide}, dw),
                                   toy.Floats("depthwise.bia", {kWide}, std::vector<float>(kWide, 0))},
                                  toy.Activation("depthwise", kWideShape));
  std::vector<float> project = DividedColumns(Uniform(kWide * kNarrow, 0.4f, 5), faults.depthwise_gain);
  for (float& w : project) w *= faults.branch_gain;
  const ValueId branch =
      toy.Conv1x1("project", filtered, kWide, project, {}, toy.Activation("project", kNarrowShape));
  const ValueId sum = toy.Binary("sum", fb::BinaryKind::Add, branch, x, toy.Activation("sum", kNarrowShape));
  toy.graph.outputs = {toy.Conv1x1("head", sum, kNarrow, Uniform(6 * kNarrow, 0.5f, 7), Uniform(6, 0.2f, 8),
                                   toy.Activation("head", {1, kSide, kSide, 6}))};
  return toy;
}

// Two convolutions of x side by side, concatenated, read by a third; `gain` scales the first.
ToyGraph Concatenation(float gain) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", kNarrowShape);
  const std::vector<float> gains(kNarrow, gain);
  const ValueId a = toy.Conv1x1("loud", x, kNarrow, ScaledRows(Uniform(kNarrow * kNarrow, 0.5f, 1), gains),
                                {}, toy.Activation("loud", kNarrowShape));
  const ValueId b = toy.Conv1x1("quiet", x, kNarrow, Uniform(kNarrow * kNarrow, 0.5f, 2), {},
                                toy.Activation("quiet", kNarrowShape));
  fb::ConcatT concat;
  concat.axis = 3;
  const ValueId joined =
      toy.Op("joined", concat, {a, b}, toy.Activation("joined", {1, kSide, kSide, 2 * kNarrow}));
  const auto undo = Gains(2 * kNarrow, [&](int c) { return c < kNarrow ? gain : 1; });
  toy.graph.outputs = {toy.Conv1x1("head", joined, 2 * kNarrow,
                                   DividedColumns(Uniform(6 * 2 * kNarrow, 0.5f, 3), undo), {},
                                   toy.Activation("head", {1, kSide, kSide, 6}))};
  return toy;
}

// conv -> swish -> conv; every 4th channel of the first is `gain` times as strong.
ToyGraph Swish(fb::UnaryKind kind, float gain) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", kNarrowShape);
  const auto gains = Gains(kWide, [&](int c) { return c % 4 == 0 ? gain : 1; });
  const ValueId wide = toy.Conv1x1("wide", x, kNarrow, ScaledRows(Uniform(kWide * kNarrow, 0.4f, 1), gains),
                                   {}, toy.Activation("wide", kWideShape));
  const ValueId act = toy.Unary("swish", kind, wide, toy.Activation("swish", kWideShape));
  toy.graph.outputs = {toy.Conv1x1("head", act, kWide, DividedColumns(Uniform(6 * kWide, 0.5f, 3), gains), {},
                                   toy.Activation("head", {1, kSide, kSide, 6}))};
  return toy;
}

std::vector<Finding> FindingsOf(const Graph& graph, const CalibrationSource& source,
                                const Int8Options& options) {
  auto converted = ConvertToInt8(graph, source, options, [](const char*) {}, {});
  EXPECT_TRUE(converted.ok()) << converted.error().message();
  const auto float_file = EmitModel(converted->float_graph, {}), int8_file = EmitModel(converted->graph, {});
  const auto float_model = Model::FromBytes(float_file->bytes), int8 = Model::FromBytes(int8_file->bytes);
  const SubsetSource check(source, converted->split.check);
  auto layers = AnalyzeLayers({converted->float_graph, *float_model, float_file->tensor_of_value},
                              {converted->graph, *int8, int8_file->tensor_of_value}, check, 0, check.size());
  EXPECT_TRUE(layers.ok());
  auto findings = Diagnose(graph, *converted, options, check, *layers);
  EXPECT_TRUE(findings.ok()) << findings.error().message();
  return std::move(*findings);
}

Int8Options Unrepaired() {
  Int8Options options;
  options.observer = "minmax";
  options.equalize = options.smooth = options.correct_biases = false;
  return options;
}

class SeededFaults : public testing::Test {
 protected:
  // Counts the fault as named if the worst finding has the cause and the layer.
  void Expect(const char* what, const std::vector<Finding>& findings, const std::string& cause,
              const std::string& layer) {
    const bool named = !findings.empty() && findings[0].cause == cause && findings[0].layer == layer;
    std::cout << (named ? "named " : "MISSED ") << what << " -> "
              << (findings.empty() ? "nothing" : findings[0].cause + ", " + FindingText(findings[0])) << "\n";
    ++seeded_;
    named_ += named;
  }

  int seeded_ = 0, named_ = 0;
};

InputStem RpsStem() {
  const auto imported =
      ImportOnnx(std::string(QRUN_SOURCE_DIR) + "/tests/zoo/rps/mobilenet_v2_rps.onnx", {}, nullptr);
  EXPECT_TRUE(imported.ok());
  auto stem = FindInputStem(*imported);
  EXPECT_TRUE(stem.has_value());
  return std::move(*stem);
}

// as_arrays: the model is not told how images were prepared, as with .npy files.
InputFit FitRps(const InputStem& stem, const PreprocessingOptions& options, bool as_arrays = false) {
  const Value* const inputs[] = {&stem.graph.values[stem.graph.inputs[0]]};
  const auto preprocessing = MakePreprocessing(options, *inputs[0]);
  const auto source = OpenCalibrationSource(std::string(QRUN_SOURCE_DIR) + "/tests/zoo/rps/calib.csv", inputs,
                                            *preprocessing);
  const auto fit = FitInput(stem, **source, as_arrays ? nullptr : &*preprocessing);
  EXPECT_TRUE(fit.ok() && fit->has_value());
  return **fit;
}

TEST_F(SeededFaults, AreNamed) {
  const NoiseInputs noise(24);
  const TailedInputs tailed(24);
  Faults outlier;
  outlier.expand_gain[5] = 60;
  Faults quiet;
  quiet.expand_gain = Gains(kWide, [](int c) { return std::pow(0.01f, static_cast<float>(c) / kWide); });
  Faults outlier_behind;
  outlier_behind.depthwise_gain[9] = 60;
  Faults spread_behind;
  spread_behind.depthwise_gain = quiet.expand_gain;
  Faults clash;
  clash.branch_gain = 60;
  Faults dead;
  dead.dead = 10;
  Int8Options per_tensor = Unrepaired(), clipping = Unrepaired();
  per_tensor.per_channel_weights = false;
  clipping.observer = "aciq";

  const auto expand_outlier = FindingsOf(Block(outlier).graph, noise, Unrepaired());
  Expect("an outlier channel", expand_outlier, kCauseOutlierChannel, "expand");
  Expect("an outlier channel that equalisation repairs", FindingsOf(Block(outlier).graph, noise, {}),
         kCauseOutlierChannel, "expand");
  Expect("an outlier channel behind the depthwise",
         FindingsOf(Block(outlier_behind).graph, noise, Unrepaired()), kCauseOutlierChannel, "depthwise");
  Expect("channels of unlike ranges before the depthwise",
         FindingsOf(Block(quiet).graph, noise, Unrepaired()), kCauseDepthwiseSpread, "expand");
  Expect("channels of unlike ranges behind the depthwise",
         FindingsOf(Block(spread_behind).graph, noise, Unrepaired()), kCauseDepthwiseSpread, "depthwise");
  Expect("one scale for unlike depthwise weights", FindingsOf(Block(spread_behind).graph, noise, per_tensor),
         kCauseDepthwiseSpread, "depthwise");
  Expect("operands of unlike scale in a sum", FindingsOf(Block(clash).graph, noise, Unrepaired()),
         kCauseAddClash, "sum");
  Expect("operands of unlike scale in a concatenation",
         FindingsOf(Concatenation(60).graph, noise, Unrepaired()), kCauseConcatClash, "joined");
  Expect("a hard-swish's tail", FindingsOf(Swish(fb::UnaryKind::HardSwish, 20).graph, noise, Unrepaired()),
         kCauseSwishTail, "swish");
  Expect("a SiLU's tail", FindingsOf(Swish(fb::UnaryKind::Silu, 20).graph, noise, Unrepaired()),
         kCauseSwishTail, "swish");
  // The observer clips everywhere; what is added to x has x's tail unweakened.
  Expect("a clipped tail", FindingsOf(Block({}).graph, tailed, clipping), kCauseClippedTail, "sum");
  Expect("dead channels", FindingsOf(Block(dead).graph, noise, {}), kCauseDeadChannels, "expand");

  const auto loud_gain = FindingsOf(LoudGain(60).graph, noise, Unrepaired());
  Expect("channels that a gain makes unlike", loud_gain, kCauseChannelSpread, "shift");
  const auto smoothed_gain = FindingsOf(LoudGain(60).graph, noise, {});
  Expect("unlike channels that smoothing repairs", smoothed_gain, kCauseChannelSpread, "shift");

  const InputStem stem = RpsStem();
  const auto prepared = [&](const char* what, auto&& set) {
    PreprocessingOptions options;
    set(options);
    const InputFit fit = FitRps(stem, options);
    const bool right =
        fit.finding && fit.finding->cure.find("--preprocess torch --color rgb fits") != std::string::npos;
    Expect(what, right ? std::vector<Finding>{*fit.finding} : std::vector<Finding>{}, kCausePreprocessing,
           stem.layer);
  };
  prepared("pixels 0..255", [](auto& o) { o.preset = "raw"; });
  prepared("another mean and deviation", [](auto& o) { o.preset = "tf"; });
  prepared("pixels 0..1", [](auto& o) { o.mean = {0}, o.std = {1}; });
  prepared("blue before red", [](auto& o) { o.preset = "torch", o.color = "bgr"; });

  PreprocessingOptions raw;
  raw.preset = "raw";
  const InputFit arrays = FitRps(stem, raw, true);
  ASSERT_TRUE(arrays.finding.has_value());
  Expect("arrays of 0..255", {*arrays.finding}, kCausePreprocessing, stem.layer);
  EXPECT_NE(arrays.finding->cure.find("(values / 255 - mean) / std with torch's constants fits"),
            std::string::npos)
      << arrays.finding->cure;

  std::cout << "seeded faults named right: " << named_ << " of " << seeded_ << "\n";
  EXPECT_GE(seeded_, 10);
  EXPECT_GE(named_ * 10, seeded_ * 9);
  ASSERT_FALSE(expand_outlier.empty());
  EXPECT_EQ(expand_outlier[0].cure, "--equalize");
  ASSERT_TRUE(expand_outlier[0].gain_db.has_value());
  EXPECT_GT(*expand_outlier[0].gain_db, 3);
  ASSERT_FALSE(loud_gain.empty());
  EXPECT_EQ(loud_gain[0].cure, "--smoothing");
  ASSERT_FALSE(smoothed_gain.empty());
  EXPECT_EQ(smoothed_gain[0].cure, "smoothing has");
}

TEST_F(SeededFaults, HealthyModelsRaiseNoAlarm) {
  const NoiseInputs noise(24);
  for (const ToyGraph& toy : {Block({}), Concatenation(1), Swish(fb::UnaryKind::HardSwish, 1),
                              Swish(fb::UnaryKind::Silu, 1), ResidualNet()}) {
    for (const Int8Options& options : {Int8Options(), Unrepaired()}) {
      for (const Finding& finding : FindingsOf(toy.graph, noise, options)) {
        ADD_FAILURE() << finding.cause << ": " << FindingText(finding);
      }
    }
  }
  PreprocessingOptions torch;
  torch.preset = "torch";
  const InputFit fit = FitRps(RpsStem(), torch);
  EXPECT_FALSE(fit.finding.has_value());
  EXPECT_LT(fit.divergence, 0.03);
}

// The answers chose what is clipped: no layer's own error is held against that.
TEST_F(SeededFaults, RangesThatTheAnswersChoseAreNoFault) {
  const auto causes = [&](const char* observer) {
    Int8Options options = Unrepaired();
    options.observer = observer;
    std::string all;
    for (const Finding& finding :
         FindingsOf(Swish(fb::UnaryKind::HardSwish, 20).graph, NoiseInputs(64), options)) {
      all += FindingText(finding) + "; ";
    }
    return all;
  };
  EXPECT_NE(causes("minmax").find("--observer"), std::string::npos) << causes("minmax");
  EXPECT_EQ(causes("auto").find("--observer"), std::string::npos) << causes("auto");
}

TEST_F(SeededFaults, CuresAreTriedWithTheBitsThatWeightsHave) {
  const NoiseInputs noise(24);
  Faults faults;
  faults.expand_gain[5] = 60;
  const auto after_cure = [&](int bits) {
    Int8Options options = Unrepaired();
    options.weight_bits = bits;
    const auto findings = FindingsOf(Block(faults).graph, noise, options);
    EXPECT_FALSE(findings.empty());
    EXPECT_EQ(findings[0].cure, "--equalize");
    return *findings[0].sqnr_db + *findings[0].gain_db;
  };
  EXPECT_GT(after_cure(8), 35);
  EXPECT_LT(after_cure(4), 30);
}

TEST_F(SeededFaults, DiagnosisIsTheSameForEveryNumberOfThreads) {
  const NoiseInputs noise(24);
  Faults faults;
  faults.expand_gain[5] = 60;
  Int8Options one = Unrepaired(), three = Unrepaired();
  three.threads = 3;
  const auto a = FindingsOf(Block(faults).graph, noise, one),
             b = FindingsOf(Block(faults).graph, noise, three);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(FindingText(a[i]), FindingText(b[i]));
    EXPECT_EQ(a[i].sqnr_db, b[i].sqnr_db);
  }
}

}  // namespace
}  // namespace qrun::converter
