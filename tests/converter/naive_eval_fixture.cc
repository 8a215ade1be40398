#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

#include "converter/unary_function.h"
#include "tests/converter/naive_eval.h"

namespace qrun::converter {
namespace {

using Floats1 = std::vector<float>;

// Extents and strides of an image in either layout.
struct Image {
  int64_t c, h, w, c_step, h_step, w_step;

  Image(const Shape& shape, Layout layout) {
    const bool nchw = layout == Layout::kNchw;
    c = nchw ? shape[1] : shape[3];
    h = nchw ? shape[2] : shape[1];
    w = nchw ? shape[3] : shape[2];
    c_step = nchw ? h * w : 1;
    h_step = nchw ? w : w * c;
    w_step = nchw ? 1 : c;
  }
  int64_t at(int64_t ci, int64_t y, int64_t x) const { return ci * c_step + y * h_step + x * w_step; }
};

void Clamp(const std::unique_ptr<fb::Clamp>& clamp, Floats1& values) {
  if (!clamp) return;
  for (float& x : values) x = std::min(std::max(x, clamp->min()), clamp->max());
}

// A tensor with its shape, as the evaluator passes them around.
struct Tensor {
  Shape shape;
  Floats1 data;
};

std::vector<int64_t> Strides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

// Calls f(index, position) for every index of `shape` in row-major order.
template <class F>
void ForEach(const Shape& shape, F f) {
  Shape index(shape.size());
  for (int64_t at = 0; at < ElementCount(shape); ++at) {
    f(index, at);
    for (size_t axis = shape.size(); axis-- > 0 && ++index[axis] == shape[axis];) index[axis] = 0;
  }
}

class Evaluator {
 public:
  Evaluator(Layout layout) : layout_(layout) {}

  Floats1 Eval(const fb::Conv2DT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    const Image src(in[0].shape, layout_), dst(out_shape, layout_), wei(in[1].shape, layout_);
    const int64_t oc_step = wei.c * wei.h * wei.w, group_oc = dst.c / op.groups;
    Floats1 out(ElementCount(out_shape));
    for (int64_t oc = 0; oc < dst.c; ++oc) {
      for (int64_t y = 0; y < dst.h; ++y) {
        for (int64_t x = 0; x < dst.w; ++x) {
          double acc = in.size() > 2 && !in[2].data.empty() ? in[2].data[oc] : 0;
          for (int64_t ky = 0; ky < wei.h; ++ky) {
            for (int64_t kx = 0; kx < wei.w; ++kx) {
              int64_t sy = y * op.stride_h - op.pad_top + ky * op.dilation_h;
              int64_t sx = x * op.stride_w - op.pad_left + kx * op.dilation_w;
              if (sy < 0 || sx < 0 || sy % op.input_dilation_h || sx % op.input_dilation_w) continue;
              sy /= op.input_dilation_h;
              sx /= op.input_dilation_w;
              if (sy >= src.h || sx >= src.w) continue;
              const int64_t first_c = oc / group_oc * wei.c;
              for (int64_t c = 0; c < wei.c; ++c) {
                acc += double{in[0].data[src.at(first_c + c, sy, sx)]} *
                       in[1].data[oc * oc_step + wei.at(c, ky, kx)];
              }
            }
          }
          out[dst.at(oc, y, x)] = static_cast<float>(acc);
        }
      }
    }
    Clamp(op.clamp, out);
    return out;
  }

  Floats1 Eval(const fb::DepthwiseConv2DT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    const Image src(in[0].shape, layout_), dst(out_shape, layout_);
    const int64_t kh = in[1].shape[0], kw = in[1].shape[1], channels = in[1].shape[2];
    Floats1 out(ElementCount(out_shape));
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t y = 0; y < dst.h; ++y) {
        for (int64_t x = 0; x < dst.w; ++x) {
          double acc = in.size() > 2 && !in[2].data.empty() ? in[2].data[c] : 0;
          for (int64_t ky = 0; ky < kh; ++ky) {
            for (int64_t kx = 0; kx < kw; ++kx) {
              const int64_t sy = y * op.stride_h - op.pad_top + ky * op.dilation_h;
              const int64_t sx = x * op.stride_w - op.pad_left + kx * op.dilation_w;
              if (sy < 0 || sx < 0 || sy >= src.h || sx >= src.w) continue;
              acc += double{in[0].data[src.at(c, sy, sx)]} * in[1].data[(ky * kw + kx) * channels + c];
            }
          }
          out[dst.at(c, y, x)] = static_cast<float>(acc);
        }
      }
    }
    Clamp(op.clamp, out);
    return out;
  }

  Floats1 Eval(const fb::FullyConnectedT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    const int64_t oc = in[1].shape[0], ic = in[1].shape[1];
    Floats1 out(ElementCount(out_shape));
    for (size_t i = 0; i < out.size(); ++i) {
      const int64_t row = static_cast<int64_t>(i) / oc, o = static_cast<int64_t>(i) % oc;
      double acc = in.size() > 2 && !in[2].data.empty() ? in[2].data[o] : 0;
      for (int64_t k = 0; k < ic; ++k) acc += double{in[0].data[row * ic + k]} * in[1].data[o * ic + k];
      out[i] = static_cast<float>(acc);
    }
    Clamp(op.clamp, out);
    return out;
  }

  Floats1 Eval(const fb::InvertedResidualT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    Tensor flow = in[0];
    if (op.expand) flow = Part(*op.expand, flow, in[1], in[2], in[1].shape[0]);
    flow = Apply(op.expand_function.get(), flow);
    flow = Part(*op.depthwise, flow, in[3], in[4], in[3].shape[2]);
    flow = Apply(op.depthwise_function.get(), flow);
    flow = Part(*op.project, flow, in[5], in[6], in[5].shape[0]);
    if (flow.shape != out_shape) throw std::runtime_error("inverted residual: shape");
    if (op.residual) {
      for (size_t i = 0; i < flow.data.size(); ++i) flow.data[i] += in[0].data[i];
      Clamp(op.residual_clamp, flow.data);
    }
    return flow.data;
  }

  Floats1 Eval(const fb::BinaryT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    Floats1 out(ElementCount(out_shape));
    const std::vector<int64_t> steps = Strides(in[1].shape);
    ForEach(out_shape, [&](const Shape& index, int64_t at) {
      int64_t b_at = 0;
      for (size_t i = 0; i < index.size(); ++i) b_at += in[1].shape[i] == 1 ? 0 : index[i] * steps[i];
      const float a = in[0].data[at], b = in[1].data[b_at];
      switch (op.kind) {
        case fb::BinaryKind::Add:
          out[at] = a + b;
          break;
        case fb::BinaryKind::Sub:
          out[at] = a - b;
          break;
        case fb::BinaryKind::Mul:
          out[at] = a * b;
          break;
        case fb::BinaryKind::Div:
          out[at] = a / b;
          break;
        case fb::BinaryKind::Min:
          out[at] = std::min(a, b);
          break;
        case fb::BinaryKind::Max:
          out[at] = std::max(a, b);
          break;
      }
    });
    Clamp(op.clamp, out);
    return out;
  }

  Floats1 Eval(const fb::Pool2DT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    const Image src(in[0].shape, layout_), dst(out_shape, layout_);
    Floats1 out(ElementCount(out_shape));
    for (int64_t c = 0; c < dst.c; ++c) {
      for (int64_t y = 0; y < dst.h; ++y) {
        for (int64_t x = 0; x < dst.w; ++x) {
          double sum = 0, max = -std::numeric_limits<double>::infinity();
          int count = 0, padded = 0;
          for (int ky = 0; ky < op.kernel_h; ++ky) {
            for (int kx = 0; kx < op.kernel_w; ++kx) {
              const int64_t sy = y * op.stride_h - op.pad_top + ky, sx = x * op.stride_w - op.pad_left + kx;
              padded += sy < src.h + op.pad_bottom && sx < src.w + op.pad_right;
              if (sy < 0 || sx < 0 || sy >= src.h || sx >= src.w) continue;
              const double value = in[0].data[src.at(c, sy, sx)];
              sum += value;
              max = std::max(max, value);
              ++count;
            }
          }
          const bool average = op.kind == fb::PoolKind::Average;
          out[dst.at(c, y, x)] =
              static_cast<float>(average ? sum / (op.count_include_pad ? padded : count) : max);
        }
      }
    }
    Clamp(op.clamp, out);
    return out;
  }

  Floats1 Eval(const fb::UnaryT& op, const std::vector<Tensor>& in, const Shape&) const {
    Floats1 out = in[0].data;
    for (float& x : out) x = UnaryFunction(op, x);
    return out;
  }

  Floats1 Eval(const fb::ConcatT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    Floats1 out(ElementCount(out_shape));
    const std::vector<int64_t> steps = Strides(out_shape);
    int64_t offset = 0;
    for (const Tensor& part : in) {
      ForEach(part.shape, [&](const Shape& index, int64_t at) {
        int64_t to = offset * steps[op.axis];
        for (size_t i = 0; i < index.size(); ++i) to += index[i] * steps[i];
        out[to] = part.data[at];
      });
      offset += part.shape[op.axis];
    }
    return out;
  }

  Floats1 Eval(const fb::SliceT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    Floats1 out(ElementCount(out_shape));
    const std::vector<int64_t> steps = Strides(in[0].shape);
    ForEach(out_shape, [&](const Shape& index, int64_t at) {
      int64_t from = 0;
      for (size_t i = 0; i < index.size(); ++i) from += (op.begin[i] + index[i] * op.stride[i]) * steps[i];
      out[at] = in[0].data[from];
    });
    return out;
  }

  Floats1 Eval(const fb::PadT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    Floats1 out(ElementCount(out_shape), op.value);
    const std::vector<int64_t> steps = Strides(out_shape);
    ForEach(in[0].shape, [&](const Shape& index, int64_t at) {
      int64_t to = 0;
      for (size_t i = 0; i < index.size(); ++i) to += (index[i] + op.before[i]) * steps[i];
      out[to] = in[0].data[at];
    });
    return out;
  }

  Floats1 Eval(const fb::ReshapeT&, const std::vector<Tensor>& in, const Shape&) const { return in[0].data; }
  Floats1 Eval(const Identity&, const std::vector<Tensor>& in, const Shape&) const { return in[0].data; }

  Floats1 Eval(const fb::TransposeT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    Floats1 out(ElementCount(out_shape));
    const std::vector<int64_t> steps = Strides(in[0].shape);
    ForEach(out_shape, [&](const Shape& index, int64_t at) {
      int64_t from = 0;
      for (size_t i = 0; i < index.size(); ++i) from += index[i] * steps[op.perm[i]];
      out[at] = in[0].data[from];
    });
    return out;
  }

  Floats1 Eval(const fb::SoftmaxT&, const std::vector<Tensor>& in, const Shape& out_shape) const {
    Floats1 out = in[0].data;
    const size_t run = out_shape.back();
    for (size_t row = 0; row < out.size(); row += run) {
      const float max = *std::max_element(out.begin() + row, out.begin() + row + run);
      double sum = 0;
      for (size_t i = row; i < row + run; ++i) sum += std::exp(double{out[i]} - max);
      for (size_t i = row; i < row + run; ++i)
        out[i] = static_cast<float>(std::exp(double{out[i]} - max) / sum);
    }
    return out;
  }

  Floats1 Eval(const fb::Resize2DT& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    const Image src(in[0].shape, layout_), dst(out_shape, layout_);
    Floats1 out(ElementCount(out_shape));
    for (int64_t c = 0; c < dst.c; ++c) {
      for (int64_t y = 0; y < dst.h; ++y) {
        for (int64_t x = 0; x < dst.w; ++x) {
          const double sy = Coordinate(op.coordinates, y, src.h, dst.h);
          const double sx = Coordinate(op.coordinates, x, src.w, dst.w);
          const auto pixel = [&](int64_t py, int64_t px) {
            return double{in[0].data[src.at(c, std::clamp<int64_t>(py, 0, src.h - 1),
                                            std::clamp<int64_t>(px, 0, src.w - 1))]};
          };
          double value;
          if (op.kind == fb::ResizeKind::Nearest) {
            const auto round = [&](double at) {
              const bool floor = op.coordinates == fb::ResizeCoordinates::Asymmetric;
              return static_cast<int64_t>(floor ? std::floor(at + 1e-9) : std::ceil(at - 0.5 - 1e-9));
            };
            value = pixel(round(sy), round(sx));
          } else {
            const double cy = std::clamp(sy, 0.0, src.h - 1.0), cx = std::clamp(sx, 0.0, src.w - 1.0);
            const int64_t y0 = static_cast<int64_t>(cy), x0 = static_cast<int64_t>(cx);
            const double fy = cy - y0, fx = cx - x0;
            value = (1 - fy) * ((1 - fx) * pixel(y0, x0) + fx * pixel(y0, x0 + 1)) +
                    fy * ((1 - fx) * pixel(y0 + 1, x0) + fx * pixel(y0 + 1, x0 + 1));
          }
          out[dst.at(c, y, x)] = static_cast<float>(value);
        }
      }
    }
    return out;
  }

  Floats1 Eval(const BatchNorm& op, const std::vector<Tensor>& in, const Shape& out_shape) const {
    Floats1 out = in[0].data;
    const int64_t channels = in[1].shape[0], inner = ElementCount(out_shape) / channels;
    for (size_t i = 0; i < out.size(); ++i) {  // channels on axis 1 in every rank
      const size_t c = i / inner;
      out[i] = static_cast<float>((double{out[i]} - in[3].data[c]) /
                                      std::sqrt(double{in[4].data[c]} + op.epsilon) * in[1].data[c] +
                                  in[2].data[c]);
    }
    return out;
  }

  Floats1 Eval(const Erf&, const std::vector<Tensor>& in, const Shape&) const {
    Floats1 out = in[0].data;
    for (float& x : out) x = std::erf(x);
    return out;
  }

  template <class Other>
  Floats1 Eval(const Other&, const std::vector<Tensor>&, const Shape&) const {
    throw std::runtime_error("the naive evaluator does not know this operator");
  }

 private:
  static double Coordinate(fb::ResizeCoordinates mode, int64_t x, int64_t in, int64_t out) {
    if (mode == fb::ResizeCoordinates::Asymmetric) return static_cast<double>(x) * in / out;
    if (mode == fb::ResizeCoordinates::AlignCorners)
      return out > 1 ? static_cast<double>(x) * (in - 1) / (out - 1) : 0;
    return (x + 0.5) * in / out - 0.5;
  }

  Tensor Apply(const fb::PartFunctionT* function, Tensor value) const {
    if (function) value.data = Eval(*function->function, {value}, value.shape);
    return value;
  }

  template <class Op>
  Tensor Part(const Op& op, const Tensor& src, const Tensor& wei, const Tensor& bia, int64_t channels) const {
    const Image image(src.shape, layout_);
    const Image kernel(wei.shape.size() == 4 ? wei.shape : Shape{1, wei.shape[0], wei.shape[1], 1},
                       Layout::kNhwc);
    const auto extent = [](int64_t in, int64_t k, int64_t stride, int64_t dilation, int64_t pads) {
      return (in + pads - (k - 1) * dilation - 1) / stride + 1;
    };
    Tensor out;
    out.shape = {1, extent(image.h, kernel.h, op.stride_h, op.dilation_h, op.pad_top + op.pad_bottom),
                 extent(image.w, kernel.w, op.stride_w, op.dilation_w, op.pad_left + op.pad_right), channels};
    out.data = Eval(op, {src, wei, bia}, out.shape);
    return out;
  }

  Layout layout_;
};

bool IsNchwImage(const Graph& graph, ValueId id) {
  return graph.values[id].source_layout == fb::SourceLayout::Nchw;
}

}  // namespace

std::vector<std::vector<float>> NaiveEval(const Graph& graph, const std::vector<std::vector<float>>& inputs) {
  std::vector<Tensor> tensors(graph.values.size());
  for (size_t id = 0; id < tensors.size(); ++id) {
    const Value& value = graph.values[id];
    tensors[id].shape = value.shape;
    if (value.is_constant() && value.type == ElementType::kFloat32) {
      tensors[id].data.assign(Floats(value).begin(), Floats(value).end());
    }
  }
  if (inputs.size() != graph.inputs.size()) throw std::runtime_error("number of inputs");
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor& tensor = tensors[graph.inputs[i]];
    if (static_cast<int64_t>(inputs[i].size()) != ElementCount(tensor.shape))
      throw std::runtime_error("input size");
    tensor.data = inputs[i];
  }
  const Evaluator evaluator(graph.layout);
  for (const Node& node : graph.nodes) {
    std::vector<Tensor> in;
    for (ValueId id : node.inputs) in.push_back(id == kNoValue ? Tensor{} : tensors[id]);
    Tensor& out = tensors[node.outputs[0]];
    out.data = std::visit([&](const auto& op) { return evaluator.Eval(op, in, out.shape); }, node.options);
  }
  std::vector<std::vector<float>> outputs;
  for (ValueId id : graph.outputs) outputs.push_back(tensors[id].data);
  return outputs;
}

std::vector<float> EvalOne(const Graph& graph, const std::vector<float>& input) {
  return NaiveEval(graph, {input}).at(0);
}

const Shape& OutputShape(const Graph& graph) { return graph.values[graph.outputs.at(0)].shape; }

std::vector<float> NchwToNhwc(const std::vector<float>& src, const Shape& nchw) {
  fb::TransposeT op;
  op.perm = {0, 2, 3, 1};
  return Evaluator(Layout::kNchw).Eval(op, {{nchw, src}}, {nchw[0], nchw[2], nchw[3], nchw[1]});
}

std::vector<float> NhwcToNchw(const std::vector<float>& src, const Shape& nhwc) {
  fb::TransposeT op;
  op.perm = {0, 3, 1, 2};
  return Evaluator(Layout::kNchw).Eval(op, {{nhwc, src}}, {nhwc[0], nhwc[3], nhwc[1], nhwc[2]});
}

std::vector<std::vector<float>> EvalInSourceLayout(const Graph& graph,
                                                   const std::vector<std::vector<float>>& inputs) {
  std::vector<std::vector<float>> stored = inputs;
  for (size_t i = 0; i < stored.size(); ++i) {
    const Shape& s = graph.values[graph.inputs[i]].shape;
    if (IsNchwImage(graph, graph.inputs[i])) stored[i] = NchwToNhwc(stored[i], {s[0], s[3], s[1], s[2]});
  }
  std::vector<std::vector<float>> outputs = NaiveEval(graph, stored);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (IsNchwImage(graph, graph.outputs[i])) {
      outputs[i] = NhwcToNchw(outputs[i], graph.values[graph.outputs[i]].shape);
    }
  }
  return outputs;
}

std::vector<float> RandomFloats(int64_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float& x : values) x = static_cast<float>(generator()) / 2147483648.0f - 1;
  return values;
}

std::vector<std::vector<float>> RandomInputs(const Graph& graph, uint32_t seed) {
  std::vector<std::vector<float>> inputs;
  for (ValueId id : graph.inputs)
    inputs.push_back(RandomFloats(ElementCount(graph.values[id].shape), seed++));
  return inputs;
}

double MaxDifference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double largest = 1, difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) return std::numeric_limits<double>::infinity();
    largest = std::max<double>(largest, std::fabs(a[i]));
    if (a[i] != b[i]) difference = std::max<double>(difference, std::fabs(double{a[i]} - b[i]));
  }
  return difference / largest;
}

}  // namespace qrun::converter
