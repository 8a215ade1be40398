// The plain structs through which the runtime calls kernels. No pointers are owned; nothing here allocates.
//
// Every kernel has the shape  void k(const Args&, int begin, int end, std::byte* scratch) noexcept  and does
// the work items [begin, end) of its operation; the unit of work and the item count are stated per struct.
// Different ranges write disjoint bytes and may run on different threads at once, each with its own scratch.
// Tensors are dense NHWC. int8 kernels are exact: the scalar reference next to each defines every byte.
#ifndef QRUN_KERNELS_ARGS_H_
#define QRUN_KERNELS_ARGS_H_

#include <cstddef>
#include <cstdint>

namespace qrun::kernels {

// Geometry of a 2-D window operation. Extents in pixels. Padding is implied: a window starts at
// oy * stride_h - pad_top, ox * stride_w - pad_left on the (dilated) input; what falls outside is padding.
struct Window {
  int n = 1;
  int ih = 1, iw = 1;  // input, as stored
  int oh = 1, ow = 1;  // output
  int kh = 1, kw = 1;
  int stride_h = 1, stride_w = 1;
  int dilation_h = 1, dilation_w = 1;              // of the kernel
  int pad_top = 0, pad_left = 0;                   // on the dilated input; may be negative
  int input_dilation_h = 1, input_dilation_w = 1;  // zeros between input pixels (transposed convolution)
};

// How one ISA wants convolution weights packed (see pack.h). K runs over (kh, kw, ic of the group); each
// kernel row (kw, ic) is padded with zeros to a multiple of k_group, so that a row of input pixels can be
// multiplied where it lies. Output channels of a group are padded to a multiple of oc_block.
//   packed[group][oc_blocks][K_padded / k_group][oc_block][k_group]
// src_offset is added to each activation before the dot product (128 makes int8 unsigned for vpdpbusd); the
// packer subtracts its effect from the bias.
struct ConvPacking {
  int k_group = 1;
  int oc_block = 1;
  int src_offset = 0;
};

// dst[n,oy,ox,c] = requantise(sum over window, ic of (src - src_zp) * wei[c] + bia[c], scale[c]) + dst_zp, in
// [lo, hi]. Padding contributes zero. Work item: one output row of one part of the channels, by part and then
// row; items = parts * n * oh. Parts differ by two oc_blocks at most. Output channel c belongs to
// group c / (oc / groups). `bia` comes from PackConvWeights: it includes the zero point and src_offset terms,
// so that kernels add plain (src + src_offset) * wei products with padding bytes equal to src_zp.
// With pad_values a padding pixel holds pad_values[ic] instead, and contributes like a pixel of the image.
struct ConvS8Args {
  Window window;
  int ic = 0, oc = 0, groups = 1;
  int parts = 1;  // 1 if there are groups
  const int8_t* src = nullptr;
  const int8_t* wei = nullptr;   // packed for the ISA
  const int32_t* bia = nullptr;  // [groups * padded oc of a group], folded
  const float* scale = nullptr;  // same count
  bool scales_below_one =
      false;  // then no acc * scale leaves int32, and some kernels may run that cannot else
  int8_t* dst = nullptr;
  int src_zp = 0, dst_zp = 0, lo = -128, hi = 127;
  const int8_t* pad_values = nullptr;  // [ic], or null; not with input dilation, whose gaps hold src_zp
};

// Depthwise: wei [kh, kw, c_padded] int8 (c padded to 64 with zeros by PackDepthwiseWeights), bia and scale
// padded alike. bia is the plain bias minus src_zp * sum of weights of the channel; padding bytes equal
// src_zp. Work item: one output row; items = n * oh.
struct DwConvS8Args {
  Window window;
  int c = 0;
  int c_padded = 0;
  int ring_rows = 0;  // if not 0, row y of an image lies at row y % ring_rows of src, and src holds one image
  const int8_t* src = nullptr;
  const int8_t* wei = nullptr;
  const int32_t* bia = nullptr;
  const float* scale = nullptr;
  bool scales_below_one = false;  // as in ConvS8Args
  int8_t* dst = nullptr;
  int src_zp = 0, dst_zp = 0, lo = -128, hi = 127;
};

// dst[r, oc] = requantise(sum_k (src[r,k] - src_zp) * wei[oc,k] + bia[oc]). Packed like a 1x1 convolution.
// Work item: one block of oc_block output channels for all rows; items = ceil(oc / oc_block).
struct FullyConnectedS8Args {
  int rows = 1, ic = 0, oc = 0;
  const int8_t* src = nullptr;
  const int8_t* wei = nullptr;
  const int32_t* bia = nullptr;
  const float* scale = nullptr;
  int8_t* dst = nullptr;
  int src_zp = 0, dst_zp = 0, lo = -128, hi = 127;
};

// Elementwise on two tensors with broadcasting of b: for o in [0, outer), i in [0, inner)
//   dst[o*inner + i] = f(a[o*inner + i], b[o*b_outer_stride + i*b_inner_stride]);  strides: see BinaryStrides
//   users.
// Add:  rhe(float(a - a_zp) * a_scale + float(b - b_zp) * b_scale) + dst_zp   (scales already divided by
// dst's;
//       each product and the sum rounded to binary32, clamped before rounding to integer). Sub: b_scale
//       negated.
// Mul:  rhe(float((a - a_zp) * (b - b_zp)) * a_scale) + dst_zp               (a_scale = sa * sb / sd).
// Work item: one outer index; items = outer.
struct BinaryS8Args {
  int64_t outer = 1, inner = 0;
  int64_t b_outer_stride = 0, b_inner_stride = 1;  // inner stride is 0 or 1
  const int8_t* a = nullptr;
  const int8_t* b = nullptr;
  int8_t* dst = nullptr;
  int a_zp = 0, b_zp = 0, dst_zp = 0, lo = -128, hi = 127;
  float a_scale = 1, b_scale = 1;
};

// MobileNetV2's inverted residual, depth-first: expand (any convolution, or absent), depthwise, project
// (1x1), and the residual addition of src. The parts are those of conv2d_s8, dwconv2d_s8, conv2d_s8 and
// add_s8 on whole tensors, and so is the result, byte for byte; their src and dst pointers are ignored. The
// expanded tensor exists a few rows at a time, in the scratch. Work item: one output row; items = n * oh.
// Neighbouring ranges expand the rows under both twice.
struct InvertedResidualS8Args {
  enum Stage { kExpand, kDepthwise, kProject, kResidual, kStages };
  bool has_expand = false, residual = false;
  ConvS8Args expand;
  DwConvS8Args depthwise;
  ConvS8Args project;
  // [256], or null: what follows the part, as table_s8 on its whole result. The next part's zero point is
  // that of what the table gives.
  const int8_t* expand_table = nullptr;
  const int8_t* depthwise_table = nullptr;
  BinaryS8Args add;  // a: the projected values, b: src; extents and strides are ignored
  const int8_t* src = nullptr;
  int8_t* dst = nullptr;
  // [kStages], or null: every call adds the time that each stage took, in ticks of an unnamed unit.
  uint64_t* stage_ticks = nullptr;
  // For inverted_residual_filter_s8 and inverted_residual_project_s8: what the first leaves for the second.
  std::byte* filtered = nullptr;
};

// The same operator for one image (n = 1) in steps that divide its channels among threads, where rows would
// be too few: inverted_residual_filter_s8 expands and filters blocks of channels, for all rows, into
// `filtered`; when all items are done, inverted_residual_project_s8 makes the projected values in dst; the
// residual is an add_s8 of its own. Without items an ISA cannot divide that operator.
struct InvertedResidualSplit {
  int filter_items = 0;             // blocks of expanded channels
  int project_items = 0;            // pairs of output rows times pairs of blocks of output channels
  size_t filter_scratch_bytes = 0;  // of one thread
  size_t filtered_bytes = 0;        // shared
};

// Max and average pooling. Work item: one output row; items = n * oh. Window dilation and input dilation are
// honoured for max (dilation_h/w) and are 1 for average. Max: dst = clamp(max over the pixels inside the
// image, lo, hi). Average: requantise(sum of (src - src_zp) over the pixels inside, scale / float(count)) +
// dst_zp, count = pixels inside the image, or with count_include_pad the pixels inside image plus padding
// (pad_bottom/right bound that region).
struct PoolS8Args {
  Window window;
  int c = 0;
  int pad_bottom = 0, pad_right = 0;
  bool count_include_pad = false;
  const int8_t* src = nullptr;
  int8_t* dst = nullptr;
  int src_zp = 0, dst_zp = 0, lo = -128, hi = 127;
  float scale = 1;  // src_scale / dst_scale
};

// dst[i] = table[src[i] + 128]. Work item: one byte; items = element count. src may equal dst.
struct TableS8Args {
  const int8_t* src = nullptr;
  const int8_t* table = nullptr;  // 256
  int8_t* dst = nullptr;
};

// dst = clamp(rhe(src * inv_scale) + zp, -128, 127), with NaN -> zp (as 0). inv_scale = 1.0f / scale in
// binary32. Work item: one element.
struct QuantizeArgs {
  const float* src = nullptr;
  int8_t* dst = nullptr;
  float inv_scale = 1;
  int zp = 0;
};

// dst = float(src - zp) * scale. Work item: one element.
struct DequantizeArgs {
  const int8_t* src = nullptr;
  float* dst = nullptr;
  float scale = 1;
  int zp = 0;
};

inline constexpr int kMaxAxes = 6;

// For every index i in [0, extent[0]) x ... : element i . dst_stride of dst = element i . src_stride of src;
// strides count elements. With `table` (int8 elements only) the value is table[v + 128]. Slices, transposes,
// concatenation and padding are this with the right strides; see CoalesceAxes (movement.h). src and dst do
// not overlap. Work item: one index of axis 0.
struct StridedCopyArgs {
  int axes = 1;
  int64_t extent[kMaxAxes] = {1};
  int64_t src_stride[kMaxAxes] = {1};
  int64_t dst_stride[kMaxAxes] = {1};
  int element_bytes = 1;  // 1 or 4
  const int8_t* table = nullptr;
  const void* src = nullptr;
  void* dst = nullptr;
};

// ---- float32
// ----------------------------------------------------------------------------------------------------

// Where a sum of products has `fused`: false rounds every product and every sum to binary32 by itself, in the
// order bias, then (kh, kw, ic) ascending, so that every ISA gives the same bytes (a zero may differ in
// sign). true lets an ISA that has fused multiply-add use it.
//
// Float weights are packed [group][oc_blocks][K][oc_block], K = (kh, kw, ic of the group), by
// PackConvWeightsF32.
struct ConvF32Packing {
  int oc_block = 1;
};

// dst = clamp(sum src * wei + bia, lo, hi); padding is 0, or pad_values[ic]. Work items as in ConvS8Args.
struct ConvF32Args {
  Window window;
  int ic = 0, oc = 0, groups = 1;
  int parts = 1;
  const float* src = nullptr;
  const float* wei = nullptr;
  const float* bia = nullptr;  // [groups * padded oc of a group]
  float* dst = nullptr;
  float lo = 0, hi = 0;
  bool fused = true;
  const float* pad_values = nullptr;  // [ic], or null; not with input dilation, whose gaps are 0
};

// wei [kh, kw, c_padded], c padded to 16. Work item: one output row.
struct DwConvF32Args {
  Window window;
  int c = 0;
  int c_padded = 0;
  const float* src = nullptr;
  const float* wei = nullptr;
  const float* bia = nullptr;
  float* dst = nullptr;
  float lo = 0, hi = 0;
  bool fused = true;
};

// Packed like a 1x1 convolution. Work item: one block of oc_block channels, all rows.
struct FullyConnectedF32Args {
  int rows = 1, ic = 0, oc = 0;
  const float* src = nullptr;
  const float* wei = nullptr;
  const float* bia = nullptr;
  float* dst = nullptr;
  float lo = 0, hi = 0;
  bool fused = true;
};

// Same broadcasting as BinaryS8Args. Work item: one outer index.
enum class BinaryOp : int { kAdd, kSub, kMul, kDiv, kMin, kMax };
struct BinaryF32Args {
  BinaryOp op = BinaryOp::kAdd;
  int64_t outer = 1, inner = 0;
  int64_t b_outer_stride = 0, b_inner_stride = 1;
  const float* a = nullptr;
  const float* b = nullptr;
  float* dst = nullptr;
  float lo = 0, hi = 0;
};

// Work item: one output row.
struct PoolF32Args {
  Window window;
  int c = 0;
  int pad_bottom = 0, pad_right = 0;
  bool count_include_pad = false;
  const float* src = nullptr;
  float* dst = nullptr;
  float lo = 0, hi = 0;
};

// dst = f(src), element by element; what each kind computes and what alpha and beta mean is listed in
// unary_f32.inl.h. Work item: one element. src may equal dst.
enum class UnaryOp : int {
  kClamp,
  kLeakyRelu,
  kHardSigmoid,
  kHardSwish,
  kSigmoid,
  kSilu,
  kTanh,
  kElu,
  kExp,
  kSqrt,
  kAbs,
  kNeg,
  kGelu,
  kSoftplus,
  kLog,
  kReciprocal,
  kFloor,
  kSelu
};
struct UnaryF32Args {
  UnaryOp op = UnaryOp::kClamp;
  const float* src = nullptr;
  float* dst = nullptr;
  float alpha = 0, beta = 0;
};

// Bilinear or nearest resize of NHWC; the source index and the weight of every output row and column are
// computed by the caller (two taps, weight of the second). Nearest is weight 0. Work item: one output row;
// items = n * oh. int8: the interpolation runs on real values of the same scale, rhe at the end; src and dst
// quantisation are equal.
struct ResizeTap {
  int i0 = 0, i1 = 0;
  float w1 = 0;
};
struct ResizeS8Args {
  int n = 1, ih = 1, iw = 1, oh = 1, ow = 1, c = 1;
  const ResizeTap* rows = nullptr;  // [oh]
  const ResizeTap* cols = nullptr;  // [ow]
  const int8_t* src = nullptr;
  int8_t* dst = nullptr;
};
struct ResizeF32Args {
  int n = 1, ih = 1, iw = 1, oh = 1, ow = 1, c = 1;
  const ResizeTap* rows = nullptr;
  const ResizeTap* cols = nullptr;
  const float* src = nullptr;
  float* dst = nullptr;
};

}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_ARGS_H_
