#include "bench/peers/onednn_chain.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "kernels/onednn/openmp.h"
#include "runtime/model_impl.h"
#include "runtime/quant_math.h"
#include "schema/cat.h"

namespace qrun::bench {
namespace {

using dnnl::memory;
using tag = memory::format_tag;
using type = memory::data_type;

// What a chain cannot hold; becomes a Status at Build.
struct Refused {
  std::string reason;
};

// An activation: its memory, and for u8 real = (q - zero_point) * scale.
struct Activation {
  memory mem;
  float scale = 1;
  int zero_point = 0;
};

struct Primitive {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> args;
};

memory::dims Dims(const fb::Tensor& tensor) {
  memory::dims dims(tensor.shape()->begin(), tensor.shape()->end());
  if (dims.size() == 4) dims = {dims[0], dims[3], dims[1], dims[2]};
  return dims;
}

tag PlainTag(const memory::dims& dims, bool nchw) {
  if (dims.size() == 4) return nchw ? tag::nchw : tag::nhwc;
  if (dims.size() != 2) throw Refused{"a tensor of " + std::to_string(dims.size()) + " axes"};
  return tag::nc;
}

bool IsU8(const memory& mem) { return mem.get_desc().data_type() == type::u8; }

}  // namespace

struct OnednnChain::Impl {
  explicit Impl(const Model& model, int thread_count) : file(*model.impl().file), threads(thread_count) {}

  const fb::Model& file;
  const int threads;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<Layer> layers;
  std::vector<Primitive> steps;
  std::unordered_map<int, Activation> made;  // per tensor of the file
  std::vector<std::vector<int>> readers;     // operators that read a tensor
  memory input, output, user_input, user_output;
  dnnl::primitive_attr input_attr, output_attr;

  const fb::Tensor& tensor(int i) const { return *file.tensors()->Get(i); }
  bool is_int8(int i) const { return tensor(i).dtype() == fb::DType::Int8; }
  float ScaleOf(int i) const { return is_int8(i) ? tensor(i).quantization()->scale()->Get(0) : 1; }
  // Of the tensor as u8.
  int ZeroPointOf(int i) const {
    if (!is_int8(i)) return 0;
    const auto* zero_point = tensor(i).quantization()->zero_point();
    return 128 + (zero_point != nullptr ? zero_point->Get(0) : 0);
  }
  const uint8_t* Data(int i) const { return file.buffers()->Get(tensor(i).buffer())->data()->data(); }
  bool is_output(int i) const { return file.outputs()->Get(0) == i; }

  // An activation. Its bytes are given at the end, when it is known what lives when.
  memory NewActivation(const memory::desc& desc) { return memory(desc, engine, nullptr); }

  memory Reordered(const memory& from, const memory::desc& to) {
    if (from.get_desc() == to) return from;
    memory target = NewActivation(to);
    steps.push_back({dnnl::reorder(from, target), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, target}}});
    return target;
  }

  void Build() {
    if (file.inputs()->size() != 1 || file.outputs()->size() != 1) throw Refused{"several inputs or outputs"};
    if (file.tensors()->Get(file.inputs()->Get(0))->channel_offset() != nullptr) {
      throw Refused{"preprocessing folded into the first layer (convert with --no-fold-preprocessing)"};
    }
    readers.resize(file.tensors()->size());
    for (int i = 0; i < static_cast<int>(file.operators()->size()); ++i) {
      for (int id : *file.operators()->Get(i)->inputs()) {
        if (id >= 0) readers[id].push_back(i);
      }
    }
    std::vector<bool> done(file.operators()->size(), false);
    for (int i = 0; i < static_cast<int>(file.operators()->size()); ++i) {
      if (done[i]) continue;
      const fb::Operator& op = *file.operators()->Get(i);
      try {
        const int fused = Add(i, op);
        if (fused >= 0) done[fused] = true;
      } catch (const Refused& refused) {
        throw Refused{Cat(fb::EnumNameOptions(op.options_type()), " '", op.name()->string_view(),
                          "': ", refused.reason)};
      } catch (const dnnl::error& error) {
        throw Refused{Cat(fb::EnumNameOptions(op.options_type()), " '", op.name()->string_view(),
                          "': oneDNN: ", error.what())};
      }
    }
    if (!input) throw Refused{"a model that does not begin with a convolution or a fully connected layer"};
    BindEnds();
  }

  // Adds the primitives of operator i; returns an operator that became a part of it, or -1.
  int Add(int i, const fb::Operator& op) {
    switch (op.options_type()) {
      case fb::Options::Conv2D:
        return AddConvolution(i, op, *op.options_as_Conv2D());
      case fb::Options::DepthwiseConv2D:
        return AddConvolution(i, op, *op.options_as_DepthwiseConv2D());
      case fb::Options::FullyConnected:
        return AddFullyConnected(op, *op.options_as_FullyConnected()), -1;
      case fb::Options::Binary:
        return AddAddition(op, *op.options_as_Binary()), -1;
      case fb::Options::Pool2D:
        return AddPool(op, *op.options_as_Pool2D()), -1;
      case fb::Options::Reshape:
        return AddReshape(op), -1;
      case fb::Options::Softmax:
        return AddSoftmax(op), -1;
      case fb::Options::Dequantize:
        if (IsU8(Source(op, 0).mem)) throw Refused{"what it reads is u8 for another reader, too"};
        made[op.outputs()->Get(0)] = Source(op, 0);
        return -1;
      default:
        throw Refused{"the chain has no such operator"};
    }
  }

  const Activation& Source(const fb::Operator& op, int i) const { return made.at(op.inputs()->Get(i)); }

  void Note(const fb::Operator& op, const char* kind, const std::string& implementation, bool multiplies,
            bool int8) {
    const bool slow = implementation.starts_with("ref") || implementation.starts_with("simple");
    layers.push_back({op.name()->str(), kind, implementation, multiplies, int8 && !slow});
  }

  // What a linear operator's sums become: scale[oc] * (sum + bia[oc]), then post-operators, then the type of
  // dst.
  struct Epilogue {
    dnnl::primitive_attr attr;
    dnnl::post_ops ops;
    type dst_type = type::f32;
    Activation dst;  // scale and zero point
    std::vector<float> bia;
  };

  // Real numbers where all that follows is their dequantisation.
  bool WantsReal(int id) const {
    return std::all_of(readers[id].begin(), readers[id].end(), [&](int reader) {
      return file.operators()->Get(reader)->options_type() == fb::Options::Dequantize;
    });
  }

  static void AppendClamp(const fb::Clamp* clamp, const Epilogue& e, dnnl::post_ops& ops) {
    constexpr float kMax = std::numeric_limits<float>::max();
    if (clamp == nullptr) return;
    float lo = std::max(clamp->min(), -kMax), hi = std::min(clamp->max(), kMax);
    if (e.dst_type == type::u8) {
      const Int8Bounds bounds = QuantizeClamp(clamp, e.dst.scale, e.dst.zero_point - 128);
      if (bounds.lo == -128 && bounds.hi == 127) return;  // what storing u8 does
      lo = static_cast<float>(bounds.lo + 128);
      hi = static_cast<float>(bounds.hi + 128);
    }
    if (lo == 0 && hi == kMax) {
      ops.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    } else {
      ops.append_eltwise(1, dnnl::algorithm::eltwise_clip, lo, hi);
    }
  }

  // For the linear operator `op` with weights as given in the file, `per_channel` of them for each of oc
  // channels that lie `channel_stride` apart (1: OC last). `sum` is the other summand of a fused addition.
  Epilogue MakeEpilogue(const fb::Operator& op, int oc, int64_t per_channel, bool channel_last, bool padded,
                        int out, const fb::Clamp* clamp, const Activation* sum) {
    Epilogue e;
    const int wei = op.inputs()->Get(1), bia = op.inputs()->size() > 2 ? op.inputs()->Get(2) : -1;
    const Activation& src = Source(op, 0);
    e.bia.assign(oc, 0);
    if (!is_int8(wei)) {
      if (bia >= 0) std::copy_n(reinterpret_cast<const float*>(Data(bia)), oc, e.bia.begin());
      if (sum != nullptr) e.ops.append_sum(1);
      AppendClamp(clamp, e, e.ops);
    } else {
      if (!IsU8(src.mem)) throw Refused{"int8 weights for an activation that is not u8"};
      const bool real = WantsReal(out);
      e.dst_type = real ? type::f32 : type::u8;
      if (!real) e.dst = {{}, ScaleOf(out), ZeroPointOf(out)};
      const bool fold_src = !padded || src.zero_point == 0;
      if (!fold_src) e.attr.set_zero_points(DNNL_ARG_SRC, 0, {src.zero_point});
      const float sum_scale = sum != nullptr ? sum->scale / e.dst.scale : 0;
      const float shift = static_cast<float>(e.dst.zero_point) -
                          (sum != nullptr ? sum_scale * static_cast<float>(sum->zero_point) : 0);
      const auto* q = reinterpret_cast<const int8_t*>(Data(wei));
      const auto* wei_scale = tensor(wei).quantization()->scale();
      std::vector<float> scales(oc);
      for (int c = 0; c < oc; ++c) {
        scales[c] = src.scale * wei_scale->Get(wei_scale->size() == 1 ? 0 : c) / e.dst.scale;
        int64_t total = bia >= 0 ? reinterpret_cast<const int32_t*>(Data(bia))[c] : 0;
        for (int64_t k = 0; fold_src && k < per_channel; ++k) {
          total -= int64_t{src.zero_point} * q[channel_last ? k * oc + c : c * per_channel + k];
        }
        e.bia[c] = static_cast<float>(static_cast<double>(total) + double{shift} / scales[c]);
      }
      e.attr.set_output_scales(1 << 1, scales);
      if (sum != nullptr) e.ops.append_sum(sum_scale, 0, type::u8);
      AppendClamp(clamp, e, e.ops);
    }
    e.attr.set_post_ops(e.ops);
    return e;
  }

  // The memory that a linear operator reads: for the model's input, what it likes best.
  memory SourceMemory(int id, const memory::desc& wanted) {
    if (id == file.inputs()->Get(0)) {
      if (!input) made[id].mem = input = memory(wanted, engine);
      return Reordered(input, wanted);
    }
    return Reordered(made.at(id).mem, wanted);
  }

  // The input's parameters are needed before its memory is chosen.
  void Announce(int id) {
    if (id != file.inputs()->Get(0) || made.contains(id)) return;
    const memory::dims dims = Dims(tensor(id));
    const memory::desc desc(dims, is_int8(id) ? type::u8 : type::f32, PlainTag(dims, false));
    made[id] = {memory(desc, engine, nullptr), ScaleOf(id), ZeroPointOf(id)};
  }

  template <class PrimitiveDesc>
  void Finish(const fb::Operator& op, const char* kind, const PrimitiveDesc& desc, const memory::desc& given,
              Epilogue& e, const memory& dst, int out) {
    const int wei = op.inputs()->Get(1);
    memory from(given, engine, const_cast<uint8_t*>(Data(wei))), packed(desc.weights_desc(), engine);
    dnnl::reorder(from, packed).execute(stream, from, packed);
    memory bias(desc.bias_desc(), engine);
    std::copy(e.bia.begin(), e.bia.end(), static_cast<float*>(bias.get_data_handle()));
    stream.wait();
    const memory src = SourceMemory(op.inputs()->Get(0), desc.src_desc());
    e.dst.mem = dst ? dst : NewActivation(desc.dst_desc());
    steps.push_back({dnnl::primitive(desc),
                     {{DNNL_ARG_SRC, src},
                      {DNNL_ARG_WEIGHTS, packed},
                      {DNNL_ARG_BIAS, bias},
                      {DNNL_ARG_DST, e.dst.mem}}});
    made[out] = e.dst;
    Note(op, kind, desc.impl_info_str(), true,
         desc.src_desc().data_type() == type::u8 && desc.weights_desc().data_type() == type::s8);
  }

  // The addition behind operator i that can be done in place of its other summand: nobody reads that one
  // later, and operator i does not read it itself. -1 if there is none.
  int InPlaceAddition(int i, const fb::Operator& op, const fb::Clamp* clamp) const {
    const int out = op.outputs()->Get(0);
    if (clamp != nullptr || readers[out].size() != 1 || is_output(out)) return -1;
    const int adder = readers[out][0];
    const fb::Operator& add = *file.operators()->Get(adder);
    const auto* binary = add.options_as_Binary();
    if (binary == nullptr || binary->kind() != fb::BinaryKind::Add) return -1;
    const int other = add.inputs()->Get(add.inputs()->Get(0) == out ? 1 : 0);
    const auto found = made.find(other);
    if (found == made.end() || other == out || other == file.inputs()->Get(0) || is_output(other)) return -1;
    if (Dims(tensor(other)) != Dims(tensor(out))) return -1;
    // Other values may share its memory: a Reshape's, for one.
    for (const auto& [id, activation] : made) {
      if (Base(activation.mem) != Base(found->second.mem)) continue;
      for (int reader : readers[id]) {
        if (reader != adder && reader >= i) return -1;
      }
    }
    const bool real = is_int8(out) && WantsReal(add.outputs()->Get(0));
    return real ? -1 : adder;
  }

  template <class Options>
  int AddConvolution(int i, const fb::Operator& op, const Options& options) {
    constexpr bool kDepthwise = std::is_same_v<Options, fb::DepthwiseConv2D>;
    const int src = op.inputs()->Get(0), wei = op.inputs()->Get(1);
    int out = op.outputs()->Get(0);
    Announce(src);
    const auto& s = *tensor(wei).shape();
    const int64_t kh = s[kDepthwise ? 0 : 1], kw = s[kDepthwise ? 1 : 2], oc = s[kDepthwise ? 2 : 0];
    int64_t groups = oc, ic = 1;
    if constexpr (!kDepthwise) {
      if (options.input_dilation_h() != 1 || options.input_dilation_w() != 1) {
        throw Refused{"a transposed convolution"};
      }
      groups = options.groups();
      ic = s[3];
    }
    memory::dims wei_dims{oc, ic, kh, kw}, strides{kh * kw * ic, 1, kw * ic, ic};
    if (groups > 1) {
      wei_dims = {groups, oc / groups, ic, kh, kw};
      strides.insert(strides.begin(), strides[0] * (oc / groups));
      if (kDepthwise) strides = {1, 1, 1, kw * oc, oc};
    }
    const type wei_type = is_int8(wei) ? type::s8 : type::f32;
    const memory::dims in = Dims(tensor(src)), to = Dims(tensor(out));
    // What a stride leaves over is cropped; oneDNN wants windows to use up all padding.
    const auto behind = [](int64_t size, int64_t count, int64_t kernel, int stride, int dilation,
                           int before) {
      return std::max<int64_t>(0, (count - 1) * stride + (kernel - 1) * dilation + 1 - size - before);
    };
    const memory::dims before{options.pad_top(), options.pad_left()},
        after{behind(in[2], to[2], kh, options.stride_h(), options.dilation_h(), options.pad_top()),
              behind(in[3], to[3], kw, options.stride_w(), options.dilation_w(), options.pad_left())};
    const bool padded = before[0] || before[1] || after[0] || after[1];

    const fb::Clamp* clamp = options.clamp();
    const int adder = InPlaceAddition(i, op, clamp);
    Activation sum;
    if (adder >= 0) {
      const fb::Operator& add = *file.operators()->Get(adder);
      sum = Source(add, add.inputs()->Get(0) == out ? 1 : 0);
      clamp = add.options_as_Binary()->clamp();
      out = add.outputs()->Get(0);
    }
    Epilogue e = MakeEpilogue(op, static_cast<int>(oc), kh * kw * ic, kDepthwise, padded, out, clamp,
                              adder >= 0 ? &sum : nullptr);
    const memory::desc src_any(in, made.at(src).mem.get_desc().data_type(), tag::any),
        wei_any(wei_dims, wei_type, tag::any), bia({oc}, type::f32, tag::a),
        dst_any = adder >= 0 ? sum.mem.get_desc() : memory::desc(to, e.dst_type, tag::any);
    const dnnl::convolution_forward::desc desc(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, src_any, wei_any, bia,
        dst_any, {options.stride_h(), options.stride_w()},
        {options.dilation_h() - 1, options.dilation_w() - 1}, before, after);
    Finish(op, kDepthwise ? "depthwise" : "convolution",
           dnnl::convolution_forward::primitive_desc(desc, e.attr, engine),
           memory::desc(wei_dims, wei_type, strides), e, sum.mem, out);
    return adder;
  }

  void AddFullyConnected(const fb::Operator& op, const fb::FullyConnected& options) {
    const int src = op.inputs()->Get(0), wei = op.inputs()->Get(1), out = op.outputs()->Get(0);
    Announce(src);
    const int64_t oc = tensor(wei).shape()->Get(0), ic = tensor(wei).shape()->Get(1);
    Epilogue e = MakeEpilogue(op, static_cast<int>(oc), ic, false, false, out, options.clamp(), nullptr);
    // A pooled image of one pixel goes in as it is.
    const memory::desc src_desc = made.at(src).mem.get_desc();
    const bool image = src_desc.dims().size() == 4;
    if (!image && src_desc.dims().size() != 2) throw Refused{"an input that is no list of features"};
    const memory::dims wei_dims = image ? memory::dims{oc, ic, 1, 1} : memory::dims{oc, ic};
    const type wei_type = is_int8(wei) ? type::s8 : type::f32;
    const dnnl::inner_product_forward::desc desc(
        dnnl::prop_kind::forward_inference, memory::desc(src_desc.dims(), src_desc.data_type(), tag::any),
        memory::desc(wei_dims, wei_type, tag::any), memory::desc({oc}, type::f32, tag::a),
        memory::desc({1, oc}, e.dst_type, tag::nc));
    Finish(op, "fully connected", dnnl::inner_product_forward::primitive_desc(desc, e.attr, engine),
           memory::desc(wei_dims, wei_type, image ? tag::oihw : tag::oi), e, memory(), out);
  }

  void AddAddition(const fb::Operator& op, const fb::Binary& options) {
    const int out = op.outputs()->Get(0);
    if (options.kind() != fb::BinaryKind::Add) throw Refused{"only sums are supported"};
    for (int id : *op.inputs()) {
      if (!made.contains(id)) throw Refused{"a constant summand, or the model's input"};
    }
    const Activation &a = Source(op, 0), &b = Source(op, 1);
    if (a.mem.get_desc().dims() != b.mem.get_desc().dims()) throw Refused{"summands of different shapes"};
    Epilogue e;
    if (is_int8(out)) {
      e.dst_type = type::u8;
      e.dst = {{}, ScaleOf(out), ZeroPointOf(out)};
      const float sa = a.scale / e.dst.scale, sb = b.scale / e.dst.scale;
      e.attr.set_scales(DNNL_ARG_SRC_0, 0, {sa});
      e.attr.set_scales(DNNL_ARG_SRC_1, 0, {sb});
      e.ops.append_eltwise(1, dnnl::algorithm::eltwise_linear, 1,
                           static_cast<float>(e.dst.zero_point) - sa * static_cast<float>(a.zero_point) -
                               sb * static_cast<float>(b.zero_point));
    }
    AppendClamp(options.clamp(), e, e.ops);
    e.attr.set_post_ops(e.ops);
    const memory other = Reordered(b.mem, a.mem.get_desc());
    memory::desc dst = a.mem.get_desc();
    const dnnl::binary::primitive_desc desc(
        dnnl::binary::desc(dnnl::algorithm::binary_add, a.mem.get_desc(), other.get_desc(), dst), e.attr,
        engine);
    e.dst.mem = NewActivation(desc.dst_desc());
    steps.push_back({dnnl::primitive(desc),
                     {{DNNL_ARG_SRC_0, a.mem}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, e.dst.mem}}});
    made[out] = e.dst;
    Note(op, "addition", desc.impl_info_str(), false, is_int8(out));
  }

  void AddPool(const fb::Operator& op, const fb::Pool2D& options) {
    const int out = op.outputs()->Get(0);
    if (!made.contains(op.inputs()->Get(0))) throw Refused{"the model's input"};
    const Activation src = Source(op, 0);
    if (options.clamp() != nullptr) throw Refused{"a clamp"};
    const auto algorithm = options.kind() == fb::PoolKind::Max ? dnnl::algorithm::pooling_max
                           : options.count_include_pad()       ? dnnl::algorithm::pooling_avg_include_padding
                                                               : dnnl::algorithm::pooling_avg_exclude_padding;
    const dnnl::pooling_forward::desc desc(
        dnnl::prop_kind::forward_inference, algorithm, src.mem.get_desc(),
        memory::desc(Dims(tensor(out)), src.mem.get_desc().data_type(), tag::any),
        {options.stride_h(), options.stride_w()}, {options.kernel_h(), options.kernel_w()},
        {options.pad_top(), options.pad_left()}, {options.pad_bottom(), options.pad_right()});
    const dnnl::pooling_forward::primitive_desc pool(desc, engine);
    Activation dst = {NewActivation(pool.dst_desc()), src.scale, src.zero_point};
    steps.push_back({dnnl::primitive(pool), {{DNNL_ARG_SRC, src.mem}, {DNNL_ARG_DST, dst.mem}}});
    made[out] = dst;
    Note(op, "pooling", pool.impl_info_str(), false, IsU8(src.mem));
  }

  void AddReshape(const fb::Operator& op) {
    if (!made.contains(op.inputs()->Get(0))) throw Refused{"the model's input"};
    Activation src = Source(op, 0);
    const memory::dims from = src.mem.get_desc().dims(), to = Dims(tensor(op.outputs()->Get(0)));
    const bool one_pixel = from.size() == 4 && from[2] == 1 && from[3] == 1 && to.size() == 2;
    if (!one_pixel && from != to) {
      if (to.size() != 2) throw Refused{"anything but flattening"};
      const type t = src.mem.get_desc().data_type();
      memory plain = Reordered(src.mem, memory::desc(from, t, PlainTag(from, false)));
      src.mem = NewActivation(memory::desc(to, t, tag::nc));
      flattened.push_back({plain, src.mem});
    }
    made[op.outputs()->Get(0)] = src;
  }

  void AddSoftmax(const fb::Operator& op) {
    const Activation src = Source(op, 0);
    const int axis = 1;  // channels, or features
    const dnnl::softmax_forward::primitive_desc desc(
        dnnl::softmax_forward::desc(dnnl::prop_kind::forward_inference, src.mem.get_desc(), axis), engine);
    Activation dst = {NewActivation(desc.dst_desc()), 1, 0};
    steps.push_back({dnnl::primitive(desc), {{DNNL_ARG_SRC, src.mem}, {DNNL_ARG_DST, dst.mem}}});
    made[op.outputs()->Get(0)] = dst;
    Note(op, "softmax", desc.impl_info_str(), false, false);
  }

  // Float arrays in the source's layout, and how they are reordered into and out of the chain.
  void BindEnds() {
    const int from = file.inputs()->Get(0), to = file.outputs()->Get(0);
    const auto plain = [&](int id) {
      const memory::dims dims = Dims(tensor(id));
      const bool nchw = tensor(id).source_layout() == fb::SourceLayout::Nchw;
      return memory::desc(dims, type::f32, PlainTag(dims, nchw));
    };
    user_input = memory(plain(from), engine);
    user_output = memory(plain(to), engine);
    const Activation& src = made.at(from);
    if (IsU8(input)) {
      input_attr.set_output_scales(0, {1 / src.scale});
      input_attr.set_zero_points(DNNL_ARG_DST, 0, {src.zero_point});
    }
    const Activation& dst = made.at(to);
    output = dst.mem;
    PlaceActivations();
    if (output.get_desc().dims() != user_output.get_desc().dims()) {  // flattened from one pixel
      user_output = memory(memory::desc(output.get_desc().dims(), type::f32, tag::nchw), engine);
    }
    if (IsU8(output)) {
      output_attr.set_output_scales(0, {dst.scale});
      output_attr.set_zero_points(DNNL_ARG_SRC, 0, {dst.zero_point});
    }
  }

  // Pairs of memories that are one: an image, and its elements as a list.
  std::vector<std::pair<memory, memory>> flattened;

  // Identity of a memory's bytes.
  dnnl_memory_t Base(const memory& mem) const {
    for (const auto& [image, list] : flattened) {
      if (list.get() == mem.get()) return image.get();
    }
    return mem.get();
  }

  // Gives activations their bytes: a block that has become free, the smallest that is large enough, else a
  // new one. So the chain works in about as much cache as its largest layers take.
  void PlaceActivations() {
    std::unordered_map<dnnl_memory_t, size_t> last_step;
    const auto for_activations = [&](size_t step, const auto& visit) {
      for (const auto& [arg, mem] : steps[step].args) {
        if (arg != DNNL_ARG_WEIGHTS && arg != DNNL_ARG_BIAS && mem.get() != input.get()) visit(mem);
      }
    };
    for (size_t i = 0; i < steps.size(); ++i) {
      for_activations(i, [&](const memory& mem) { last_step[Base(mem)] = i; });
    }
    last_step[Base(output)] = steps.size();
    std::unordered_map<dnnl_memory_t, size_t> block_of;
    std::vector<size_t> free_blocks, bytes;
    std::vector<std::pair<memory, size_t>> placed;
    for (size_t i = 0; i < steps.size(); ++i) {
      for_activations(i, [&](const memory& mem) {
        const auto [entry, is_new] = block_of.try_emplace(Base(mem), bytes.size());
        const size_t wanted = mem.get_desc().get_size();
        if (is_new) {
          const auto better = [&](size_t a, size_t b) { return bytes[a] < bytes[b]; };
          std::sort(free_blocks.begin(), free_blocks.end(), better);
          const auto fit = std::find_if(free_blocks.begin(), free_blocks.end(),
                                        [&](size_t block) { return bytes[block] >= wanted; });
          if (fit == free_blocks.end()) {
            bytes.push_back(wanted);
          } else {
            entry->second = *fit;
            free_blocks.erase(fit);
          }
        }
        placed.push_back({mem, entry->second});
      });
      for_activations(i, [&](const memory& mem) {
        const auto last = last_step.find(Base(mem));
        if (last == last_step.end() || last->second != i) return;
        free_blocks.push_back(block_of.at(Base(mem)));
        last_step.erase(last);
      });
    }
    for (size_t size : bytes) {
      const auto count = static_cast<memory::dim>(size);
      blocks.emplace_back(memory::desc({count}, type::u8, tag::a), engine);
    }
    for (auto& [mem, block] : placed) mem.set_data_handle(blocks[block].get_data_handle());
  }

  std::vector<memory> blocks;

  void Reorder(const memory& from, const memory& to, const dnnl::primitive_attr& attr) {
    const dnnl::reorder::primitive_desc desc(from, to, attr);
    memory src = from, dst = to;
    dnnl::reorder(desc).execute(stream, src, dst);
    stream.wait();
  }
};

OnednnChain::OnednnChain(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OnednnChain::~OnednnChain() = default;

Result<std::unique_ptr<OnednnChain>> OnednnChain::Build(const Model& model, int threads) try {
  omp_set_num_threads(threads);
  auto impl = std::make_unique<Impl>(model, threads);
  impl->Build();
  return std::unique_ptr<OnednnChain>(new OnednnChain(std::move(impl)));
} catch (const Refused& refused) {
  return Status::Unsupported(refused.reason);
} catch (const dnnl::error& error) {
  return Status::Unsupported(Cat("oneDNN: ", error.what()));
}

const std::vector<OnednnChain::Layer>& OnednnChain::layers() const { return impl_->layers; }

void OnednnChain::SetInput(std::span<const float> values) {
  std::copy(values.begin(), values.end(), static_cast<float*>(impl_->user_input.get_data_handle()));
  impl_->Reorder(impl_->user_input, impl_->input, impl_->input_attr);
}

void OnednnChain::GetOutput(std::span<float> values) {
  impl_->Reorder(impl_->output, impl_->user_output, impl_->output_attr);
  std::copy_n(static_cast<const float*>(impl_->user_output.get_data_handle()), values.size(), values.begin());
}

void OnednnChain::Run() {
  for (const Primitive& step : impl_->steps) step.primitive.execute(impl_->stream, step.args);
  impl_->stream.wait();
}

std::string OnednnChain::Version() {
  const dnnl_version_t* version = dnnl_version();
  return Cat(version->major, ".", version->minor, ".", version->patch);
}

std::string OnednnChain::Isa() {
  switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41:
      return "sse41";
    case dnnl_cpu_isa_avx:
      return "avx";
    case dnnl_cpu_isa_avx2:
      return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
      return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core:
      return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
      return "avx512_core_bf16";
    default:
      return Cat("0x", std::hex, static_cast<int>(dnnl_get_effective_cpu_isa()));
  }
}

}  // namespace qrun::bench
