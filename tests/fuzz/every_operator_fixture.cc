#include "tests/fuzz/every_operator.h"

#include <random>

#include "tests/model_builder.h"

namespace qrun::tests {
namespace {

// Layers in one element type on top of one another; each returns its output.
class Network {
 public:
  explicit Network(bool int8) : int8_(int8) {}

  int Values(const std::vector<int>& shape) { return ValuesOf(int8_, shape); }
  int ValuesOf(bool int8, const std::vector<int>& shape) {
    const std::string name = "t" + std::to_string(b.model.tensors.size());
    return int8 ? b.Int8(name, shape, 0.25f, -5) : b.Float(name, shape);
  }
  int Weights(const std::vector<int>& shape, int axis) {
    size_t count = 1;
    for (int extent : shape) count *= static_cast<size_t>(extent);
    const std::string name = "w" + std::to_string(b.model.tensors.size());
    if (int8_) {
      std::vector<int8_t> values(count);
      for (int8_t& value : values) value = static_cast<int8_t>(static_cast<int>(random_() % 255) - 127);
      return b.Int8Constant(name, shape, values, std::vector<float>(axis < 0 ? 1 : shape[axis], 0.01f), axis);
    }
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random_() % 255) * 0.01f - 1.27f;
    return b.FloatConstant(name, shape, values);
  }
  int Bias(int channels) {
    const std::string name = "b" + std::to_string(b.model.tensors.size());
    if (int8_) return b.Int32Constant(name, {channels}, std::vector<int32_t>(channels, -3));
    return b.FloatConstant(name, {channels}, std::vector<float>(channels, 0.5f));
  }
  int Table() { return b.Int8Constant("table", {256}, std::vector<int8_t>(256, 5), {0.25f}); }

  template <class OptionsT>
  int Op(OptionsT options, std::vector<int> inputs, const std::vector<int>& shape) {
    return OpTo(std::move(options), std::move(inputs), Values(shape));
  }
  template <class OptionsT>
  int OpTo(OptionsT options, std::vector<int> inputs, int output) {
    b.Op(std::move(options), std::move(inputs), output);
    return output;
  }

  // [1, h, w, c] -> the same shape, with functions behind expand and depthwise.
  int Block(int src, int h, int w, int c) {
    const int wide = 2 * c;
    fb::InvertedResidualT block;
    block.expand = std::make_unique<fb::Conv2DT>();
    block.depthwise = std::make_unique<fb::DepthwiseConv2DT>();
    block.depthwise->pad_top = block.depthwise->pad_left = 1;
    block.depthwise->pad_bottom = block.depthwise->pad_right = 1;
    block.project = std::make_unique<fb::Conv2DT>();
    block.project->clamp = Clamp();
    block.residual = true;
    block.residual_clamp = Clamp();
    block.expanded = Values({1, h, w, wide});
    block.filtered = Values({1, h, w, wide});
    block.projected = Values({1, h, w, c});
    for (auto* function : {&block.expand_function, &block.depthwise_function}) {
      *function = std::make_unique<fb::PartFunctionT>();
      (*function)->result = Values({1, h, w, wide});
      if (!int8_) (*function)->function = Function(fb::UnaryKind::HardSwish);
    }
    std::vector<int> inputs = {src,        Weights({wide, 1, 1, c}, 0), Bias(wide), Weights({3, 3, wide}, 2),
                               Bias(wide), Weights({c, 1, 1, wide}, 0), Bias(c)};
    if (int8_) inputs.insert(inputs.end(), {Table(), Table()});
    return Op(std::move(block), inputs, {1, h, w, c});
  }

  static std::unique_ptr<fb::Clamp> Clamp() { return std::make_unique<fb::Clamp>(-6.0f, 6.0f); }
  static std::unique_ptr<fb::UnaryT> Function(fb::UnaryKind kind) {
    auto function = std::make_unique<fb::UnaryT>();
    function->kind = kind;
    function->alpha = 0.2f;
    function->beta = 0.5f;
    return function;
  }

  ModelBuilder b;

 private:
  const bool int8_;
  std::mt19937 random_{5};
};

int Convolutions(Network& net, int x) {
  fb::Conv2DT conv;  // 9 x 7 x 3 -> 5 x 7 x 8
  conv.stride_h = 2;
  conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = 1;
  conv.clamp = Network::Clamp();
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
  depthwise.clamp = Network::Clamp();
  const int filtered =
      net.Op(std::move(depthwise), {up, net.Weights({3, 3, 8}, 2), net.Bias(8)}, {1, 9, 4, 8});
  return net.Block(filtered, 9, 4, 8);
}

// [1, 9, 4, 8] -> [1, 4, 16, 11]
int Movement(Network& net, int x) {
  fb::Pool2DT average;
  average.kind = fb::PoolKind::Average;
  average.kernel_h = 3;
  average.kernel_w = 2;
  average.stride_h = average.stride_w = 2;
  average.pad_top = average.pad_bottom = 1;
  average.count_include_pad = true;
  average.clamp = Network::Clamp();
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
int FloatTail(Network& net, int x) {
  const int sigmoid = net.OpTo(*Network::Function(fb::UnaryKind::Sigmoid), {x}, net.ValuesOf(false, {1, 5}));
  fb::BinaryT divide;
  divide.kind = fb::BinaryKind::Div;
  const int ratio = net.OpTo(std::move(divide), {x, sigmoid}, net.ValuesOf(false, {1, 5}));
  return net.OpTo(fb::SoftmaxT(), {ratio}, net.ValuesOf(false, {1, 5}));
}

std::vector<std::byte> EveryOperator(bool int8) {
  Network net(int8);
  const int x = net.Values({1, 9, 7, 3});
  int y = Convolutions(net, x);
  fb::BinaryT add;
  add.clamp = Network::Clamp();
  y = net.Op(std::move(add), {y, net.Weights({1, 1, 1, 8}, -1)}, {1, 9, 4, 8});
  fb::BinaryT multiply;
  multiply.kind = fb::BinaryKind::Mul;
  y = net.Op(std::move(multiply), {y, y}, {1, 9, 4, 8});
  y = int8 ? net.Op(fb::LookupTableT(), {y, net.Table()}, {1, 9, 4, 8})
           : net.Op(*Network::Function(fb::UnaryKind::LeakyRelu), {y}, {1, 9, 4, 8});
  y = Movement(net, y);
  y = net.Op(fb::ReshapeT(), {y}, {1, 352});
  fb::FullyConnectedT dense;
  dense.clamp = Network::Clamp();
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
