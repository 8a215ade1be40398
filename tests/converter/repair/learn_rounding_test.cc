#include "converter/repair/learn_rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "converter/compare.h"
#include "converter/int8_conversion.h"
#include "converter/repair/rounding/chain_net.h"
#include "converter/repair/rounding/parallel.h"
#include "tests/converter/naive_eval.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

struct Problem {
  explicit Problem(int bits = 4) {
    ranges = CalibrateToy(graph, source).Ranges(**FindObserverKind("minmax"));
    quantize.weight_bits = bits;
  }
  LearnedRounding Learn(const LearnOptions& options) const {
    auto learned = LearnRounding(graph, ranges, quantize, source, options, {});
    EXPECT_TRUE(learned.ok()) << learned.error().message();
    return std::move(*learned);
  }
  Graph Quantized(const LearnedRounding* learned = nullptr) const {
    QuantizeOptions options = quantize;
    if (learned != nullptr) options.rounded = learned->rounded;
    Graph int8 = graph;
    EXPECT_TRUE(QuantizeGraph(int8, learned ? learned->ranges : ranges, options, nullptr).ok());
    return int8;
  }
  // On samples that nothing was learnt from.
  double Sqnr(const Graph& int8) const {
    const auto float_file = EmitModel(graph, {}), int8_file = EmitModel(int8, {});
    const auto reference = Model::FromBytes(float_file->bytes), model = Model::FromBytes(int8_file->bytes);
    std::vector<size_t> others(100);
    for (size_t i = 0; i < others.size(); ++i) others[i] = 1000 + i;
    const NoiseInputs more(1100);
    return CompareModels(*reference, *model, SubsetSource(more, others), 100)->outputs[0].sqnr_db;
  }

  Graph graph = ResidualNet().graph;
  NoiseInputs source{64};
  std::vector<Range> ranges;
  QuantizeOptions quantize;
};

TEST(LearnRounding, RaisesTheAccuracyOfThreeBitsOnOtherSamples) {
  const Problem problem(3);
  const double plain = problem.Sqnr(problem.Quantized());
  for (ChainKind kind : {ChainKind::kLayers, ChainKind::kBlocks}) {
    const LearnedRounding learned = problem.Learn({kind, 400, 2});
    const double after = problem.Sqnr(problem.Quantized(&learned));
    std::cout << "plain " << plain << " dB, learnt " << after << " dB\n";
    EXPECT_GT(after, plain + 1.5);
    EXPECT_EQ(learned.report.chains, kind == ChainKind::kLayers ? 4 : 2);
    EXPECT_GT(learned.report.turned, 0);
    EXPECT_EQ(learned.report.samples, 64u);
  }
}

TEST(LearnRounding, KeepsWeightsWithinTheirBits) {
  const Problem problem;
  const LearnedRounding learned = problem.Learn({ChainKind::kBlocks, 100, 1});
  const std::vector<int> levels = WeightLevels(problem.graph, 4);
  EXPECT_EQ(levels, (std::vector<int>{127, 7, 7, 0, 127}));
  const Graph int8 = problem.Quantized(&learned);
  for (size_t i = 0; i < levels.size(); ++i) {
    if (levels[i] == 0) continue;
    int largest = 0;
    for (std::byte b : *int8.values[int8.nodes[i].inputs[1]].data) {
      largest = std::max(largest, std::abs(static_cast<int>(static_cast<int8_t>(b))));
    }
    EXPECT_LE(largest, levels[i]);
    EXPECT_GE(largest, levels[i] - 1);
  }
}

TEST(LearnRounding, IsTheSameForEveryThreadCountAndInstructionSet) {
  const Problem problem;
  std::vector<std::vector<std::byte>> files;
  for (int threads : {1, 2, 4}) {
    const LearnedRounding learned = problem.Learn({ChainKind::kBlocks, 60, threads});
    files.push_back(EmitModel(problem.Quantized(&learned), {})->bytes);
  }
  const char* old = std::getenv("QRUN_ISA");
  const std::string kept = old ? old : "";
  for (const IsaInfo& isa : Isas()) {
    if (!isa.can_run) continue;
    ::setenv("QRUN_ISA", isa.name.c_str(), 1);
    const LearnedRounding learned = problem.Learn({ChainKind::kBlocks, 60, 2});
    files.push_back(EmitModel(problem.Quantized(&learned), {})->bytes);
  }
  old ? ::setenv("QRUN_ISA", kept.c_str(), 1) : ::unsetenv("QRUN_ISA");
  for (const auto& file : files) EXPECT_EQ(file, files[0]);
  EXPECT_NE(files[0], EmitModel(problem.Quantized(), {})->bytes);
}

TEST(LearnRounding, LeavesAsItWasWhatDoesNotGetBetter) {
  // Two samples of which one is held out: what is learnt from the other is of no use to it.
  const Problem problem(8);
  const NoiseInputs two(2);
  const auto learned =
      LearnRounding(problem.graph, problem.ranges, problem.quantize, two, {ChainKind::kLayers, 40, 1}, {});
  ASSERT_TRUE(learned.ok());
  const LearnReport& report = learned->report;
  EXPECT_EQ(report.chains, 4);
  EXPECT_LT(report.better, 4);
  EXPECT_GE(report.gain_db, 0);
  // One sample cannot be held out: nothing is learnt.
  const auto nothing = LearnRounding(problem.graph, problem.ranges, problem.quantize, NoiseInputs(1),
                                     {ChainKind::kLayers, 40, 1}, {});
  ASSERT_TRUE(nothing.ok());
  EXPECT_EQ(nothing->report.chains, 0);
  EXPECT_EQ(nothing->rounded.size(), 4u);
  int same = 0;
  for (const auto& [id, plain] : nothing->rounded) {
    const RoundedLinear& now = learned->rounded.at(id);
    same += plain.wei == now.wei && plain.bia == now.bia;
  }
  EXPECT_EQ(same, 4 - report.better);
  EXPECT_EQ(EmitModel(problem.Quantized(&*nothing), {})->bytes, EmitModel(problem.Quantized(), {})->bytes);
}

TEST(LearnRounding, IsAStepOfTheConversion) {
  const Problem problem;
  Int8Options options;
  options.weight_bits = 4;
  options.learn_rounding = ChainKind::kBlocks;
  options.learn_steps = 40;
  size_t last = 0, total = 0;
  const auto converted = ConvertToInt8(
      problem.graph, problem.source, options, [](const char*) {},
      [&](size_t done, size_t all) {
        last = done;
        total = all;
      });
  ASSERT_TRUE(converted.ok());
  std::vector<std::string> names;
  for (const RepairStep& step : converted->steps) names.push_back(step.name);
  EXPECT_EQ(names, (std::vector<std::string>{"min-max", "equalise", "observer", "learned rounding"}));
  EXPECT_EQ(last, total);
  EXPECT_EQ(total, 2u * 40);
}

TEST(FindChains, JoinsInvertedResidualsWithTheirAddition) {
  const Graph graph = ResidualNet().graph;
  const std::vector<bool> all(graph.nodes.size(), true);
  const std::vector<Chain> blocks = FindChains(graph, all, ChainKind::kBlocks);
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].layers.size(), 3u);
  EXPECT_EQ(blocks[0].residual, graph.inputs[0]);
  EXPECT_EQ(graph.values[blocks[0].target].name, "sum");
  EXPECT_EQ(blocks[1].layers.size(), 1u);
  EXPECT_EQ(FindChains(graph, all, ChainKind::kLayers).size(), 4u);
  std::vector<bool> without = all;
  without[1] = false;  // the depthwise convolution stays float
  EXPECT_EQ(FindChains(graph, without, ChainKind::kBlocks).size(), 3u);
}

// Central differences of a chain's error by its biases, against one step of plain gradient descent, which
// Adam's first step is the sign of.
TEST(ChainNet, WalksDownhill) {
  const Graph graph = ResidualNet().graph;
  const Chain chain = FindChains(graph, std::vector<bool>(graph.nodes.size(), true), ChainKind::kBlocks)[0];
  TileData data;
  data.plan.h = data.plan.w = 3;
  data.plan.tiles = {{0, {0, 0, 3, 3}}, {0, {2, 2, 3, 3}}, {0, {1, 2, 3, 3}}};
  data.plan.learn = 3;
  data.src = {0.02f, 3};
  std::mt19937 random(5);
  for (int i = 0; i < 3 * 5 * 5 * 4; ++i) data.inputs.push_back(static_cast<int8_t>(random() % 200 - 100));
  data.targets = Uniform(3 * 9 * 4, 1, 6);
  const auto forms = [&](size_t layer, size_t bias, float by) {
    std::vector<LayerForm> result;
    for (size_t l = 0; l < 3; ++l) {
      const LinearView& linear = chain.layers[l].linear;
      LayerForm form;
      form.wei = Floats(graph.values[linear.wei]);
      form.scale.assign(linear.oc, 0.01f);
      for (float w : form.wei) form.integers.push_back(static_cast<int8_t>(std::lrint(w / 0.01f)));
      const auto bia = Floats(graph.values[linear.bia]);
      form.bia.assign(bia.begin(), bia.end());
      if (l == layer) form.bia[bias] += by;
      form.dst = {0.0002f, 0};  // fine steps: rounding hides no slope, clipping is rare
      form.dst.scale = 0.03f;
      result.push_back(std::move(form));
    }
    return result;
  };
  const auto run = [](int tasks, const std::function<void(int)>& work) { Parallel(1).Run(tasks, work); };
  const std::vector<size_t> tiles = {0, 1, 2};
  int right = 0, checked = 0;
  for (size_t layer = 0; layer < 3; ++layer) {
    for (size_t bias = 0; bias < 4; ++bias) {
      const auto error = [&](float by) {
        ChainNet net(chain, forms(layer, bias, by), data, run);
        return net.Error(0, 3, net.PlainForms());
      };
      const double slope = error(0.2f) - error(-0.2f);
      if (std::abs(slope) < 0.1) continue;
      ChainNet net(chain, forms(layer, bias, 0), data, run);
      net.Step(tiles, {0, 1, 0, 1, {}});
      const float moved = net.LearnedForms()[layer].bia[bias] - net.PlainForms()[layer].bia[bias];
      ++checked;
      right += moved * slope < 0;
    }
  }
  EXPECT_GE(checked, 6);
  EXPECT_EQ(right, checked);
}

TEST(AddProduct, SumsInOrderWhateverTheSplit) {
  constexpr size_t kM = 13, kN = 21, kK = 37;
  const std::vector<float> a = Uniform(kM * kK, 1, 1), b = Uniform(kK * kN, 1, 2),
                           start = Uniform(kM * kN, 1, 3);
  std::vector<float> want = start, whole = start, split = start, transposed = start;
  for (size_t m = 0; m < kM; ++m) {
    for (size_t n = 0; n < kN; ++n) {
      float sum = 0;
      for (size_t k = 0; k < kK; ++k) sum += a[m * kK + k] * b[k * kN + n];
      want[m * kN + n] += sum;
    }
  }
  AddProduct({a.data(), kK, 1}, b.data(), kN, whole.data(), kN, kM, kN, kK);
  EXPECT_EQ(whole, want);
  for (size_t m = 0; m < kM; m += 5) {
    for (size_t n = 0; n < kN; n += 7) {
      AddProduct({a.data() + m * kK, kK, 1}, b.data() + n, kN, split.data() + m * kN + n, kN,
                 std::min<size_t>(5, kM - m), 7, kK);
    }
  }
  EXPECT_EQ(split, want);
  std::vector<float> a_columns(kM * kK);
  for (size_t i = 0; i < a.size(); ++i) a_columns[i % kK * kM + i / kK] = a[i];
  AddProduct({a_columns.data(), 1, kM}, b.data(), kN, transposed.data(), kN, kM, kN, kK);
  EXPECT_EQ(transposed, want);
}

TEST(SoftWeights, StartAtFloatAndEndAtIntegers) {
  const std::vector<float> wei = {0.3f, -1.26f, 6.9f, -7.0f, 0.0f, 2.5f, 9.0f};
  SoftWeights soft(wei, std::vector<float>(wei.size(), 1.0f), 7);
  for (size_t i = 0; i + 1 < wei.size(); ++i) EXPECT_NEAR(soft.values()[i], wei[i], 2e-3);
  EXPECT_NEAR(soft.values()[6], 7, 2e-3);  // clipped
  AdamStep adam;
  const std::vector<float> gradient = {-1, -1, -1, -1, -1, 1, 1};
  for (int step = 0; step < 300; ++step) {
    adam.Next();
    soft.Update(adam, 0, wei.size(), gradient, 0.05f, {0.01f, 2});
  }
  EXPECT_EQ(soft.Harden(), (std::vector<int8_t>{1, -1, 7, -6, 1, 2, 6}));
  for (size_t i = 0; i < wei.size(); ++i) EXPECT_EQ(soft.values()[i], soft.Harden()[i]);
}

TEST(SoftWeights, TheRegulariserDecidesWhereTheLossDoesNot) {
  const std::vector<float> wei = {0.3f, -1.26f, 3.6f};
  SoftWeights soft(wei, std::vector<float>(3, 1.0f), 7);
  AdamStep adam;
  for (int step = 0; step < 400; ++step) {
    adam.Next();
    soft.Update(adam, 0, 3, std::vector<float>(3, 0.0f), 0.02f, {0.1f, 20 - step / 22});
  }
  EXPECT_EQ(soft.Harden(), (std::vector<int8_t>{0, -1, 4}));
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(soft.values()[i], soft.Harden()[i], 0.02);
}

TEST(Reproducible, ExpAndLogAreTheRealOnes) {
  for (float x = -30; x < 30; x += 0.0137f) {
    const double want = std::exp(static_cast<double>(x));
    EXPECT_NEAR(ReproducibleExp(x) / want, 1, 1e-6) << x;
    EXPECT_NEAR(ReproducibleLog(want), x, 1e-13 * std::max(1.0, std::abs(static_cast<double>(x)))) << x;
  }
}

}  // namespace
}  // namespace qrun::converter
