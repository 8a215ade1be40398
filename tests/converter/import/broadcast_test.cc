// Binary operators in the schema's form: the first input has the result's shape, a constant stands second.
#include <gtest/gtest.h>

#include "tests/converter/naive_eval.h"
#include "tests/converter/onnx_model.h"

namespace qrun::converter {
namespace {

// op(a, b) where x is the input [1,2,1,2] and c a constant.
Graph WithConstant(const char* op, bool constant_first, const Shape& shape,
                   const std::vector<float>& elements) {
  OnnxModel model(13);
  model.Input("x", {1, 2, 1, 2}).Output("y").Floats("c", shape, elements);
  if (constant_first) {
    model.Node(op, {"c", "x"}, {"y"});
  } else {
    model.Node(op, {"x", "c"}, {"y"});
  }
  return model.MustImport();
}

const std::vector<float> kX = {1, 2, 4, 8};

TEST(BroadcastTest, ConstantOfLowerRank) {
  EXPECT_EQ(EvalOne(WithConstant("Add", false, {2, 1, 1}, {10, 20}), kX),
            (std::vector<float>{11, 12, 24, 28}));
  EXPECT_EQ(EvalOne(WithConstant("Add", true, {}, {10}), kX), (std::vector<float>{11, 12, 14, 18}));
  EXPECT_EQ(EvalOne(WithConstant("Add", false, {2}, {10, 20}), kX), (std::vector<float>{11, 22, 14, 28}));
}

TEST(BroadcastTest, SubAndDivByAConstantBecomeAddAndMul) {
  const Graph sub = WithConstant("Sub", false, {1}, {10});
  EXPECT_EQ(FindOptions<fb::BinaryT>(sub).kind, fb::BinaryKind::Add);
  EXPECT_EQ(EvalOne(sub, kX), (std::vector<float>{-9, -8, -6, -2}));
  const Graph div = WithConstant("Div", false, {1}, {4});
  EXPECT_EQ(FindOptions<fb::BinaryT>(div).kind, fb::BinaryKind::Mul);
  EXPECT_EQ(EvalOne(div, kX), (std::vector<float>{0.25f, 0.5f, 1, 2}));
}

TEST(BroadcastTest, DivByZeroStaysADivision) {
  const Graph div = WithConstant("Div", false, {1}, {0});
  EXPECT_EQ(FindOptions<fb::BinaryT>(div).kind, fb::BinaryKind::Div);
}

TEST(BroadcastTest, ConstantMinusOrDividedByActivation) {
  EXPECT_EQ(EvalOne(WithConstant("Sub", true, {1}, {10}), kX), (std::vector<float>{9, 8, 6, 2}));
  EXPECT_EQ(EvalOne(WithConstant("Div", true, {1}, {8}), kX), (std::vector<float>{8, 4, 2, 1}));
}

TEST(BroadcastTest, SmallerActivationMovesToTheSecondPlace) {
  for (const auto& [op, want] : {std::pair<const char*, std::vector<float>>{"Mul", {1, 2, 8, 16}},
                                 {"Sub", {0, -1, -2, -6}},
                                 {"Div", {1, 0.5f, 0.5f, 0.25f}}}) {
    OnnxModel model(13);
    model.Input("x", {1, 2, 1, 2}).Input("s", {1, 2, 1, 1}).Output("y").Node(op, {"s", "x"}, {"y"});
    const Graph graph = model.MustImport();
    EXPECT_EQ(NaiveEval(graph, {kX, {1, 2}})[0], want) << op;
  }
}

TEST(BroadcastTest, WhatCannotBePutInThatForm) {
  OnnxModel both(13);
  both.Input("x", {1, 2, 1, 2}).Input("s", {1, 1, 3, 2}).Output("y").Node("Add", {"s", "x"}, {"y"});
  EXPECT_FALSE(both.Import().ok());
  OnnxModel rank(13);
  rank.Input("x", {1, 2, 1, 2}).Input("s", {1, 2}).Output("y").Node("Add", {"s", "x"}, {"y"});
  EXPECT_FALSE(rank.Import().ok());
  OnnxModel grows(13);
  grows.Input("x", {1, 2, 1, 2}).Output("y").Random("c", {1, 2, 3, 2}, 1).Node("Add", {"x", "c"}, {"y"});
  EXPECT_FALSE(grows.Import().ok());
}

TEST(SumTest, FoldsAnyNumberOfInputs) {
  OnnxModel model(13);
  model.Input("x", {1, 2}).Output("y").Floats("c", {2}, {10, 20}).Node("Sum", {"x", "x", "c"}, {"y"});
  EXPECT_EQ(EvalOne(model.MustImport(), {1, 2}), (std::vector<float>{12, 24}));
  OnnxModel least(13);
  least.Input("x", {1, 2}).Output("y").Floats("c", {2}, {0, 20}).Node("Min", {"x", "c"}, {"y"});
  EXPECT_EQ(EvalOne(least.MustImport(), {1, 2}), (std::vector<float>{0, 2}));
}

}  // namespace
}  // namespace qrun::converter
