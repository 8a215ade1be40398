#include <limits>

#include "tests/converter/passes/pass_check.h"

namespace qrun::converter {
namespace {

TEST(FuseActivationsTest, IntoEveryOperatorWithAClamp) {
  for (const char* op : {"Conv", "Gemm", "Add", "MaxPool", "AveragePool"}) {
    const bool gemm = std::string(op) == "Gemm", conv = std::string(op) == "Conv",
               add = std::string(op) == "Add";
    OnnxModel model(13);
    model.Input("x", gemm ? Shape{1, 3} : Shape{1, 3, 4, 4}).Output("y");
    model.Random("w", gemm ? Shape{3, 4} : Shape{4, 3, 3, 3}, 1);
    auto node = model.Node(op,
                           conv || gemm ? std::vector<std::string>{"x", "w"}
                           : add        ? std::vector<std::string>{"x", "x"}
                                        : std::vector<std::string>{"x"},
                           {"h"});
    if (!conv && !gemm && !add) node.Ints("kernel_shape", {2, 2});
    model.Node("Relu", {"h"}, {"y"});
    Graph graph = model.MustImport();
    EXPECT_EQ(Apply("fuse_activations", graph), 1) << op;
    EXPECT_EQ(graph.nodes.size(), 1u);
    EXPECT_EQ(graph.values[graph.outputs[0]].name, "y");
  }
}

TEST(FuseActivationsTest, ClampsCompose) {
  // clamp to [-1, 0.5], then to [0, 6]: [0, 0.5]. Then to [2, 3]: everything is 2.
  OnnxModel model(11);
  model.Input("x", {1, 8}).Output("y");
  for (const auto& [name, value] :
       {std::pair("-1", -1.0f), {"0.5", 0.5f}, {"0", 0.0f}, {"6", 6.0f}, {"2", 2.0f}, {"3", 3.0f}}) {
    model.Floats(name, {}, {value});
  }
  model.Node("Clip", {"x", "-1", "0.5"}, {"a"});
  model.Node("Clip", {"a", "0", "6"}, {"b"});
  model.Node("Clip", {"b", "2", "3"}, {"y"});
  Graph graph = model.MustImport();
  EXPECT_EQ(Apply("fuse_activations", graph), 2);
  EXPECT_EQ(FindOptions<fb::UnaryT>(graph).alpha, 2);
  EXPECT_EQ(FindOptions<fb::UnaryT>(graph).beta, 2);
}

TEST(FuseActivationsTest, NotWithASecondReaderNorOnOtherFunctions) {
  OnnxModel twice(13);
  twice.Input("x", {1, 3, 4, 4}).Output("y").Random("w", {3, 3, 1, 1}, 1).Node("Conv", {"x", "w"}, {"h"});
  twice.Node("Relu", {"h"}, {"r"});
  twice.Node("Add", {"r", "h"}, {"y"});
  Graph graph = twice.MustImport();
  EXPECT_EQ(Apply("fuse_activations", graph), 0);
  OnnxModel leaky(13);
  leaky.Input("x", {1, 3, 4, 4}).Output("y").Random("w", {3, 3, 1, 1}, 1).Node("Conv", {"x", "w"}, {"h"});
  leaky.Node("LeakyRelu", {"h"}, {"y"});
  graph = leaky.MustImport();
  EXPECT_EQ(Apply("fuse_activations", graph), 0);
  OnnxModel concat(13);
  concat.Input("x", {1, 3}).Output("y").Node("Concat", {"x", "x"}, {"h"}).Int("axis", 1);
  concat.Node("Relu", {"h"}, {"y"});
  graph = concat.MustImport();
  EXPECT_EQ(Apply("fuse_activations", graph), 0);
}

}  // namespace
}  // namespace qrun::converter
