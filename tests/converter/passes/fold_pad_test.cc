#include <limits>

#include "tests/converter/passes/pass_check.h"

namespace qrun::converter {
namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();

struct PadCase {
  const char* op;             // Conv, MaxPool or AveragePool
  float value;                // of the padding
  bool relu;                  // before it
  std::vector<int64_t> pads;  // of the Pad
  int64_t own_pad;            // of the operator
  int64_t include;            // count_include_pad
  int folded;
};

class FoldPadTest : public testing::TestWithParam<PadCase> {};

TEST_P(FoldPadTest, FoldsWhereItIsTheSame) {
  const PadCase& c = GetParam();
  OnnxModel model(10);
  model.Input("x", {1, 2, 6, 6}).Output("y").Random("w", {2, 2, 3, 3}, 1);
  if (c.relu) model.Node("Relu", {"x"}, {"r"});
  model.Node("Pad", {c.relu ? "r" : "x"}, {"p"}).Ints("pads", c.pads).Float("value", c.value);
  const bool conv = std::string(c.op) == "Conv";
  auto node =
      model.Node(c.op, conv ? std::vector<std::string>{"p", "w"} : std::vector<std::string>{"p"}, {"y"});
  node.Ints("kernel_shape", {3, 3}).Ints("strides", {2, 2}).Ints("pads", std::vector<int64_t>(4, c.own_pad));
  if (!conv) node.Int("count_include_pad", c.include);
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_pad", graph), c.folded);
  EXPECT_EQ(CountNodes<fb::PadT>(graph), 1 - c.folded);
}

const std::vector<int64_t> kOne = {0, 0, 1, 1, 0, 0, 1, 1};
const std::vector<int64_t> kUneven = {0, 0, 0, 1, 0, 0, 2, 1};
const std::vector<int64_t> kChannels = {0, 1, 0, 0, 0, 1, 0, 0};
const std::vector<int64_t> kWide = {0, 0, 3, 0, 0, 0, 0, 0};

INSTANTIATE_TEST_SUITE_P(
    Cases, FoldPadTest,
    testing::Values(
        PadCase{"Conv", 0, false, kOne, 0, 0, 1}, PadCase{"Conv", 0, false, kUneven, 1, 0, 1},
        PadCase{"Conv", 0, false, kWide, 0, 0, 1}, PadCase{"Conv", 1, false, kOne, 0, 0, 0},
        PadCase{"AveragePool", 0, false, kOne, 0, 0, 1}, PadCase{"AveragePool", 0, false, kOne, 0, 1, 1},
        // Its own padding is not counted, the zeros are: no single rule covers both.
        PadCase{"AveragePool", 0, false, kOne, 1, 0, 0}, PadCase{"AveragePool", 0, false, kOne, 1, 1, 1},
        PadCase{"AveragePool", 2, false, kOne, 0, 0, 0}, PadCase{"AveragePool", 0, false, kWide, 0, 0, 0},
        // A zero may be larger than the pixels, unless they are known not to be negative.
        PadCase{"MaxPool", 0, false, kOne, 0, 0, 0}, PadCase{"MaxPool", 0, true, kOne, 0, 0, 1},
        PadCase{"MaxPool", kLowest, false, kOne, 0, 0, 1}, PadCase{"MaxPool", -1, true, kOne, 1, 0, 1},
        PadCase{"MaxPool", 1, true, kOne, 0, 0, 0}, PadCase{"MaxPool", 0, true, kWide, 0, 0, 0}),
    [](const auto& info) { return info.param.op + std::to_string(info.index); });

TEST(FoldPadChannelTest, PaddedChannelsStay) {
  OnnxModel model(10);
  model.Input("x", {1, 2, 6, 6}).Output("y").Random("w", {2, 4, 3, 3}, 1);
  model.Node("Pad", {"x"}, {"p"}).Ints("pads", kChannels);
  model.Node("Conv", {"p", "w"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_pad", graph), 0);
}

TEST(FoldPadReaderTest, NotWithASecondReader) {
  OnnxModel model(10);
  model.Input("x", {1, 2, 6, 6}).Output("y").Output("z").Random("w", {2, 2, 3, 3}, 1);
  model.Node("Pad", {"x"}, {"p"}).Ints("pads", kOne);
  model.Node("Conv", {"p", "w"}, {"y"});
  model.Node("Relu", {"p"}, {"z"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_pad", graph), 0);
}

TEST(FoldPadTransposedTest, NotIntoATransposedConvolution) {
  OnnxModel model(10);
  model.Input("x", {1, 2, 6, 6}).Output("y").Random("w", {2, 2, 3, 3}, 1);
  model.Node("Pad", {"x"}, {"p"}).Ints("pads", kOne);
  model.Node("ConvTranspose", {"p", "w"}, {"y"}).Ints("strides", {2, 2});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fold_pad", graph), 0);
}

}  // namespace
}  // namespace qrun::converter
