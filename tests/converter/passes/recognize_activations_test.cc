#include <numbers>

#include "tests/converter/passes/pass_check.h"

namespace qrun::converter {
namespace {

// A model with the numbers that activations are spelt with.
OnnxModel Spelling() {
  OnnxModel model(13);
  model.Input("x", {1, 40}).Output("y");
  model.Floats("0", {}, {0})
      .Floats("1", {}, {1})
      .Floats("3", {}, {3})
      .Floats("6", {1}, {6})
      .Floats("half", {}, {0.5f});
  model.Floats("sixth", {}, {1 / 6.0f}).Floats("2.5", {}, {2.5f}).Floats("0.1", {}, {0.1f});
  model.Floats("sqrt2", {}, {std::numbers::sqrt2_v<float>})
      .Floats("rsqrt2", {}, {1 / std::numbers::sqrt2_v<float>});
  return model;
}

// Inputs beyond all kinks, unlike pass_check's in [-1, 1].
std::vector<float> Wide() {
  std::vector<float> x;
  for (int i = 0; i < 40; ++i) x.push_back((i - 20) * 0.37f);
  return x;
}

// Runs the pass and clears what died; expects one Unary of this kind (or none if recognised is false).
void Check(const OnnxModel& model, fb::UnaryKind kind, bool recognised = true) {
  const Graph before = model.MustImport();
  Graph graph = before;
  Apply("recognize_activations", graph);
  Apply("recognize_activations", graph);  // hard-swish may need its hard-sigmoid first
  Apply("remove_dead", graph);
  EXPECT_LT(MaxDifference(EvalOne(before, Wide()), EvalOne(graph, Wide())), 1e-5);
  bool found = false;
  for (const Node& node : graph.nodes) {
    const auto* op = std::get_if<fb::UnaryT>(&node.options);
    found = found || (op && op->kind == kind);
  }
  EXPECT_EQ(found, recognised);
  EXPECT_TRUE(!recognised || graph.nodes.size() == 1u);
}

TEST(RecognizeActivationsTest, HardSwishDividedLast) {
  OnnxModel model = Spelling();
  model.Node("Add", {"x", "3"}, {"a"});
  model.Node("Clip", {"a", "0", "6"}, {"c"});
  model.Node("Mul", {"x", "c"}, {"m"});
  model.Node("Div", {"m", "6"}, {"y"});
  Check(model, fb::UnaryKind::HardSwish);
}

TEST(RecognizeActivationsTest, HardSwishDividedFirst) {
  OnnxModel model = Spelling();
  model.Node("Add", {"3", "x"}, {"a"});
  model.Node("Clip", {"a", "0", "6"}, {"c"});
  model.Node("Mul", {"c", "sixth"}, {"s"});
  model.Node("Mul", {"s", "x"}, {"y"});
  Check(model, fb::UnaryKind::HardSwish);
}

TEST(RecognizeActivationsTest, HardSwishOfAHardSigmoid) {
  OnnxModel model = Spelling();
  model.Node("HardSigmoid", {"x"}, {"h"}).Float("alpha", 1 / 6.0f).Float("beta", 0.5f);
  model.Node("Mul", {"x", "h"}, {"y"});
  Check(model, fb::UnaryKind::HardSwish);
}

TEST(RecognizeActivationsTest, NotHardSwishWithOtherNumbers) {
  for (const auto& [shift, bound] : {std::pair("2.5", "6"), {"3", "2.5"}}) {
    OnnxModel model = Spelling();
    model.Node("Add", {"x", shift}, {"a"});
    model.Node("Clip", {"a", "0", bound}, {"c"});
    model.Node("Mul", {"x", "c"}, {"m"});
    model.Node("Div", {"m", "6"}, {"y"});
    Check(model, fb::UnaryKind::HardSwish, false);
  }
  OnnxModel sigmoid = Spelling();  // alpha 0.2
  sigmoid.Node("HardSigmoid", {"x"}, {"h"});
  sigmoid.Node("Mul", {"x", "h"}, {"y"});
  Check(sigmoid, fb::UnaryKind::HardSwish, false);
}

TEST(RecognizeActivationsTest, HardSigmoid) {
  OnnxModel model = Spelling();
  model.Node("Add", {"x", "3"}, {"a"});
  model.Node("Clip", {"a", "0", "6"}, {"c"});
  model.Node("Div", {"c", "6"}, {"y"});
  Check(model, fb::UnaryKind::HardSigmoid);
  OnnxModel first = Spelling();
  first.Node("Mul", {"x", "0.1"}, {"m"});
  first.Node("Add", {"m", "half"}, {"a"});
  first.Node("Clip", {"a", "0", "1"}, {"y"});
  Check(first, fb::UnaryKind::HardSigmoid);
}

TEST(RecognizeActivationsTest, AClampWithoutAShiftStaysAClamp) {
  OnnxModel model = Spelling();
  model.Node("Clip", {"x", "0", "1"}, {"y"});
  Check(model, fb::UnaryKind::HardSigmoid, false);
}

TEST(RecognizeActivationsTest, SiluOfTheSameValueOnly) {
  OnnxModel model = Spelling();
  model.Node("Sigmoid", {"x"}, {"s"});
  model.Node("Mul", {"s", "x"}, {"y"});
  Check(model, fb::UnaryKind::Silu);
  OnnxModel other = Spelling();
  other.Node("Neg", {"x"}, {"n"});
  other.Node("Sigmoid", {"n"}, {"s"});
  other.Node("Mul", {"x", "s"}, {"y"});
  Check(other, fb::UnaryKind::Silu, false);
}

TEST(RecognizeActivationsTest, GeluInBothOrders) {
  OnnxModel last = Spelling();
  last.Node("Div", {"x", "sqrt2"}, {"d"});
  last.Node("Erf", {"d"}, {"e"});
  last.Node("Add", {"e", "1"}, {"a"});
  last.Node("Mul", {"x", "a"}, {"m"});
  last.Node("Mul", {"m", "half"}, {"y"});
  Check(last, fb::UnaryKind::Gelu);
  OnnxModel first = Spelling();
  first.Node("Mul", {"x", "half"}, {"h"});
  first.Node("Mul", {"x", "rsqrt2"}, {"d"});
  first.Node("Erf", {"d"}, {"e"});
  first.Node("Add", {"1", "e"}, {"a"});
  first.Node("Mul", {"h", "a"}, {"y"});
  Check(first, fb::UnaryKind::Gelu);
}

TEST(RecognizeActivationsTest, ErfElsewhereIsAnError) {
  OnnxModel model = Spelling();
  model.Node("Erf", {"x"}, {"y"});
  Graph graph = model.MustImport();
  const Status status = RunPasses(graph, {}, nullptr);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("Erf 'Erf_y'"), std::string::npos) << status.message();
}

TEST(RecognizeActivationsTest, MinAndMaxWithANumberAreClamps) {
  OnnxModel model = Spelling();
  model.Node("Max", {"x", "0"}, {"y"});
  Check(model, fb::UnaryKind::Clamp);
  OnnxModel less = Spelling();
  less.Node("Min", {"6", "x"}, {"y"});
  Check(less, fb::UnaryKind::Clamp);
}

TEST(RecognizeActivationsTest, LeakyReluAsAMaximum) {
  OnnxModel model = Spelling();
  model.Node("Mul", {"x", "0.1"}, {"m"});
  model.Node("Max", {"m", "x"}, {"y"});
  Check(model, fb::UnaryKind::LeakyRelu);
  OnnxModel steep = Spelling();  // a slope above 1 is the larger one on the other side
  steep.Node("Mul", {"x", "2.5"}, {"m"});
  steep.Node("Max", {"m", "x"}, {"y"});
  Check(steep, fb::UnaryKind::LeakyRelu, false);
}

TEST(RecognizeActivationsTest, OtherReadersOfThePartsKeepThem) {
  OnnxModel model = Spelling();
  model.Node("Sigmoid", {"x"}, {"s"});
  model.Node("Mul", {"s", "x"}, {"y"});
  model.Output("s");
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("recognize_activations", graph), 1);
  EXPECT_EQ(Apply("remove_dead", graph), 0);
  EXPECT_EQ(graph.nodes.size(), 2u);
}

}  // namespace
}  // namespace qrun::converter
