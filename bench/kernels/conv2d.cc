#include "bench/kernels/packed.h"
#include "bench/kernels/shapes.h"

namespace qrun::bench {
namespace {

using namespace kernels;

ConvWeightShape WeightsOf(const ConvShape& s) {
  return {s.oc, s.kernel[0], s.kernel[1], s.ic / s.groups, s.groups};
}

Call<ConvS8Args, int8_t> PrepareS8(const ConvShape& s, const KernelTable& table) {
  using Memory = WeightedMemory<int8_t, PackedS8>;
  auto memory = std::make_shared<Memory>(
      Memory{RandomBytes(InputCount(s), 1), PackConv(table.conv_packing, WeightsOf(s), kSrcZeroPoint, 2)});
  Call<ConvS8Args, int8_t> call;
  call.args.window = s.ToWindow();
  call.args.ic = s.ic;
  call.args.oc = s.oc;
  call.args.groups = s.groups;
  call.args.src = memory->src.data();
  memory->packed.Bind(call.args);
  call.args.src_zp = kSrcZeroPoint;
  call.args.dst_zp = -4;
  call.items = s.n * call.args.window.oh;
  call.scratch_bytes = table.conv2d_s8_scratch_bytes(call.args);
  call.dst_count = OutputCount(s);
  call.memory = memory;
  return call;
}

Call<ConvF32Args, float> PrepareF32(const ConvShape& s, const KernelTable& table) {
  using Memory = WeightedMemory<float, PackedF32>;
  auto memory = std::make_shared<Memory>(
      Memory{RandomFloats(InputCount(s), 1), PackConvF32(table.conv_f32_packing, WeightsOf(s), 2)});
  Call<ConvF32Args, float> call;
  call.args.window = s.ToWindow();
  call.args.ic = s.ic;
  call.args.oc = s.oc;
  call.args.groups = s.groups;
  call.args.src = memory->src.data();
  memory->packed.Bind(call.args);
  call.args.lo = 0;
  call.args.hi = 6;
  call.items = s.n * call.args.window.oh;
  call.scratch_bytes = table.conv2d_f32_scratch_bytes(call.args);
  call.dst_count = OutputCount(s);
  call.memory = memory;
  return call;
}

std::vector<ConvShape> Shapes() {
  std::vector<ConvShape> shapes = MobileNetShapes();
  shapes.insert(shapes.end(), SpatialShapes().begin(), SpatialShapes().end());
  return shapes;
}

}  // namespace

void Add_conv2d_s8(std::vector<Row>& rows) {
  for (const ConvShape& s : Shapes()) {
    Case<ConvS8Args, int8_t> c;
    c.shape = s.name;
    c.macs = Macs(s);
    c.prepare = [s](const KernelTable& table) { return PrepareS8(s, table); };
    AddRows("conv2d_s8", &KernelTable::conv2d_s8, std::move(c), rows);
  }
}

void Add_conv2d_f32(std::vector<Row>& rows) {
  for (const ConvShape& s : Shapes()) {
    Case<ConvF32Args, float> c;
    c.shape = s.name;
    c.macs = Macs(s);
    c.tolerance = SumTolerance(WeightsOf(s).K());
    c.prepare = [s](const KernelTable& table) { return PrepareF32(s, table); };
    AddRows("conv2d_f32", &KernelTable::conv2d_f32, std::move(c), rows);
  }
}

}  // namespace qrun::bench
