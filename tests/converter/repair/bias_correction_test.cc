#include "converter/repair/bias_correction.h"

#include <gtest/gtest.h>

#include "converter/quantize.h"
#include "converter/repair/node_walk.h"
#include "converter/repair/patch_means.h"
#include "tests/converter/naive_eval.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

// Means of the output's channels over all samples, in real numbers.
std::vector<double> OutputMeans(const Graph& graph, const CalibrationSource& source) {
  const auto file = EmitModel(graph, {});
  const auto model = Model::FromBytes(file->bytes);
  auto session = Session::Create(*model);
  std::vector<std::vector<float>> scratch;
  const size_t channels = static_cast<size_t>(session->outputs()[0].extents.back());
  std::vector<float> output(static_cast<size_t>(session->outputs()[0].ElementCount()));
  std::vector<double> means(channels);
  for (size_t i = 0; i < source.size(); ++i) {
    EXPECT_TRUE(LoadSample(source, i, *session, scratch).ok());
    session->Run();
    EXPECT_TRUE(session->GetOutput(0, output).ok());
    for (size_t k = 0; k < output.size(); ++k) {
      means[k % channels] += output[k] / static_cast<double>(output.size() / channels * source.size());
    }
  }
  return means;
}

double Distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

struct Quantized {
  Graph float_graph, graph;
};

// With coarse weights, so that there is something to correct.
Quantized Quantize(const CalibrationSource& source) {
  Quantized q;
  q.float_graph = ResidualNet().graph;
  q.graph = q.float_graph;
  const std::vector<Range> ranges = CalibrateToy(q.float_graph, source).Ranges(**FindObserverKind("minmax"));
  QuantizeOptions options;
  options.weight_bits = 3;
  EXPECT_TRUE(QuantizeGraph(q.graph, ranges, options, nullptr).ok());
  return q;
}

TEST(CorrectBiases, BringsMeansBack) {
  const NoiseInputs source(48);
  Quantized q = Quantize(source);
  const std::vector<double> wanted = OutputMeans(q.float_graph, source);
  const double before = Distance(OutputMeans(q.graph, source), wanted);
  const auto report = CorrectBiases(q.float_graph, q.graph, source, 1);
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->layers, 4);
  EXPECT_EQ(report->samples, 48u);
  EXPECT_GT(report->largest_steps, 1);
  EXPECT_LT(Distance(OutputMeans(q.graph, source), wanted), before / 10);
}

// In every sample, one pixel is far beyond the range.
class OnePixelOut final : public CalibrationSource {
 public:
  size_t size() const override { return 16; }
  std::string SampleName(size_t i) const override { return std::to_string(i); }
  Status Load(size_t i, std::span<const std::span<float>> inputs) const override {
    QRUN_RETURN_IF_ERROR(NoiseInputs(16).Load(i, inputs));
    inputs[0][i] = 1000;
    return Status::Ok();
  }
};

TEST(CorrectBiases, DoesNotGiveToAllPixelsWhatClippingTookFromOne) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 8, 8, 1});
  const ValueId a = toy.Conv1x1("a", x, 1, {1}, {0}, toy.Activation("a", {1, 8, 8, 1}));
  toy.graph.outputs = {toy.Conv1x1("b", a, 1, {1}, {0}, toy.Activation("b", {1, 8, 8, 1}))};
  const OnePixelOut source;
  std::vector<Range> ranges = CalibrateToy(toy.graph, source).Ranges(**FindObserverKind("minmax"));
  for (Range& range : ranges) {
    if (range.seen()) range = {-2, 2};
  }
  Graph graph = toy.graph;
  ASSERT_TRUE(QuantizeGraph(graph, ranges, {}, nullptr).ok());
  const auto report = CorrectBiases(toy.graph, graph, source, 1);
  ASSERT_TRUE(report.ok()) << report.error().message();
  // 1000 / 64 would be 996 steps of 4 / 255.
  EXPECT_LT(report->largest_steps, 1);
}

class UnusableSamples final : public CalibrationSource {
 public:
  size_t size() const override { return 8; }
  std::string SampleName(size_t i) const override { return std::to_string(i); }
  Status Load(size_t, std::span<const std::span<float>>) const override { return Status::Io("unusable"); }
};

TEST(CorrectBiases, NeedsAUsableSample) {
  Quantized q = Quantize(NoiseInputs(8));
  const auto report = CorrectBiases(q.float_graph, q.graph, UnusableSamples(), 1);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(report.error().message(), "none of the calibration samples is usable");
}

TEST(CorrectBiases, DoesNotDependOnTheNumberOfThreads) {
  const NoiseInputs source(20);
  std::vector<std::vector<std::byte>> files;
  for (int threads : {1, 2, 3}) {
    Quantized q = Quantize(source);
    ASSERT_TRUE(CorrectBiases(q.float_graph, q.graph, source, threads).ok());
    files.push_back(EmitModel(q.graph, {})->bytes);
  }
  EXPECT_EQ(files[1], files[0]);
  EXPECT_EQ(files[2], files[0]);
}

TEST(AddPatchSums, GivesTheMeanOfAConvolution) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 7, 6, 2});
  fb::Conv2DT conv;
  conv.stride_h = 2;
  conv.pad_top = conv.pad_left = 1;
  conv.pad_right = 2;
  conv.dilation_w = 2;
  const std::vector<float> wei = Uniform(3 * 3 * 2 * 2, 1, 9);
  toy.graph.outputs = {
      toy.Op("conv", conv, {x, toy.Floats("wei", {2, 3, 3, 2}, wei)}, toy.Activation("y", {1, 3, 5, 2}))};
  const Node& node = toy.graph.nodes[0];
  const auto geometry = PatchGeometryOf(toy.graph, node);
  ASSERT_TRUE(geometry);
  const std::vector<float> input = RandomInputs(toy.graph, 4)[0], output = EvalOne(toy.graph, input);
  std::vector<double> sums(geometry->taps() * geometry->channels);
  AddPatchSums(*geometry, std::span<const float>(input), sums);
  for (size_t o = 0; o < 2; ++o) {
    double from_sums = 0, from_output = 0;
    for (size_t k = 0; k < sums.size(); ++k) from_sums += wei[o * sums.size() + k] * sums[k];
    for (size_t k = o; k < output.size(); k += 2) from_output += output[k];
    EXPECT_NEAR(from_sums, from_output, 1e-5);
  }
}

TEST(NodeWalk, DropsWhatNoLaterNodeReads) {
  const Graph graph = ResidualNet().graph;
  NodeWalk walk(graph, 2);
  ASSERT_TRUE(walk.Load(NoiseInputs(3)).ok());
  const ValueId x = graph.inputs[0], a = graph.nodes[0].outputs[0];
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    ASSERT_TRUE(walk.RunNode(i).ok());
    EXPECT_EQ(walk.Activation(2, x).empty(), i >= 3);  // the residual reads it
    EXPECT_EQ(walk.Activation(2, a).empty(), i >= 1);
    if (i == 0) {
      EXPECT_EQ(walk.Activation(2, a).size(), 4u * 25 * 16);
    }
  }
}

TEST(WalkSamples, BoundsMemory) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 512, 512, 8});
  toy.graph.outputs = {toy.Unary("u", fb::UnaryKind::Abs, x, toy.Activation("u", {1, 512, 512, 8}))};
  EXPECT_EQ(WalkSamples(toy.graph), kWalkBytes / (2 * 4 * 512 * 512 * 8));
  EXPECT_EQ(WalkSamples(ResidualNet().graph), kWalkSamples);
}

}  // namespace
}  // namespace qrun::converter
