// Conv2D, DepthwiseConv2D, FullyConnected: window geometry, weight shapes, quantisation and the accumulator
// bound.
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "schema/op_check.h"
#include "schema/verify.h"

namespace qrun::schema {
namespace {

constexpr int64_t kMaxStep = 4096;  // strides, dilations
constexpr int64_t kMaxPad = 16384;

struct Axis {
  const char* name;
  int64_t in, out, kernel, stride, dilation, pad_before, pad_after, input_dilation;
};

Status CheckAxis(const OpCheck& check, const Axis& axis) {
  QRUN_RETURN_IF_ERROR(check.InRange("stride", axis.stride, 1, kMaxStep));
  QRUN_RETURN_IF_ERROR(check.InRange("dilation", axis.dilation, 1, kMaxStep));
  QRUN_RETURN_IF_ERROR(check.InRange("input dilation", axis.input_dilation, 1, kMaxStep));
  QRUN_RETURN_IF_ERROR(check.InRange("padding", axis.pad_before, -kMaxPad, kMaxPad));
  QRUN_RETURN_IF_ERROR(check.InRange("padding", axis.pad_after, -kMaxPad, kMaxPad));
  // Kernels compute positions on the dilated, padded input with int.
  const int64_t reach = (axis.in - 1) * axis.input_dilation + 1 + axis.pad_before + axis.pad_after;
  QRUN_RETURN_IF_ERROR(check.InRange("dilated and padded extent", reach, 1, int64_t{1} << 30));
  const int64_t want = WindowExtent(axis.in, axis.input_dilation, axis.kernel, axis.dilation, axis.stride,
                                    axis.pad_before, axis.pad_after);
  if (want == axis.out) return Status::Ok();
  return check.Error(Cat("output ", axis.name, " is ", axis.out, " but the window gives ", want));
}

// Weights, bias and types of anything that sums products; channels are slices of `wei` along its axis
// `wei_axis`, interleaved (element i belongs to channel i % channels) if that is the last axis, else
// contiguous.
Status CheckProducts(const OpCheck& check, const fb::Tensor& src, const fb::Tensor& wei,
                     const fb::Tensor* bia, const fb::Tensor& dst, int channels, int wei_axis) {
  if (!IsConstant(wei)) return check.Error("weights must be a constant");
  QRUN_RETURN_IF_ERROR(check.FloatOrInt8(src, "input"));
  QRUN_RETURN_IF_ERROR(check.SameType(src, dst));
  QRUN_RETURN_IF_ERROR(check.SameType(src, wei));
  const bool int8 = src.dtype() == fb::DType::Int8;
  if (bia != nullptr) {
    if (!IsConstant(*bia)) return check.Error("bias must be a constant");
    if (Rank(*bia) != 1 || Dim(*bia, 0) != channels) {
      return check.Error(Cat("bias has shape ", ShapeText(*bia), ", expected [", channels, "]"));
    }
    if (bia->dtype() != (int8 ? fb::DType::Int32 : fb::DType::Float32)) {
      return check.Error(
          Cat("bias is ", fb::EnumNameDType(bia->dtype()), ", expected ", int8 ? "Int32" : "Float32"));
    }
  }
  if (!int8) return Status::Ok();

  const fb::Quantization& quant = *wei.quantization();
  const int scales = static_cast<int>(quant.scale()->size());
  if (scales != 1 && (scales != channels || quant.axis() != wei_axis)) {
    return check.Error(Cat("weights have ", scales, " scales on axis ", quant.axis(), ", expected 1 or ",
                           channels, " on axis ", wei_axis));
  }
  if (quant.zero_point() != nullptr) {
    for (int32_t zero_point : *quant.zero_point()) {
      if (zero_point != 0) return check.Error(Cat("weights have zero point ", zero_point, ", expected 0"));
    }
  }
  const double src_scale = src.quantization()->scale()->Get(0);
  const double dst_scale = dst.quantization()->scale()->Get(0);
  for (float wei_scale : *quant.scale()) {
    const float scale = static_cast<float>(src_scale * wei_scale / dst_scale);
    if (!std::isnormal(scale))
      return check.Error(Cat("requantisation scale ", scale, " is outside of float's range"));
  }

  // |accumulator| <= max |src - zp| * sum |wei| + |bia| must fit int32 for every channel.
  const int zp = src.quantization()->zero_point() ? src.quantization()->zero_point()->Get(0) : 0;
  const int64_t max_src = zp < 0 ? 127 - zp : zp + 128;
  const auto* wei_bytes = check.model().buffers()->Get(wei.buffer())->data();
  const auto* bia_bytes = bia ? check.model().buffers()->Get(bia->buffer())->data() : nullptr;
  const int64_t k = ElementCount(wei) / channels;
  const bool interleaved = wei_axis != 0;
  const auto bias_of = [&](int channel) -> int64_t {
    if (bia_bytes == nullptr) return 0;
    int32_t value;
    std::memcpy(&value, bia_bytes->Data() + sizeof(value) * channel, sizeof(value));
    return std::llabs(value);
  };
  constexpr int64_t kInt32Max = 2147483647;
  for (int channel = 0; channel < channels; ++channel) {
    const int64_t bias = bias_of(channel);
    if (k * 128 * max_src + bias <= kInt32Max) continue;  // safe whatever the weights are
    int64_t sum = 0;
    for (int64_t i = 0; i < k; ++i) {
      const int64_t at = interleaved ? i * channels + channel : channel * k + i;
      sum += std::abs(static_cast<int8_t>(wei_bytes->Get(static_cast<flatbuffers::uoffset_t>(at))));
    }
    if (sum * max_src + bias > kInt32Max) {
      return check.Error(Cat("output channel ", channel,
                             " can overflow its int32 accumulator (sum of |weights| ", sum, ", |bias| ", bias,
                             ")"));
    }
  }
  return Status::Ok();
}

Status CheckImage(const OpCheck& check, const fb::Tensor& tensor, const char* what) {
  if (Rank(tensor) == 4) return Status::Ok();
  return check.Error(Cat(what, " has shape ", ShapeText(tensor), ", expected [N, H, W, C]"));
}

}  // namespace

Status CheckConv2D(const OpCheck& check, const fb::Conv2D& options, const fb::Tensor& src,
                   const fb::Tensor& wei, const fb::Tensor* bia, const fb::Tensor& dst) {
  QRUN_RETURN_IF_ERROR(CheckImage(check, src, "input"));
  QRUN_RETURN_IF_ERROR(CheckImage(check, dst, "output"));
  if (Rank(wei) != 4)
    return check.Error(Cat("weights have shape ", ShapeText(wei), ", expected [OC, KH, KW, IC]"));
  const int oc = Dim(wei, 0), ic = Dim(src, 3), groups = options.groups();
  QRUN_RETURN_IF_ERROR(check.InRange("groups", groups, 1, ic));
  if (ic % groups != 0 || oc % groups != 0 || Dim(wei, 3) != ic / groups) {
    return check.Error(
        Cat("weights ", ShapeText(wei), " do not fit ", ic, " input channels in ", groups, " groups"));
  }
  if (Dim(dst, 3) != oc) return check.Error(Cat("output has ", Dim(dst, 3), " channels, weights have ", oc));
  QRUN_RETURN_IF_ERROR(CheckAxis(
      check, {"height", Dim(src, 1), Dim(dst, 1), Dim(wei, 1), options.stride_h(), options.dilation_h(),
              options.pad_top(), options.pad_bottom(), options.input_dilation_h()}));
  QRUN_RETURN_IF_ERROR(CheckAxis(
      check, {"width", Dim(src, 2), Dim(dst, 2), Dim(wei, 2), options.stride_w(), options.dilation_w(),
              options.pad_left(), options.pad_right(), options.input_dilation_w()}));
  if (const auto* pad_values = options.pad_values()) {
    if (pad_values->size() != static_cast<uint32_t>(ic)) {
      return check.Error(Cat(pad_values->size(), " padding values for ", ic, " input channels"));
    }
    if (options.input_dilation_h() != 1 || options.input_dilation_w() != 1) {
      return check.Error("padding values do not go with input dilation");
    }
    for (float value : *pad_values) {
      if (!std::isfinite(value)) return check.Error(Cat("padding value ", value, " is not finite"));
    }
  }
  QRUN_RETURN_IF_ERROR(check.CheckClamp(options.clamp()));
  const int64_t taps = ElementCount(wei) / oc;
  if (ElementCount(dst) > kMaxOperatorWork / taps) return check.CheckWork(kMaxOperatorWork + 1);
  QRUN_RETURN_IF_ERROR(check.CheckWork(ElementCount(dst) * taps));
  return CheckProducts(check, src, wei, bia, dst, oc, 0);
}

Status CheckDepthwise(const OpCheck& check, const fb::DepthwiseConv2D& options, const fb::Tensor& src,
                      const fb::Tensor& wei, const fb::Tensor* bia, const fb::Tensor& dst) {
  QRUN_RETURN_IF_ERROR(CheckImage(check, src, "input"));
  QRUN_RETURN_IF_ERROR(CheckImage(check, dst, "output"));
  const int c = Dim(src, 3);
  if (Rank(wei) != 3 || Dim(wei, 2) != c) {
    return check.Error(Cat("weights have shape ", ShapeText(wei), ", expected [KH, KW, ", c, "]"));
  }
  if (Dim(dst, 3) != c) return check.Error(Cat("output has ", Dim(dst, 3), " channels, input has ", c));
  QRUN_RETURN_IF_ERROR(CheckAxis(check, {"height", Dim(src, 1), Dim(dst, 1), Dim(wei, 0), options.stride_h(),
                                         options.dilation_h(), options.pad_top(), options.pad_bottom(), 1}));
  QRUN_RETURN_IF_ERROR(CheckAxis(check, {"width", Dim(src, 2), Dim(dst, 2), Dim(wei, 1), options.stride_w(),
                                         options.dilation_w(), options.pad_left(), options.pad_right(), 1}));
  QRUN_RETURN_IF_ERROR(check.CheckClamp(options.clamp()));
  const int64_t taps = int64_t{Dim(wei, 0)} * Dim(wei, 1);
  if (ElementCount(dst) > kMaxOperatorWork / taps) return check.CheckWork(kMaxOperatorWork + 1);
  QRUN_RETURN_IF_ERROR(check.CheckWork(ElementCount(dst) * taps));
  return CheckProducts(check, src, wei, bia, dst, c, 2);
}

Status VerifyConv2D(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(2, 3));
  return CheckConv2D(check, *check.op().options_as_Conv2D(), *check.input(0), *check.input(1), check.input(2),
                     check.output());
}

Status VerifyDepthwiseConv2D(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(2, 3));
  return CheckDepthwise(check, *check.op().options_as_DepthwiseConv2D(), *check.input(0), *check.input(1),
                        check.input(2), check.output());
}

Status VerifyFullyConnected(const OpCheck& check) {
  QRUN_RETURN_IF_ERROR(check.Arity(2, 3));
  const fb::Tensor &src = *check.input(0), &wei = *check.input(1), &dst = check.output();
  const int rank = Rank(src);
  if (rank < 2 || Rank(wei) != 2 || Rank(dst) != rank || Dim(src, rank - 1) != Dim(wei, 1) ||
      Dim(dst, rank - 1) != Dim(wei, 0)) {
    return check.Error(Cat("shapes do not fit: input ", ShapeText(src), ", weights ", ShapeText(wei),
                           ", output ", ShapeText(dst), "; expected [N, ..., IC], [OC, IC], [N, ..., OC]"));
  }
  for (int i = 0; i + 1 < rank; ++i) {
    if (Dim(src, i) != Dim(dst, i)) return check.Error("input and output differ outside of the last axis");
  }
  QRUN_RETURN_IF_ERROR(check.CheckClamp(check.op().options_as_FullyConnected()->clamp()));
  QRUN_RETURN_IF_ERROR(check.CheckWork(ElementCount(dst) * Dim(wei, 1)));
  return CheckProducts(check, src, wei, check.input(2), dst, Dim(wei, 0), 0);
}

}  // namespace qrun::schema
