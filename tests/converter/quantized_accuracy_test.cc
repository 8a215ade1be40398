// Every operator that the quantiser touches, through the real runtime: int8 against float on the same inputs.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "converter/calibrate.h"
#include "converter/compare.h"
#include "converter/emit.h"
#include "converter/passes/fuse_inverted_residual.h"
#include "converter/quantize.h"
#include "tests/converter/noise.h"
#include "tests/converter/toy_graph.h"

namespace qrun::converter {
namespace {

std::vector<float> Noise(size_t count, float scale) { return Uniform(count, scale, 99); }

struct Case {
  const char* name;
  // Adds operators that read `x` [1,6,6,8]; returns what the model gives out.
  std::function<ValueId(ToyGraph& toy, ValueId x)> build;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

ValueId Conv(ToyGraph& toy, ValueId src, int ic, int oc, const std::string& name) {
  return toy.Conv1x1(name, src, ic, Noise(static_cast<size_t>(ic * oc), 0.5f),
                     Noise(static_cast<size_t>(oc), 1.0f), toy.Activation(name, {1, 6, 6, oc}));
}

ValueId Depthwise(ToyGraph& toy, ValueId src, int c, const std::string& name) {
  fb::DepthwiseConv2DT options;
  options.pad_top = options.pad_left = options.pad_bottom = options.pad_right = 1;
  options.clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
  const ValueId wei = toy.Floats(name + ".wei", {3, 3, c}, Noise(static_cast<size_t>(9 * c), 0.5f));
  const ValueId bia = toy.Floats(name + ".bia", {c}, Noise(static_cast<size_t>(c), 1.0f));
  return toy.Op(name, options, {src, wei, bia}, toy.Activation(name, {1, 6, 6, c}));
}

ValueId UnaryOf(ToyGraph& toy, ValueId src, fb::UnaryKind kind) {
  return toy.Unary("unary", kind, src, toy.Activation("unary", {1, 6, 6, 8}));
}

ValueId Pool(ToyGraph& toy, ValueId src, fb::PoolKind kind, int size, const std::string& name) {
  fb::Pool2DT options;
  options.kind = kind;
  options.kernel_h = options.kernel_w = options.stride_h = options.stride_w = size;
  return toy.Op(name, options, {src}, toy.Activation(name, {1, 6 / size, 6 / size, 8}));
}

std::vector<Case> Cases() {
  return {
      {"conv", [](ToyGraph& toy, ValueId x) { return Conv(toy, x, 8, 16, "conv"); }},
      {"depthwise", [](ToyGraph& toy, ValueId x) { return Depthwise(toy, x, 8, "depthwise"); }},
      {"fully_connected",
       [](ToyGraph& toy, ValueId x) {
         const ValueId flat = toy.Op("flat", fb::ReshapeT{}, {x}, toy.Activation("flat", {1, 288}));
         const ValueId wei = toy.Floats("wei", {10, 288}, Noise(2880, 0.1f));
         return toy.Op("fc", fb::FullyConnectedT{}, {flat, wei}, toy.Activation("fc", {1, 10}));
       }},
      {"add",
       [](ToyGraph& toy, ValueId x) {
         return toy.Binary("add", fb::BinaryKind::Add, x, Conv(toy, x, 8, 8, "c"),
                           toy.Activation("add", {1, 6, 6, 8}));
       }},
      {"sub",
       [](ToyGraph& toy, ValueId x) {
         return toy.Binary("sub", fb::BinaryKind::Sub, x, Conv(toy, x, 8, 8, "c"),
                           toy.Activation("sub", {1, 6, 6, 8}));
       }},
      {"squeeze_and_excite",
       [](ToyGraph& toy, ValueId x) {
         const ValueId mean = Pool(toy, x, fb::PoolKind::Average, 6, "mean");
         const ValueId gate =
             toy.Conv1x1("gate", mean, 8, Noise(64, 2.0f), {}, toy.Activation("gate", {1, 1, 1, 8}));
         const ValueId s = toy.Unary("s", fb::UnaryKind::Sigmoid, gate, toy.Activation("s", {1, 1, 1, 8}));
         return toy.Binary("mul", fb::BinaryKind::Mul, x, s, toy.Activation("mul", {1, 6, 6, 8}));
       }},
      {"mul_by_constant",
       [](ToyGraph& toy, ValueId x) {
         const ValueId c = toy.Floats("c", {1, 1, 1, 8}, {0.5f, 1, 1.5f, 2, -0.5f, -1, -1.5f, -2});
         return toy.Binary("mul", fb::BinaryKind::Mul, x, c, toy.Activation("mul", {1, 6, 6, 8}));
       }},
      {"constant_minus",
       [](ToyGraph& toy, ValueId x) {
         const ValueId c = toy.Floats("c", {1, 6, 6, 8}, Noise(288, 3));
         return toy.Binary("sub", fb::BinaryKind::Sub, c, x, toy.Activation("sub", {1, 6, 6, 8}));
       }},
      {"max_pool", [](ToyGraph& toy, ValueId x) { return Pool(toy, x, fb::PoolKind::Max, 2, "pool"); }},
      {"average_pool",
       [](ToyGraph& toy, ValueId x) { return Pool(toy, x, fb::PoolKind::Average, 3, "pool"); }},
      {"concat",
       [](ToyGraph& toy, ValueId x) {
         const ValueId a = Conv(toy, x, 8, 8, "a");
         const ValueId b = Depthwise(toy, a, 8, "b");
         fb::ConcatT concat;
         concat.axis = 3;
         return toy.Op("concat", concat, {x, a, b}, toy.Activation("concat", {1, 6, 6, 24}));
       }},
      {"moves",
       [](ToyGraph& toy, ValueId x) {
         fb::SliceT slice;
         slice.begin = {0, 1, 0, 2};
         slice.stride = {1, 2, 1, 3};
         const ValueId s = toy.Op("slice", slice, {x}, toy.Activation("slice", {1, 2, 6, 2}));
         fb::PadT pad;
         pad.before = {0, 1, 0, 0};
         pad.after = {0, 1, 2, 0};
         pad.value = 1.5f;
         const ValueId p = toy.Op("pad", pad, {s}, toy.Activation("pad", {1, 4, 8, 2}));
         fb::TransposeT transpose;
         transpose.perm = {0, 2, 3, 1};
         return toy.Op("transpose", transpose, {p}, toy.Activation("transpose", {1, 8, 2, 4}));
       }},
      {"resize",
       [](ToyGraph& toy, ValueId x) {
         fb::Resize2DT resize;
         resize.kind = fb::ResizeKind::Linear;
         return toy.Op("resize", resize, {x}, toy.Activation("resize", {1, 12, 9, 8}));
       }},
      {"hard_swish", [](ToyGraph& toy, ValueId x) { return UnaryOf(toy, x, fb::UnaryKind::HardSwish); }},
      {"silu", [](ToyGraph& toy, ValueId x) { return UnaryOf(toy, x, fb::UnaryKind::Silu); }},
      {"tanh", [](ToyGraph& toy, ValueId x) { return UnaryOf(toy, x, fb::UnaryKind::Tanh); }},
      {"gelu", [](ToyGraph& toy, ValueId x) { return UnaryOf(toy, x, fb::UnaryKind::Gelu); }},
      {"inverted_residual",
       [](ToyGraph& toy, ValueId x) {
         const ValueId expanded = Conv(toy, x, 8, 16, "expand");
         const ValueId filtered = Depthwise(toy, expanded, 16, "filter");
         const ValueId projected = Conv(toy, filtered, 16, 8, "project");
         return toy.Binary("add", fb::BinaryKind::Add, projected, x, toy.Activation("add", {1, 6, 6, 8}));
       }},
      {"mixed",
       [](ToyGraph& toy, ValueId x) {
         const ValueId a = Conv(toy, x, 8, 8, "a");
         const ValueId one = toy.Unary("shift", fb::UnaryKind::Exp, a, toy.Activation("shift", {1, 6, 6, 8}));
         const ValueId div =
             toy.Binary("div", fb::BinaryKind::Div, a, one, toy.Activation("div", {1, 6, 6, 8}));
         const ValueId max =
             toy.Binary("max", fb::BinaryKind::Max, div, x, toy.Activation("max", {1, 6, 6, 8}));
         return Conv(toy, max, 8, 8, "b");
       }},
  };
}

struct Measured {
  double sqnr_db;
  QuantizeReport report;
};

// `shrink` scales all ranges before quantising: 1 is right.
Measured Measure(const Case& c, float shrink, bool fuse = false) {
  ToyGraph toy;
  const ValueId x = toy.Input("x", {1, 6, 6, 8});
  toy.graph.outputs = {c.build(toy, x)};
  const NoiseInputs source(24);
  Measured measured{};
  const auto float_file = EmitModel(toy.graph, {});
  if (!float_file.ok()) ADD_FAILURE() << float_file.error().message();
  const auto float_model = Model::FromBytes(float_file->bytes);
  if (!float_model.ok()) ADD_FAILURE() << float_model.error().message();
  auto calibration = Calibrate(toy.graph, *float_model, float_file->tensor_of_value, source, 1, {});
  if (!calibration.ok()) ADD_FAILURE() << calibration.error().message();
  std::vector<Range> ranges = calibration->Ranges(**FindObserverKind("minmax"));
  for (Range& range : ranges) {
    range.min *= shrink;
    range.max *= shrink;
  }
  const Status status = QuantizeGraph(toy.graph, ranges, {}, &measured.report);
  if (!status.ok()) ADD_FAILURE() << status.message();
  if (fuse) {
    EXPECT_EQ(FuseInvertedResidual(toy.graph), 1);
  }
  const auto file = EmitModel(toy.graph, {});
  if (!file.ok()) ADD_FAILURE() << file.error().message();
  const auto model = Model::FromBytes(file->bytes);
  if (!model.ok()) ADD_FAILURE() << model.error().message();
  const auto comparison = CompareModels(*float_model, *model, source, 24);
  if (!comparison.ok()) ADD_FAILURE() << comparison.error().message();
  measured.sqnr_db = comparison->outputs[0].sqnr_db;
  return measured;
}

constexpr double kEnoughDb = 30;

class QuantizedAccuracyTest : public testing::TestWithParam<Case> {};

TEST_P(QuantizedAccuracyTest, StaysCloseToFloat) {
  const Measured measured = Measure(GetParam(), 1.0f);
  EXPECT_GT(measured.sqnr_db, kEnoughDb);
  EXPECT_GT(measured.report.int8_operators, 0);
}

// The bound means something: ranges of half the size miss it.
TEST_P(QuantizedAccuracyTest, NoticesWrongRanges) { EXPECT_LT(Measure(GetParam(), 0.5f).sqnr_db, kEnoughDb); }

INSTANTIATE_TEST_SUITE_P(Operators, QuantizedAccuracyTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(QuantizedAccuracy, FusingABlockChangesNoByte) {
  for (const Case& c : Cases()) {
    if (std::string(c.name) != "inverted_residual") continue;
    EXPECT_EQ(Measure(c, 1.0f, true).sqnr_db, Measure(c, 1.0f, false).sqnr_db);
  }
}

TEST(QuantizedAccuracy, MixedGraphsConvertEachTensorOnce) {
  for (const Case& c : Cases()) {
    if (std::string(c.name) != "mixed") continue;
    const QuantizeReport report = Measure(c, 1.0f).report;
    // To float: "a" and "shift" for Div, "x" for Max. To int8: "max" for the last convolution.
    EXPECT_EQ(report.dequantize_inserted, 3);
    EXPECT_EQ(report.quantize_inserted, 1);
    EXPECT_EQ(report.kept_float.size(), 2u);
  }
}

}  // namespace
}  // namespace qrun::converter
