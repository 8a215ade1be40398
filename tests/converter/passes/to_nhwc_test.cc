#include "tests/converter/passes/pass_check.h"

namespace qrun::converter {
namespace {

int Transposes(const Graph& graph) { return CountNodes<fb::TransposeT>(graph); }
int Reshapes(const Graph& graph) { return CountNodes<fb::ReshapeT>(graph); }

// A model that ends behind one operator on an image [1,4,6,6] that a convolution made, and another
// convolution.
template <class Middle>
Graph BetweenConvolutions(int64_t channels_out, Middle middle) {
  OnnxModel model(11);
  model.Input("x", {1, 4, 6, 6})
      .Output("y")
      .Random("w1", {4, 4, 1, 1}, 1)
      .Random("w2", {3, channels_out, 1, 1}, 2);
  model.Node("Conv", {"x", "w1"}, {"a"});
  middle(model);
  model.Node("Conv", {"b", "w2"}, {"y"});
  return Canonical(model.MustImport());
}

TEST(ToNhwcTest, ImagesAtTheDoorsAreMarked) {
  const Graph graph = BetweenConvolutions(4, [](OnnxModel& m) { m.Node("Relu", {"a"}, {"b"}); });
  const Value& in = graph.values[graph.inputs[0]];
  const Value& out = graph.values[graph.outputs[0]];
  EXPECT_EQ(graph.layout, Layout::kNhwc);
  EXPECT_EQ(in.shape, (Shape{1, 6, 6, 4}));
  EXPECT_EQ(in.source_layout, fb::SourceLayout::Nchw);
  EXPECT_EQ(out.shape, (Shape{1, 6, 6, 3}));
  EXPECT_EQ(out.source_layout, fb::SourceLayout::Nchw);
  EXPECT_EQ(out.name, "y");
}

TEST(ToNhwcTest, OtherRanksAreNot) {
  OnnxModel model(11);
  model.Input("x", {1, 4}).Output("y").Random("w", {4, 2}, 1).Node("Gemm", {"x", "w"}, {"y"});
  const Graph graph = Canonical(model.MustImport());
  EXPECT_EQ(graph.values[graph.inputs[0]].source_layout, fb::SourceLayout::Same);
  EXPECT_EQ(graph.values[graph.outputs[0]].source_layout, fb::SourceLayout::Same);
}

TEST(ToNhwcTest, AxesAreRenumbered) {
  const Graph concat = BetweenConvolutions(8, [](OnnxModel& m) {
    m.Node("Concat", {"a", "x"}, {"b"}).Int("axis", 1);
  });
  EXPECT_EQ(FindOptions<fb::ConcatT>(concat).axis, 3);
  const Graph slice = BetweenConvolutions(2, [](OnnxModel& m) {
    m.Ints("s", {1}, {1})
        .Ints("e", {1}, {3})
        .Ints("ax", {1}, {1})
        .Node("Slice", {"a", "s", "e", "ax"}, {"b"});
  });
  EXPECT_EQ(FindOptions<fb::SliceT>(slice).begin, (std::vector<int>{0, 0, 0, 1}));
  const Graph pad = BetweenConvolutions(5, [](OnnxModel& m) {
    m.Ints("p", {8}, {0, 1, 0, 0, 0, 0, 0, 2}).Node("Pad", {"a", "p"}, {"b"});
  });
  EXPECT_EQ(FindOptions<fb::PadT>(pad).before, (std::vector<int>{0, 0, 0, 1}));
  EXPECT_EQ(FindOptions<fb::PadT>(pad).after, (std::vector<int>{0, 0, 2, 0}));
  for (const Graph* graph : {&concat, &slice, &pad}) {
    EXPECT_EQ(Transposes(*graph), 0);
    EXPECT_EQ(Reshapes(*graph), 0);
  }
}

TEST(ToNhwcTest, SoftmaxOverChannelsNeedsNoTranspose) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 6, 6}).Output("y").Node("Softmax", {"x"}, {"y"}).Int("axis", 1);
  const Graph graph = Canonical(model.MustImport());
  EXPECT_EQ(graph.nodes.size(), 1u);
}

TEST(ToNhwcTest, SoftmaxOverTheWidthDoes) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 6, 5}).Output("y").Node("Softmax", {"x"}, {"y"}).Int("axis", 3);
  // One: the output may stay as the softmax leaves it, in the source's layout.
  const Graph graph = Canonical(model.MustImport());
  EXPECT_EQ(Transposes(graph), 1);
  const Value& output = graph.values[graph.outputs[0]];
  EXPECT_EQ(output.shape, (Shape{1, 4, 6, 5}));
  EXPECT_EQ(output.source_layout, fb::SourceLayout::Same);
}

TEST(ToNhwcTest, FlattenedImagesPermuteTheWeights) {
  for (const char* spelling : {"Flatten", "Reshape"}) {
    OnnxModel model(13);
    model.Input("x", {1, 4, 3, 2}).Output("y").Random("w1", {4, 4, 1, 1}, 1).Random("w", {24, 5}, 1);
    model.Ints("s", {2}, {0, -1});
    model.Node("Conv", {"x", "w1"}, {"a"});
    model.Node(spelling,
               spelling == std::string("Flatten") ? std::vector<std::string>{"a"}
                                                  : std::vector<std::string>{"a", "s"},
               {"f"});
    model.Node("Relu", {"f"}, {"r"});
    model.Node("Gemm", {"r", "w"}, {"y"});
    const Graph graph = Canonical(model.MustImport());
    EXPECT_EQ(Transposes(graph), 0);
    EXPECT_EQ(graph.nodes.size(), 3u);  // the Relu went into the convolution
  }
}

TEST(ToNhwcTest, FlattenedImagesThroughNormAndSoftmax) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 3, 2})
      .Output("y")
      .RandomNorm("bn", 24, 1)
      .Random("w", {24, 5}, 1)
      .Floats("c", {}, {2});
  model.Node("Flatten", {"x"}, {"f"});
  model.Node("BatchNormalization", {"f", "bn.0", "bn.1", "bn.2", "bn.3"}, {"n"});
  model.Node("Mul", {"n", "c"}, {"m"});
  model.Node("Softmax", {"m"}, {"s"}).Int("axis", 1);
  model.Node("Add", {"s", "n"}, {"a"});
  model.Node("Gemm", {"a", "w"}, {"y"});
  EXPECT_EQ(Transposes(Canonical(model.MustImport())), 0);
}

TEST(ToNhwcTest, FlattenedImagesAsAnOutputAreTurned) {
  OnnxModel model(13);
  model.Input("x", {1, 4, 3, 2}).Output("y").Node("Flatten", {"x"}, {"y"});
  EXPECT_EQ(Transposes(Canonical(model.MustImport())), 1);
}

// [N,C,H,W] -> [N,g,C/g,H,W] -> swap -> [N,C,H,W].
void Shuffle(OnnxModel& m) {
  m.Ints("split", {5}, {0, 2, 2, 6, 6}).Node("Reshape", {"a", "split"}, {"a5"});
  m.Node("Transpose", {"a5"}, {"t5"}).Ints("perm", {0, 2, 1, 3, 4});
  m.Ints("merge", {4}, {0, 4, 6, 6}).Node("Reshape", {"t5", "merge"}, {"b"});
}

TEST(ToNhwcTest, ChannelShuffleIsOneTransposeOfTheChannels) {
  const Graph graph = BetweenConvolutions(4, Shuffle);
  ASSERT_EQ(Transposes(graph), 1);
  EXPECT_EQ(FindOptions<fb::TransposeT>(graph).perm.back(), 2);
  EXPECT_EQ(Reshapes(graph), 2);
}

TEST(ToNhwcTest, ReshapesAndTransposesThatCancelVanish) {
  const Graph graph = BetweenConvolutions(4, [](OnnxModel& m) {
    m.Node("Transpose", {"a"}, {"t"}).Ints("perm", {0, 2, 3, 1});
    m.Ints("s", {3}, {0, -1, 4}).Node("Reshape", {"t", "s"}, {"r"});
    m.Node("Sigmoid", {"r"}, {"g"});
    m.Ints("back", {4}, {0, 6, 6, 4}).Node("Reshape", {"g", "back"}, {"u"});
    m.Node("Transpose", {"u"}, {"b"}).Ints("perm", {0, 3, 1, 2});
  });
  EXPECT_EQ(graph.nodes.size(), 3u);
}

TEST(ToNhwcTest, ReshapesThatMixAxesAreSpeltOut) {
  // [1,4,6,6] -> [1,6,24] -> Relu6-free function -> [1,4,6,6]: the channels take parts of the rows.
  const Graph graph = BetweenConvolutions(4, [](OnnxModel& m) {
    m.Ints("s", {4}, {1, 9, 4, 4}).Node("Reshape", {"a", "s"}, {"r"});
    m.Node("MaxPool", {"r"}, {"p"}).Ints("kernel_shape", {3, 3}).Ints("pads", {1, 1, 1, 1});
    m.Ints("t", {4}, {1, 4, 6, 6}).Node("Reshape", {"p", "t"}, {"b"});
  });
  EXPECT_GE(Transposes(graph), 2);
}

TEST(ToNhwcTest, ModelsThatAreNhwcThemselves) {
  OnnxModel model(13);
  model.Input("x", {1, 6, 5, 3}).Output("y").Random("w", {4, 3, 3, 3}, 1);
  model.Node("Transpose", {"x"}, {"t"}).Ints("perm", {0, 3, 1, 2});
  model.Node("Conv", {"t", "w"}, {"c"});
  model.Node("Transpose", {"c"}, {"y"}).Ints("perm", {0, 2, 3, 1});
  const Graph graph = Canonical(model.MustImport());
  EXPECT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.values[graph.inputs[0]].source_layout, fb::SourceLayout::Same);
  EXPECT_EQ(graph.values[graph.outputs[0]].source_layout, fb::SourceLayout::Same);
}

TEST(ToNhwcTest, SqueezeAndExcite) {
  const Graph graph = BetweenConvolutions(4, [](OnnxModel& m) {
    m.Random("w3", {2, 4, 1, 1}, 3).Random("w4", {4, 2, 1, 1}, 4);
    m.Node("GlobalAveragePool", {"a"}, {"g"});
    m.Node("Conv", {"g", "w3"}, {"s"});
    m.Node("Conv", {"s", "w4"}, {"e"});
    m.Node("Sigmoid", {"e"}, {"f"});
    m.Node("Mul", {"f", "a"}, {"b"});
  });
  EXPECT_EQ(Transposes(graph) + Reshapes(graph), 0);
}

TEST(ToNhwcTest, ConstantsThatVaryPerPixel) {
  const Graph graph = BetweenConvolutions(4, [](OnnxModel& m) {
    m.Random("c", {1, 4, 6, 6}, 3).Random("r", {6, 1}, 4).Node("Mul", {"a", "c"}, {"n"});
    m.Node("Add", {"n", "r"}, {"o"});
    m.Node("Concat", {"o", "c"}, {"p"}).Int("axis", 2);
    m.Ints("s", {1}, {6})
        .Ints("e", {1}, {12})
        .Ints("ax", {1}, {2})
        .Node("Slice", {"p", "s", "e", "ax"}, {"b"});
  });
  EXPECT_EQ(Transposes(graph), 0);
}

TEST(ToNhwcTest, SignalsChainWithoutTransposes) {
  OnnxModel model(13);
  model.Input("x", {1, 3, 16})
      .Output("y")
      .Random("w1", {4, 3, 3}, 1)
      .Random("w2", {4, 4, 3}, 2)
      .Random("w3", {4, 5}, 3);
  model.Node("Conv", {"x", "w1"}, {"a"}).Ints("pads", {1, 1});
  model.Node("Relu", {"a"}, {"b"});
  model.Node("Conv", {"b", "w2"}, {"c"}).Ints("pads", {1, 1});
  model.Node("Add", {"c", "b"}, {"d"});
  model.Node("GlobalAveragePool", {"d"}, {"e"});
  model.Node("Flatten", {"e"}, {"f"});
  model.Node("Gemm", {"f", "w3"}, {"y"});
  EXPECT_EQ(Transposes(Canonical(model.MustImport())), 1);  // of the input, whose rank carries no layout
}

TEST(ToNhwcTest, DepthToSpaceIsOneTranspose) {
  OnnxModel model(13);
  model.Input("x", {1, 8, 3, 3}).Output("y").Node("DepthToSpace", {"x"}, {"y"}).Int("blocksize", 2);
  EXPECT_EQ(Transposes(Canonical(model.MustImport())), 1);
}

TEST(ToNhwcTest, OutputsThatAreInputsOrEachOther) {
  OnnxModel model(13);
  model.Input("x", {1, 2, 3, 3}).Output("y").Output("z").Output("x").Node("Relu", {"x"}, {"y"});
  model.Node("Identity", {"y"}, {"z"});
  const Graph graph = Canonical(model.MustImport());
  EXPECT_EQ(graph.values[graph.outputs[1]].name, "z");
  EXPECT_EQ(graph.values[graph.outputs[2]].name, "x");
}

TEST(ToNhwcTest, ASecondRunDoesNothing) {
  Graph graph = BetweenConvolutions(4, [](OnnxModel& m) { m.Node("Relu", {"a"}, {"b"}); });
  EXPECT_EQ(Apply("to_nhwc", graph), 0);
}

}  // namespace
}  // namespace qrun::converter
