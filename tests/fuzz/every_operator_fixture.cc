#include "tests/fuzz/every_operator.h"

#include "tests/fuzz/layers.h"

namespace qrun::tests {
namespace {

// [1, h, w, c] -> the same shape, with functions behind expand and depthwise.
int Block(Layers& net, int src, int h, int w, int c) {
  const int wide = 2 * c;
  const std::vector<int> middle = {1, h, w, wide};
  fb::InvertedResidualT block;
  fb::DepthwiseConv2DT depthwise;
  depthwise.pad_top = depthwise.pad_left = depthwise.pad_bottom = depthwise.pad_right = 1;
  fb::Conv2DT project;
  project.clamp = Layers::Clamp();
  block.expand = std::make_unique<fb::Conv2DT>();
  block.depthwise = std::make_unique<fb::DepthwiseConv2DT>(std::move(depthwise));
  block.project = std::make_unique<fb::Conv2DT>(std::move(project));
  block.residual = true;
  block.residual_clamp = Layers::Clamp();
  block.expanded = net.Values(middle);
  block.filtered = net.Values(middle);
  block.projected = net.Values({1, h, w, c});
  int tables[] = {-1, -1};
  block.expand_function = net.PartFunction(middle, tables[0]);
  block.depthwise_function = net.PartFunction(middle, tables[1]);
  std::vector<int> inputs = {src,
                             net.Weights({wide, 1, 1, c}, 0),
                             net.Bias(wide),
                             net.Weights({3, 3, wide}, 2),
                             net.Bias(wide),
                             net.Weights({c, 1, 1, wide}, 0),
                             net.Bias(c)};
  if (tables[0] >= 0) inputs.insert(inputs.end(), {tables[0], tables[1]});
  return net.Op(std::move(block), inputs, {1, h, w, c});
}

int Convolutions(Layers& net, int x) {
  fb::Conv2DT conv;  // 9 x 7 x 3 -> 5 x 7 x 8
  conv.stride_h = 2;
  conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = 1;
  conv.clamp = Layers::Clamp();
  conv.pad_values = {0.25f, 0.5f, 0.75f};
  const int first = net.Op(std::move(conv), {x, net.Weights({8, 3, 3, 3}, 0), net.Bias(8)}, {1, 5, 7, 8});
  fb::Conv2DT transposed;  // -> 9 x 7 x 8 in two groups
  transposed.groups = 2;
  transposed.input_dilation_h = 2;
  transposed.pad_left = transposed.pad_right = 1;
  transposed.pad_top = transposed.pad_bottom = 1;
  const int up = net.Op(std::move(transposed), {first, net.Weights({8, 3, 3, 4}, 0), -1}, {1, 9, 7, 8});
  fb::DepthwiseConv2DT depthwise;  // -> 9 x 4 x 8
  depthwise.stride_w = depthwise.dilation_h = 2;
  depthwise.pad_top = depthwise.pad_bottom = 2;
  depthwise.pad_left = depthwise.pad_right = 1;
  depthwise.clamp = Layers::Clamp();
  const int filtered =
      net.Op(std::move(depthwise), {up, net.Weights({3, 3, 8}, 2), net.Bias(8)}, {1, 9, 4, 8});
  return Block(net, filtered, 9, 4, 8);
}

// [1, 9, 4, 8] -> [1, 4, 16, 11]
int Movement(Layers& net, int x) {
  fb::Pool2DT average;
  average.kind = fb::PoolKind::Average;
  average.kernel_h = 3;
  average.kernel_w = 2;
  average.stride_h = average.stride_w = 2;
  average.pad_top = average.pad_bottom = 1;
  average.count_include_pad = true;
  average.clamp = Layers::Clamp();
  const int mean = net.Op(std::move(average), {x}, {1, 5, 2, 8});
  fb::Pool2DT maximum;
  maximum.kernel_h = 3;
  maximum.kernel_w = maximum.stride_h = maximum.stride_w = 2;
  maximum.pad_top = maximum.pad_bottom = 1;
  const int most = net.Op(std::move(maximum), {x}, {1, 5, 2, 8});
  fb::ConcatT concat;
  concat.axis = 3;
  const int joined = net.Op(concat, {mean, most}, {1, 5, 2, 16});
  fb::SliceT slice;
  slice.begin = {0, 1, 0, 2};
  slice.stride = {1, 2, 1, 2};
  const int some = net.Op(slice, {joined}, {1, 2, 2, 7});
  fb::PadT pad;
  pad.before = {0, 0, 1, 1};
  pad.after = {0, 0, 1, 3};
  pad.value = 1.5f;
  const int padded = net.Op(pad, {some}, {1, 2, 4, 11});
  fb::Resize2DT resize;
  resize.kind = fb::ResizeKind::Linear;
  const int large = net.Op(resize, {padded}, {1, 4, 8, 11});
  fb::TransposeT transpose;
  transpose.perm = {0, 3, 1, 2};
  return net.Op(transpose, {large}, {1, 11, 4, 8});
}

void Describe(ModelBuilder& b, int input) {
  auto& tensor = *b.model.tensors[input];
  tensor.source_layout = fb::SourceLayout::Nchw;
  tensor.channel_scale = {1, 2, 3};
  if (tensor.dtype == fb::DType::Int8) tensor.channel_offset = {0.5f, 0, -1};
  auto& pre = b.model.preprocessing = std::make_unique<fb::PreprocessingT>();
  pre->resize = 10;
  pre->crop_h = 9;
  pre->crop_w = 7;
  pre->mean = pre->std = {0.5f, 0.25f, 0.125f};
  pre->preset = "torch";
  b.model.labels = {"one", "two", "three", "four", "five"};
  auto& origin = b.model.provenance = std::make_unique<fb::ProvenanceT>();
  origin->source_name = "model.onnx";
  origin->recipe = {"fold", "fuse"};
  origin->arguments = {"--limit", "3"};
}

// The rest in float: [1, 5] -> [1, 5].
int FloatTail(Layers& net, int x) {
  const int sigmoid = net.OpTo(*Layers::Function(fb::UnaryKind::Sigmoid), {x}, net.ValuesOf(false, {1, 5}));
  fb::BinaryT divide;
  divide.kind = fb::BinaryKind::Div;
  const int ratio = net.OpTo(std::move(divide), {x, sigmoid}, net.ValuesOf(false, {1, 5}));
  return net.OpTo(fb::SoftmaxT(), {ratio}, net.ValuesOf(false, {1, 5}));
}

std::vector<std::byte> EveryOperator(bool int8) {
  Layers net(int8);
  const int x = net.Values({1, 9, 7, 3});
  int y = Convolutions(net, x);
  fb::BinaryT add;
  add.clamp = Layers::Clamp();
  y = net.Op(std::move(add), {y, net.Weights({1, 1, 1, 8}, -1)}, {1, 9, 4, 8});
  fb::BinaryT multiply;
  multiply.kind = fb::BinaryKind::Mul;
  y = net.Op(std::move(multiply), {y, y}, {1, 9, 4, 8});
  y = int8 ? net.Op(fb::LookupTableT(), {y, net.Table()}, {1, 9, 4, 8})
           : net.Op(*Layers::Function(fb::UnaryKind::LeakyRelu), {y}, {1, 9, 4, 8});
  y = Movement(net, y);
  y = net.Op(fb::ReshapeT(), {y}, {1, 352});
  fb::FullyConnectedT dense;
  dense.clamp = Layers::Clamp();
  y = net.Op(std::move(dense), {y, net.Weights({5, 352}, 0), net.Bias(5)}, {1, 5});
  if (!int8) {
    y = FloatTail(net, y);
  } else {
    y = net.OpTo(fb::RequantizeT(), {y}, net.b.Int8("requantised", {1, 5}, 0.5f, 7));
    y = FloatTail(net, net.OpTo(fb::DequantizeT(), {y}, net.ValuesOf(false, {1, 5})));
    y = net.Op(fb::QuantizeT(), {y}, {1, 5});
  }
  Describe(net.b, x);
  net.b.model.inputs = {x};
  net.b.model.outputs = {y};
  return WithDefaultsStated(net.b.model);
}

}  // namespace

std::vector<std::byte> EveryInt8Operator() { return EveryOperator(true); }
std::vector<std::byte> EveryFloatOperator() { return EveryOperator(false); }

std::vector<std::byte> WithDefaultsStated(const fb::ModelT& model) {
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true);
  fb::FinishModelBuffer(builder, fb::Model::Pack(builder, &model));
  const auto* data = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {data, data + builder.GetSize()};
}

}  // namespace qrun::tests
