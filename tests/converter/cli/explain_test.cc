// An int8 model whose one layer is damaged, against the float model of the same source: bisection names the
// layer.
#include "runtime/cli/explain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "converter/int8_conversion.h"
#include "converter/passes/fuse_inverted_residual.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

using cli::Explainer;
using cli::Explanation;

constexpr int kBlocks = 4, kNarrow = 8, kWide = 24, kSide = 6, kClasses = 6;

// Inverted residual blocks whose channels differ by up to `spread`, then pooling and a classifier.
ToyGraph Network(float spread) {
  ToyGraph toy;
  const Shape narrow = {1, kSide, kSide, kNarrow}, wide = {1, kSide, kSide, kWide};
  ValueId x = toy.Input("x", narrow);
  for (int b = 0; b < kBlocks; ++b) {
    const std::string name = "block" + std::to_string(b);
    const auto seed = static_cast<unsigned>(10 * b);
    std::vector<float> expand = Uniform(kWide * kNarrow, 0.6f, seed + 1),
                       dw = Uniform(9 * kWide, 0.5f, seed + 2);
    for (int c = 0; c < kWide; ++c) {
      const float gain = std::pow(spread, static_cast<float>(c) / kWide);
      for (int i = 0; i < kNarrow; ++i) expand[static_cast<size_t>(c * kNarrow + i)] *= gain;
      for (int tap = 0; tap < 9; ++tap) dw[static_cast<size_t>(tap * kWide + c)] /= gain;
    }
    const ValueId a = toy.Conv1x1(name + ".expand", x, kNarrow, expand, Uniform(kWide, 0.1f, seed + 3),
                                  toy.Activation(name + ".a", wide));
    fb::DepthwiseConv2DT depthwise;
    depthwise.pad_top = depthwise.pad_left = depthwise.pad_bottom = depthwise.pad_right = 1;
    depthwise.clamp = std::make_unique<fb::Clamp>(0.0f, std::numeric_limits<float>::infinity());
    const ValueId d = toy.Op(name + ".depthwise", depthwise,
                             {a, toy.Floats(name + ".dw", {3, 3, kWide}, dw),
                              toy.Floats(name + ".db", {kWide}, Uniform(kWide, 0.2f, seed + 4))},
                             toy.Activation(name + ".d", wide));
    const ValueId p = toy.Conv1x1(name + ".project", d, kWide, Uniform(kWide * kNarrow, 0.35f, seed + 5),
                                  Uniform(kNarrow, 0.2f, seed + 6), toy.Activation(name + ".p", narrow));
    x = toy.Binary(name + ".add", fb::BinaryKind::Add, p, x, toy.Activation(name + ".y", narrow));
  }
  fb::Pool2DT pool;
  pool.kind = fb::PoolKind::Average;
  pool.kernel_h = pool.kernel_w = kSide;
  const ValueId pooled = toy.Op("pool", pool, {x}, toy.Activation("pooled", {1, 1, 1, kNarrow}));
  toy.graph.outputs = {toy.Conv1x1("classifier", pooled, kNarrow, Uniform(kClasses * kNarrow, 0.8f, 90),
                                   Uniform(kClasses, 0.1f, 91),
                                   toy.Activation("scores", {1, 1, 1, kClasses}))};
  return toy;
}

// Moves the int8 weights of the node's output channels on by one: another filter answers.
void Damage(Graph& graph, const std::string& name) {
  const auto node =
      std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& n) { return n.name == name; });
  ASSERT_NE(node, graph.nodes.end()) << name;
  Value& wei = graph.values[node->inputs[1]];
  std::vector<std::byte> bytes = *wei.data;
  const size_t step = std::holds_alternative<fb::DepthwiseConv2DT>(node->options)
                          ? 1
                          : bytes.size() / static_cast<size_t>(wei.shape[0]);
  std::rotate(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(step), bytes.end());
  wei.data = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
}

Model Emitted(const Graph& graph) { return *Model::FromBytes(EmitModel(graph, {})->bytes); }

class Explain : public testing::Test {
 protected:
  Explain() : toy_(Network(30)), float_graph_(toy_.graph) {
    auto converted = ConvertToInt8(toy_.graph, noise_, {}, [](const char*) {}, {});
    int8_graph_ = std::move(converted->graph);
    FuseInvertedResidual(float_graph_);
  }

  static Explanation On(Explainer& explainer, size_t sample) {
    std::vector<float> input(kSide * kSide * kNarrow);
    const std::span<float> spans[] = {input};
    EXPECT_TRUE(NoiseInputs(sample + 1).Load(sample, spans).ok());
    EXPECT_TRUE(explainer.int8_session().SetInput(0, input).ok());
    EXPECT_TRUE(explainer.float_session().SetInput(0, input).ok());
    auto explanation = explainer.Explain();
    EXPECT_TRUE(explanation.ok());
    return std::move(*explanation);
  }

  const NoiseInputs noise_{24};
  const ToyGraph toy_;
  Graph float_graph_, int8_graph_;
};

TEST_F(Explain, BisectionNamesTheDamagedLayer) {
  // The layer to damage, and the operator of the file that it is part of.
  const std::pair<const char*, int> cases[] = {{"block0.expand", 1},
                                               {"block1.depthwise", 2},
                                               {"block2.project", 3},
                                               {"block3.depthwise", 4},
                                               {"classifier", 6}};
  for (const auto& [damaged, layer] : cases) {
    Graph graph = int8_graph_;
    Damage(graph, damaged);
    ASSERT_EQ(FuseInvertedResidual(graph), kBlocks);
    auto explainer = Explainer::Create(Emitted(graph), Emitted(float_graph_));
    ASSERT_TRUE(explainer.ok()) << explainer.error().message();
    int changed = 0, named = 0;
    for (size_t sample = 0; sample < 120; ++sample) {
      const Explanation explanation = On(*explainer, sample);
      if (explanation.agrees()) continue;
      ++changed;
      named += explanation.culprit == layer;
      EXPECT_LE(explanation.hybrids_bisected, 5) << "7 layers take 3 hybrids between the two models";
      EXPECT_LE(explanation.layers.back().lead, 0);  // int8 scores may tie
      EXPECT_GT(explanation.float_lead, 0);
    }
    std::cout << damaged << ": named for " << named << " of " << changed << " changed answers\n";
    EXPECT_GE(changed, 5) << damaged;
    // A later rounding may tip an answer that the damage has left on the edge.
    EXPECT_GE(named * 10, changed * 8) << damaged;
  }
}

TEST_F(Explain, ScaledChannelsAreScaledBack) {
  // Not fused: what equalisation scales lies inside of the blocks.
  const auto largest_change = [&](const Graph& int8) {
    auto explainer = Explainer::Create(Emitted(int8), Emitted(toy_.graph));
    double largest = 0;
    for (size_t sample = 0; sample < 8; ++sample) {
      for (const auto& layer : On(*explainer, sample).layers) {
        largest = std::max(largest, std::abs(layer.change));
      }
    }
    return largest;
  };
  const double change = largest_change(int8_graph_);
  int scaled = 0;
  Graph graph = int8_graph_;
  for (Value& value : graph.values) {
    scaled += !value.channel_scale.empty();
    value.channel_scale.clear();
  }
  EXPECT_GT(scaled, 0);
  // Nothing but rounding is left; without the scales hybrids answer anything.
  EXPECT_GT(largest_change(graph), 10 * change);
}

TEST_F(Explain, AgreementShowsTheLayerThatCostMost) {
  Graph graph = int8_graph_;
  FuseInvertedResidual(graph);
  auto explainer = Explainer::Create(Emitted(graph), Emitted(float_graph_));
  ASSERT_TRUE(explainer.ok());
  int agreed = 0;
  for (size_t sample = 0; sample < 12; ++sample) {
    const Explanation explanation = On(*explainer, sample);
    ASSERT_EQ(explanation.layers.size(), 7u);  // input, 4 blocks, pool, classifier
    EXPECT_EQ(explanation.layers[1].type, "InvertedResidual");
    double sum = explanation.float_lead;
    for (const auto& layer : explanation.layers) sum += layer.change;
    EXPECT_NEAR(sum, explanation.layers.back().lead, 1e-9);
    if (!explanation.agrees()) continue;
    ++agreed;
    const auto json = ExplanationJson(explanation, {"a", "b", "c", "d", "e", "f"});
    EXPECT_TRUE(json["agrees"]);
    EXPECT_EQ(json["float_label"], json["int8_label"]);
    const std::string text = cli::ExplanationText(json);
    EXPECT_NE(text.find("agree on"), std::string::npos);
    for (const auto& layer : explanation.layers) {
      EXPECT_GE(layer.change, explanation.layers[static_cast<size_t>(explanation.culprit)].change);
    }
  }
  EXPECT_GE(agreed, 9);
}

TEST_F(Explain, UnfusedFilesCorrespondToo) {
  auto explainer = Explainer::Create(Emitted(int8_graph_), Emitted(float_graph_));
  ASSERT_TRUE(explainer.ok());
  EXPECT_EQ(On(*explainer, 0).layers.size(), 7u);  // what is inside of float's blocks is joined
  auto both = Explainer::Create(Emitted(int8_graph_), Emitted(toy_.graph));
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(On(*both, 0).layers.size(), 1u + 4 * kBlocks + 2);
}

TEST_F(Explain, ModelsThatDoNotBelongTogetherAreRefused) {
  const auto same = Explainer::Create(Emitted(int8_graph_), Emitted(int8_graph_));
  ASSERT_FALSE(same.ok());
  EXPECT_NE(same.error().message().find("--dtype fp32"), std::string::npos);
  ToyGraph other;
  const ValueId x = other.Input("elsewhere", {1, 1, 1, 2});
  other.graph.outputs = {other.Conv1x1("c", x, 2, {1, 2, 3, 4}, {}, other.Activation("out", {1, 1, 1, 2}))};
  const auto classes = Explainer::Create(Emitted(int8_graph_), Emitted(other.graph));
  ASSERT_FALSE(classes.ok());
  EXPECT_NE(classes.error().message().find("6 classes"), std::string::npos);
}

}  // namespace
}  // namespace qrun::converter
