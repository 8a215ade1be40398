// MobileNetV2's blocks and some with 5x5 filters, depth-first.
#include "bench/kernels/packed.h"
#include "bench/kernels/shapes.h"

namespace qrun::bench {
namespace {

using namespace kernels;

// Zero points of what flows between the parts.
constexpr int kExpandedZeroPoint = -128, kFilteredZeroPoint = -128, kProjectedZeroPoint = 5;

struct Sizes {
  int expanded_h, expanded_w, oh, ow;
};

Sizes SizesOf(const BlockShape& s) {
  const int pad = s.expand_kernel / 2;
  const bool expands = s.expand_kernel != 0;
  const int eh = expands ? (s.ih + 2 * pad - s.expand_kernel) / s.expand_stride + 1 : s.ih;
  const int ew = expands ? (s.iw + 2 * pad - s.expand_kernel) / s.expand_stride + 1 : s.iw;
  const auto out = [&](int extent, int kernel) {
    return (extent + 2 * s.pad - (kernel - 1) * s.dilation - 1) / s.stride + 1;
  };
  return {eh, ew, out(eh, s.kh), out(ew, s.kw)};
}

double BlockMacs(const BlockShape& s) {
  const Sizes z = SizesOf(s);
  const double expand = 1.0 * z.expanded_h * z.expanded_w * s.expand_kernel * s.expand_kernel * s.ic * s.ec;
  return s.n * (expand + 1.0 * z.oh * z.ow * s.ec * (s.kh * s.kw + s.oc));
}

Call<InvertedResidualS8Args, int8_t> Prepare(const BlockShape& s, const KernelTable& table) {
  struct Memory {
    std::vector<int8_t> src;
    PackedS8 expand, depthwise, project;
  };
  const Sizes z = SizesOf(s);
  const ConvWeightShape expand = {s.ec, std::max(1, s.expand_kernel), std::max(1, s.expand_kernel), s.ic, 1};
  const ConvWeightShape project = {s.oc, 1, 1, s.ec, 1};
  const bool expands = s.expand_kernel != 0;
  const int depthwise_zp = expands ? kExpandedZeroPoint : kSrcZeroPoint;
  auto memory =
      std::make_shared<Memory>(Memory{RandomBytes(static_cast<size_t>(s.n * s.ih * s.iw * s.ic), 1),
                                      PackConv(table.conv_packing, expand, kSrcZeroPoint, 2),
                                      PackDepthwise(s.kh * s.kw, s.ec, depthwise_zp, 3),
                                      PackConv(table.conv_packing, project, kFilteredZeroPoint, 4)});
  Call<InvertedResidualS8Args, int8_t> call;
  InvertedResidualS8Args& args = call.args;
  args.has_expand = expands;
  args.residual = s.residual;
  args.src = memory->src.data();

  Window& e = args.expand.window;
  e.n = s.n;
  e.ih = s.ih;
  e.iw = s.iw;
  e.oh = z.expanded_h;
  e.ow = z.expanded_w;
  e.kh = e.kw = expand.kh;
  e.stride_h = e.stride_w = s.expand_stride;
  e.pad_top = e.pad_left = s.expand_kernel / 2;
  args.expand.ic = s.ic;
  args.expand.oc = s.ec;
  memory->expand.Bind(args.expand);
  args.expand.src_zp = kSrcZeroPoint;
  args.expand.dst_zp = args.expand.lo = kExpandedZeroPoint;

  Window& d = args.depthwise.window;
  d.n = s.n;
  d.ih = z.expanded_h;
  d.iw = z.expanded_w;
  d.oh = z.oh;
  d.ow = z.ow;
  d.kh = s.kh;
  d.kw = s.kw;
  d.stride_h = d.stride_w = s.stride;
  d.dilation_h = d.dilation_w = s.dilation;
  d.pad_top = d.pad_left = s.pad;
  args.depthwise.c = s.ec;
  args.depthwise.c_padded = PaddedDepthwiseChannels(s.ec);
  memory->depthwise.Bind(args.depthwise);
  args.depthwise.src_zp = depthwise_zp;
  args.depthwise.dst_zp = args.depthwise.lo = kFilteredZeroPoint;

  Window& p = args.project.window;
  p.n = s.n;
  p.ih = p.oh = z.oh;
  p.iw = p.ow = z.ow;
  args.project.ic = s.ec;
  args.project.oc = s.oc;
  memory->project.Bind(args.project);
  args.project.src_zp = kFilteredZeroPoint;
  args.project.dst_zp = kProjectedZeroPoint;

  args.add.a_zp = kProjectedZeroPoint;
  args.add.b_zp = kSrcZeroPoint;
  args.add.dst_zp = -4;
  args.add.a_scale = 0.75f;
  args.add.b_scale = 0.625f;

  call.items = s.n * z.oh;
  call.scratch_bytes = table.inverted_residual_s8_scratch_bytes(args);
  call.dst_count = static_cast<size_t>(s.n * z.oh * z.ow * s.oc);
  call.memory = memory;
  return call;
}

}  // namespace

void Add_inverted_residual_s8(std::vector<Row>& rows) {
  for (const BlockShape& s : MobileNetBlocks()) {
    Case<InvertedResidualS8Args, int8_t> c;
    c.shape = s.name;
    c.macs = BlockMacs(s);
    c.prepare = [s](const KernelTable& table) { return Prepare(s, table); };
    AddRows("inverted_residual_s8", &KernelTable::inverted_residual_s8, std::move(c), rows);
  }
}

}  // namespace qrun::bench
