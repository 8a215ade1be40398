#include "bench/kernels/packed.h"
#include "bench/kernels/shapes.h"

namespace qrun::bench {
namespace {

using namespace kernels;

double DepthwiseMacs(const ConvShape& s) {
  return static_cast<double>(OutputCount(s)) * s.kernel[0] * s.kernel[1];
}

Call<DwConvS8Args, int8_t> PrepareS8(const ConvShape& s, const KernelTable& table) {
  using Memory = WeightedMemory<int8_t, PackedS8>;
  auto memory = std::make_shared<Memory>(Memory{
      RandomBytes(InputCount(s), 1), PackDepthwise(s.kernel[0] * s.kernel[1], s.oc, kSrcZeroPoint, 2)});
  Call<DwConvS8Args, int8_t> call;
  call.args.window = s.ToWindow();
  call.args.c = s.oc;
  call.args.c_padded = PaddedDepthwiseChannels(s.oc);
  call.args.src = memory->src.data();
  memory->packed.Bind(call.args);
  call.args.src_zp = kSrcZeroPoint;
  call.args.dst_zp = -4;
  call.items = s.n * call.args.window.oh;
  call.scratch_bytes = table.dwconv2d_s8_scratch_bytes(call.args);
  call.dst_count = OutputCount(s);
  call.memory = memory;
  return call;
}

Call<DwConvF32Args, float> PrepareF32(const ConvShape& s, const KernelTable&) {
  using Memory = WeightedMemory<float, PackedF32>;
  auto memory = std::make_shared<Memory>(
      Memory{RandomFloats(InputCount(s), 1), PackDepthwiseF32(s.kernel[0] * s.kernel[1], s.oc, 2)});
  Call<DwConvF32Args, float> call;
  call.args.window = s.ToWindow();
  call.args.c = s.oc;
  call.args.c_padded = PaddedDepthwiseChannelsF32(s.oc);
  call.args.src = memory->src.data();
  memory->packed.Bind(call.args);
  call.args.lo = 0;
  call.args.hi = 6;
  call.items = s.n * call.args.window.oh;
  call.dst_count = OutputCount(s);
  call.memory = memory;
  return call;
}

}  // namespace

void Add_dwconv2d_s8(std::vector<Row>& rows) {
  for (const ConvShape& s : MobileNetDepthwiseShapes()) {
    Case<DwConvS8Args, int8_t> c;
    c.shape = s.name;
    c.macs = DepthwiseMacs(s);
    c.prepare = [s](const KernelTable& table) { return PrepareS8(s, table); };
    AddRows("dwconv2d_s8", &KernelTable::dwconv2d_s8, std::move(c), rows);
  }
}

void Add_dwconv2d_f32(std::vector<Row>& rows) {
  for (const ConvShape& s : MobileNetDepthwiseShapes()) {
    Case<DwConvF32Args, float> c;
    c.shape = s.name;
    c.macs = DepthwiseMacs(s);
    c.tolerance = SumTolerance(s.kernel[0] * s.kernel[1]);
    c.prepare = [s](const KernelTable& table) { return PrepareF32(s, table); };
    AddRows("dwconv2d_f32", &KernelTable::dwconv2d_f32, std::move(c), rows);
  }
}

}  // namespace qrun::bench
