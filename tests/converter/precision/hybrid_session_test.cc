#include "converter/precision/hybrid_session.h"

#include <gtest/gtest.h>

#include "converter/calibrate.h"
#include "converter/emit.h"
#include "converter/int8_plan.h"
#include "converter/precision/layer_units.h"
#include "converter/quantize.h"
#include "tests/converter/precision/precision_problem.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

std::vector<std::vector<float>> Sample(const Graph& graph, size_t i) {
  std::vector<std::vector<float>> inputs;
  std::vector<std::span<float>> spans;
  for (ValueId id : graph.inputs) {
    inputs.emplace_back(static_cast<size_t>(ElementCount(graph.values[id].shape)));
  }
  for (auto& input : inputs) spans.emplace_back(input);
  EXPECT_TRUE(NoiseInputs(i + 1).Load(i, spans).ok());
  return inputs;
}

std::vector<float> RunEmitted(const Graph& graph, const std::vector<std::vector<float>>& inputs) {
  const auto file = EmitModel(graph, {});
  SessionOptions options;
  options.reproducible_float = true;
  auto session = Session::Create(*Model::FromBytes(file->bytes), options);
  for (size_t k = 0; k < inputs.size(); ++k)
    EXPECT_TRUE(session->SetInput(static_cast<int>(k), inputs[k]).ok());
  session->Run();
  std::vector<float> outputs(static_cast<size_t>(session->outputs()[0].ElementCount()));
  EXPECT_TRUE(session->GetOutput(0, outputs).ok());
  return outputs;
}

class HybridSessionTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const bool residual = std::string(GetParam()) == "residual";
    graph_ = residual ? ResidualNet({1, 0.1f}, 6).graph : OutlierNet(3).graph;
    ranges_ = CalibrateToy(graph_, NoiseInputs(8)).Ranges(**FindObserverKind("minmax"));
    int8_ = Quantized({});
  }
  Graph Quantized(const std::vector<std::string>& keep_float) {
    Graph graph = graph_;
    QuantizeOptions options;
    options.keep_float = keep_float;
    EXPECT_TRUE(QuantizeGraph(graph, ranges_, options, nullptr).ok());
    return graph;
  }
  NodeForms Planned(const std::vector<std::string>& keep_float) {
    const auto plan = PlanInt8(graph_, ranges_, {keep_float});
    NodeForms forms;
    for (const std::string& reason : plan->float_reason) forms.push_back(reason.empty());
    return forms;
  }

  Graph graph_, int8_;
  std::vector<Range> ranges_;
};

TEST_P(HybridSessionTest, EqualsTheFileWithAnyLayerInFloat) {
  const auto model = HybridModel::Create(graph_, int8_);
  ASSERT_TRUE(model.ok()) << model.error().message();
  auto session = HybridSession::Create(*model);
  ASSERT_TRUE(session.ok());
  auto fresh = HybridSession::Create(*model);
  const auto units = FindLayerUnits(graph_, model->AllInt8());
  ASSERT_GE(units.size(), 4u);
  for (size_t sample = 0; sample < 3; ++sample) {
    const auto inputs = Sample(graph_, sample);
    ASSERT_TRUE(session->Run(inputs, model->AllInt8()).ok());
    EXPECT_EQ(session->Outputs()[0], RunEmitted(int8_, inputs));
    for (const LayerUnit& unit : units) {
      const auto keep_float = KeepFloatExpressions(graph_, unit);
      const NodeForms forms = Planned(keep_float);
      const std::vector<float> expected = RunEmitted(Quantized(keep_float), inputs);
      ASSERT_TRUE(session->RunVariant(forms).ok());
      EXPECT_EQ(session->Outputs()[0], expected) << unit.name;
      ASSERT_TRUE(fresh->Run(inputs, forms).ok());
      EXPECT_EQ(fresh->Outputs()[0], expected) << unit.name;
    }
  }
}

TEST_P(HybridSessionTest, OneLayerAloneDiffersFromFloatAndFromAll) {
  const auto model = HybridModel::Create(graph_, int8_);
  auto session = HybridSession::Create(*model);
  const auto inputs = Sample(graph_, 0);
  const NodeForms none(model->nodes(), false);
  ASSERT_TRUE(session->Run(inputs, none).ok());
  const std::vector<float> real = session->Outputs()[0];
  EXPECT_EQ(real, RunEmitted(graph_, inputs));
  for (const LayerUnit& unit : FindLayerUnits(graph_, model->AllInt8())) {
    ASSERT_TRUE(session->RunVariant(OnlyInt8(unit, model->nodes())).ok());
    EXPECT_NE(session->Outputs()[0], real) << unit.name;
    EXPECT_NE(session->Outputs()[0], RunEmitted(int8_, inputs)) << unit.name;
  }
  ASSERT_TRUE(session->RunVariant(none).ok());
  EXPECT_EQ(session->Outputs()[0], real);
}

TEST_P(HybridSessionTest, RunsOnFromAnotherContentOfAnActivation) {
  const auto model = HybridModel::Create(graph_, graph_);
  auto session = HybridSession::Create(*model);
  const auto inputs = Sample(graph_, 0);
  auto other_inputs = inputs;
  for (float& x : other_inputs[0]) x *= 0.5f;
  ASSERT_TRUE(session->Run(inputs, NodeForms(model->nodes(), false)).ok());
  ASSERT_TRUE(session->RunChanged(graph_.inputs[0], other_inputs[0]).ok());
  EXPECT_EQ(session->Outputs()[0], RunEmitted(graph_, other_inputs));
  // What is kept is what the last Run made.
  ASSERT_TRUE(session->RunChanged(graph_.inputs[0], inputs[0]).ok());
  EXPECT_EQ(session->Outputs()[0], RunEmitted(graph_, inputs));
  // An activation in the middle: as if its writer had written it.
  const ValueId middle = graph_.nodes[1].outputs[0];
  std::vector<float> values(session->BaseFloats(middle).begin(), session->BaseFloats(middle).end());
  ASSERT_TRUE(session->RunChanged(middle, values).ok());
  EXPECT_EQ(session->Outputs()[0], RunEmitted(graph_, inputs));
  for (float& x : values) x += 0.25f;
  ASSERT_TRUE(session->RunChanged(middle, values).ok());
  EXPECT_NE(session->Outputs()[0], RunEmitted(graph_, inputs));
}

TEST_P(HybridSessionTest, CutsFloatActivations) {
  const auto model = HybridModel::Create(graph_, graph_);
  auto session = HybridSession::Create(*model);
  const auto inputs = Sample(graph_, 0);
  const NodeForms none(model->nodes(), false);
  std::vector<Range> ranges(graph_.values.size(), Range{-INFINITY, INFINITY});
  session->Clamp(ranges);
  ASSERT_TRUE(session->Run(inputs, none).ok());
  EXPECT_EQ(session->Outputs()[0], RunEmitted(graph_, inputs));
  ranges[graph_.inputs[0]] = {-0.125f, 0.25f};
  session->Clamp(ranges);
  auto cut = inputs;
  for (float& x : cut[0]) x = std::clamp(x, -0.125f, 0.25f);
  ASSERT_TRUE(session->Run(inputs, none).ok());
  EXPECT_EQ(session->Outputs()[0], RunEmitted(graph_, cut));
  EXPECT_NE(session->Outputs()[0], RunEmitted(graph_, inputs));
  ranges[graph_.outputs[0]] = {-0.01f, 0.01f};
  session->Clamp(ranges);
  ASSERT_TRUE(session->Run(inputs, none).ok());
  const OutputValues small = session->Outputs();
  for (float y : small[0]) EXPECT_LE(std::abs(y), 0.01f);
}

INSTANTIATE_TEST_SUITE_P(Nets, HybridSessionTest, testing::Values("residual", "swish"));

}  // namespace
}  // namespace qrun::converter
