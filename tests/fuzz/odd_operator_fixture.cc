#include "tests/fuzz/odd_operator.h"

#include <algorithm>
#include <random>

#include "schema/op_check.h"
#include "tests/fuzz/layers.h"

namespace qrun::tests {
namespace {

// One axis of a window.
struct Axis {
  int in, out, kernel, stride, dilation, before, after, input_dilation;
};

class Draw {
 public:
  explicit Draw(uint32_t seed) : random_(seed) {}

  int Of(std::initializer_list<int> values) { return values.begin()[random_() % values.size()]; }
  bool Coin() { return random_() % 2 != 0; }

  int Extent() { return Of({1, 1, 2, 3, 4, 5, 7, 8, 14, 17, 33}); }
  int Channels() { return Of({1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 64, 65, 96}); }
  // Half of them ordinary, so that odd ones come one at a time as well.
  int Step() { return Coin() ? 1 : Of({1, 2, 3, 4, 7, 40, 4096}); }
  int Padding() { return Coin() ? Of({0, 1}) : Of({-9, -2, -1, 0, 1, 2, 3, 8, 35, 100}); }

  // out is 0 or less where the window does not fit. `in`: 0 draws one.
  Axis Window(int in, bool is_pool, bool may_dilate_input) {
    Axis axis = {
        in ? in : Extent(), 0, Of({1, 2, 3, 3, 4, 5, 7, 11}), Step(), is_pool ? 1 : Step(), Padding(),
        Padding(),          1};
    if (may_dilate_input && Of({0, 0, 1})) axis.input_dilation = Of({2, 3, 7, 100});
    if (is_pool) {
      axis.before = std::clamp(axis.before, 0, axis.kernel - 1);
      axis.after = std::clamp(axis.after, 0, axis.kernel - 1);
    }
    axis.out = static_cast<int>(schema::WindowExtent(axis.in, axis.input_dilation, axis.kernel, axis.dilation,
                                                     axis.stride, axis.before, axis.after));
    return axis;
  }

  std::unique_ptr<fb::Clamp> Clamp() { return Coin() ? nullptr : Layers::Clamp(); }

 private:
  std::mt19937 random_;
};

template <class OptionsT>
void SetWindow(OptionsT& options, const Axis& h, const Axis& w) {
  options.stride_h = h.stride;
  options.stride_w = w.stride;
  options.pad_top = h.before;
  options.pad_bottom = h.after;
  options.pad_left = w.before;
  options.pad_right = w.after;
}

template <class OptionsT>
void SetDilatedWindow(OptionsT& options, const Axis& h, const Axis& w) {
  SetWindow(options, h, w);
  options.dilation_h = h.dilation;
  options.dilation_w = w.dilation;
}

// Each adds one operator; false where the draw does not fit.

bool AddConvolution(Draw& draw, Layers& net) {
  const Axis h = draw.Window(0, false, true), w = draw.Window(0, false, true);
  const int groups = draw.Of({1, 1, 1, 2, 3}), ic = draw.Channels() * groups, oc = draw.Channels() * groups;
  if (h.out < 1 || w.out < 1) return false;
  fb::Conv2DT conv;
  SetDilatedWindow(conv, h, w);
  conv.input_dilation_h = h.input_dilation;
  conv.input_dilation_w = w.input_dilation;
  conv.groups = groups;
  conv.clamp = draw.Clamp();
  if (h.input_dilation == 1 && w.input_dilation == 1 && draw.Coin()) {
    for (int c = 0; c < ic; ++c) conv.pad_values.push_back(static_cast<float>(c % 7) - 3.0f);
  }
  const int x = net.Input({1, h.in, w.in, ic});
  const int bias = draw.Coin() ? net.Bias(oc) : -1;
  net.Output(net.Op(std::move(conv), {x, net.Weights({oc, h.kernel, w.kernel, ic / groups}, 0), bias},
                    {1, h.out, w.out, oc}));
  return true;
}

bool AddDepthwise(Draw& draw, Layers& net) {
  const Axis h = draw.Window(0, false, false), w = draw.Window(0, false, false);
  const int c = draw.Channels();
  if (h.out < 1 || w.out < 1) return false;
  fb::DepthwiseConv2DT depthwise;
  SetDilatedWindow(depthwise, h, w);
  depthwise.clamp = draw.Clamp();
  const int x = net.Input({1, h.in, w.in, c});
  const int bias = draw.Coin() ? net.Bias(c) : -1;
  net.Output(
      net.Op(std::move(depthwise), {x, net.Weights({h.kernel, w.kernel, c}, 2), bias}, {1, h.out, w.out, c}));
  return true;
}

bool AddPool(Draw& draw, Layers& net) {
  const Axis h = draw.Window(0, true, false), w = draw.Window(0, true, false);
  const int c = draw.Channels();
  if (h.out < 1 || w.out < 1) return false;
  fb::Pool2DT pool;
  SetWindow(pool, h, w);
  pool.kernel_h = h.kernel;
  pool.kernel_w = w.kernel;
  pool.kind = draw.Coin() ? fb::PoolKind::Max : fb::PoolKind::Average;
  pool.count_include_pad = draw.Coin();
  pool.clamp = draw.Clamp();
  const int x = net.Input({1, h.in, w.in, c});
  net.Output(net.Op(std::move(pool), {x}, {1, h.out, w.out, c}));
  return true;
}

// The block's first part may be any convolution; functions and the residual come and go.
bool AddBlock(Draw& draw, Layers& net) {
  const bool expands = draw.Of({0, 1, 1, 1}) != 0, wide_window = draw.Of({0, 0, 1}) != 0;
  const Axis one_h = {draw.Extent(), 0, 1, 1, 1, 0, 0, 1}, one_w = {draw.Extent(), 0, 1, 1, 1, 0, 0, 1};
  Axis eh = wide_window ? draw.Window(0, false, true) : one_h,
       ew = wide_window ? draw.Window(0, false, true) : one_w;
  if (!wide_window || !expands) eh.out = eh.in, ew.out = ew.in;
  if (eh.out < 1 || ew.out < 1) return false;
  const Axis h = draw.Window(eh.out, false, false), w = draw.Window(ew.out, false, false);
  if (h.out < 1 || w.out < 1) return false;
  const int ic = draw.Channels(), wide = expands ? draw.Channels() : ic;
  const bool residual = draw.Coin() && h.out == eh.in && w.out == ew.in;
  const int oc = residual ? ic : draw.Channels();
  fb::InvertedResidualT block;
  const int x = net.Input({1, eh.in, ew.in, ic});
  const std::vector<int> middle = {1, eh.out, ew.out, wide}, out = {1, h.out, w.out, oc};
  std::vector<int> inputs = {x, -1, -1}, tables = {-1, -1};
  if (expands) {
    block.expand = std::make_unique<fb::Conv2DT>();
    SetDilatedWindow(*block.expand, eh, ew);
    block.expand->input_dilation_h = eh.input_dilation;
    block.expand->input_dilation_w = ew.input_dilation;
    block.expand->clamp = draw.Clamp();
    block.expanded = net.Values(middle);
    inputs = {x, net.Weights({wide, eh.kernel, ew.kernel, ic}, 0), draw.Coin() ? net.Bias(wide) : -1};
    if (draw.Coin()) block.expand_function = net.PartFunction(middle, tables[0]);
  }
  block.depthwise = std::make_unique<fb::DepthwiseConv2DT>();
  SetDilatedWindow(*block.depthwise, h, w);
  block.depthwise->clamp = draw.Clamp();
  block.filtered = net.Values({1, h.out, w.out, wide});
  if (draw.Coin()) block.depthwise_function = net.PartFunction({1, h.out, w.out, wide}, tables[1]);
  block.project = std::make_unique<fb::Conv2DT>();
  block.residual = residual;
  if (residual) block.projected = net.Values(out);
  inputs.insert(inputs.end(), {net.Weights({h.kernel, w.kernel, wide}, 2), net.Bias(wide),
                               net.Weights({oc, 1, 1, wide}, 0), draw.Coin() ? net.Bias(oc) : -1});
  if (tables[0] >= 0 || tables[1] >= 0) inputs.insert(inputs.end(), tables.begin(), tables.end());
  net.Output(net.Op(std::move(block), inputs, out));
  return true;
}

bool AddResize(Draw& draw, Layers& net) {
  fb::Resize2DT resize;
  resize.kind = draw.Coin() ? fb::ResizeKind::Nearest : fb::ResizeKind::Linear;
  resize.coordinates = static_cast<fb::ResizeCoordinates>(draw.Of({0, 1, 2}));
  const int c = draw.Channels();
  const int x = net.Input({1, draw.Extent(), draw.Extent(), c});
  net.Output(net.Op(std::move(resize), {x}, {1, draw.Of({1, 2, 7, 300}), draw.Extent(), c}));
  return true;
}

bool AddMovement(Draw& draw, Layers& net) {
  const int rank = draw.Of({1, 2, 3, 4, 5, 6});
  std::vector<int> shape = {1};
  while (static_cast<int>(shape.size()) < rank) shape.push_back(draw.Of({1, 2, 3, 5, 17}));
  const int x = net.Input(shape);
  const std::vector<int> nothing(rank, 0);
  switch (draw.Of({0, 1, 2})) {
    case 0: {
      fb::PadT pad;
      pad.before = pad.after = nothing;
      pad.value = 1.5f;
      for (int axis = 1; axis < rank; ++axis) {
        pad.before[axis] = draw.Of({0, 0, 1, 2, 9});
        pad.after[axis] = draw.Of({0, 0, 1, 2, 9});
        shape[axis] += pad.before[axis] + pad.after[axis];
      }
      net.Output(net.Op(std::move(pad), {x}, shape));
      return true;
    }
    case 1: {
      fb::SliceT slice;
      slice.begin = nothing;
      slice.stride.assign(rank, 1);
      for (int axis = 1; axis < rank; ++axis) {
        slice.begin[axis] = draw.Coin() ? 0 : shape[axis] - 1;
        slice.stride[axis] = draw.Coin() ? 1 : shape[axis];
        shape[axis] = (shape[axis] - slice.begin[axis] + slice.stride[axis] - 1) / slice.stride[axis];
      }
      net.Output(net.Op(std::move(slice), {x}, shape));
      return true;
    }
    default: {
      fb::TransposeT transpose;
      for (int axis = 0; axis < rank; ++axis) transpose.perm.push_back(axis);
      for (int axis = rank - 1; axis > 1; --axis) {
        if (draw.Coin()) std::swap(transpose.perm[axis], transpose.perm[1]);
      }
      std::vector<int> moved;
      for (int axis : transpose.perm) moved.push_back(shape[axis]);
      net.Output(net.Op(std::move(transpose), {x}, moved));
      return true;
    }
  }
}

}  // namespace

std::vector<std::byte> OddOperator(uint32_t seed) {
  Draw draw(seed);
  Layers net(draw.Of({0, 1, 1}) != 0);
  using Add = bool (*)(Draw&, Layers&);
  static constexpr Add kKinds[] = {AddConvolution, AddConvolution, AddDepthwise, AddPool,
                                   AddBlock,       AddBlock,       AddResize,    AddMovement};
  if (!kKinds[seed % std::size(kKinds)](draw, net)) return {};
  return net.b.Finish();
}

}  // namespace qrun::tests
