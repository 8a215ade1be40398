// MobileNetV2's classifier: 1280 features to 1000 classes, for one image and for eight.
#include "bench/kernels/packed.h"
#include "bench/kernels/shapes.h"

namespace qrun::bench {
namespace {

using namespace kernels;

constexpr int kIc = 1280, kOc = 1000;
constexpr int kBatches[] = {1, 8};

ConvWeightShape Weights() {
  ConvWeightShape weights;
  weights.oc = kOc;
  weights.ic_per_group = kIc;
  return weights;
}

Call<FullyConnectedS8Args, int8_t> PrepareS8(int rows, const KernelTable& table) {
  using Memory = WeightedMemory<int8_t, PackedS8>;
  auto memory = std::make_shared<Memory>(Memory{RandomBytes(static_cast<size_t>(rows * kIc), 1),
                                                PackConv(table.conv_packing, Weights(), kSrcZeroPoint, 2)});
  Call<FullyConnectedS8Args, int8_t> call;
  call.args.rows = rows;
  call.args.ic = kIc;
  call.args.oc = kOc;
  call.args.src = memory->src.data();
  memory->packed.Bind(call.args);
  call.args.src_zp = kSrcZeroPoint;
  call.args.dst_zp = -4;
  call.items = (kOc + table.conv_packing.oc_block - 1) / table.conv_packing.oc_block;
  call.scratch_bytes = table.fully_connected_s8_scratch_bytes(call.args);
  call.dst_count = static_cast<size_t>(rows * kOc);
  call.memory = memory;
  return call;
}

Call<FullyConnectedF32Args, float> PrepareF32(int rows, const KernelTable& table) {
  using Memory = WeightedMemory<float, PackedF32>;
  auto memory = std::make_shared<Memory>(Memory{RandomFloats(static_cast<size_t>(rows * kIc), 1),
                                                PackConvF32(table.conv_f32_packing, Weights(), 2)});
  Call<FullyConnectedF32Args, float> call;
  call.args.rows = rows;
  call.args.ic = kIc;
  call.args.oc = kOc;
  call.args.src = memory->src.data();
  memory->packed.Bind(call.args);
  call.args.lo = -INFINITY;
  call.args.hi = INFINITY;
  call.items = (kOc + table.conv_f32_packing.oc_block - 1) / table.conv_f32_packing.oc_block;
  call.dst_count = static_cast<size_t>(rows * kOc);
  call.memory = memory;
  return call;
}

std::string ShapeName(int rows) { return Cat(rows, "x", kIc, "_", kOc); }

}  // namespace

void Add_fully_connected_s8(std::vector<Row>& rows) {
  for (int n : kBatches) {
    Case<FullyConnectedS8Args, int8_t> c;
    c.shape = ShapeName(n);
    c.macs = 1.0 * n * kIc * kOc;
    c.prepare = [n](const KernelTable& table) { return PrepareS8(n, table); };
    AddRows("fully_connected_s8", &KernelTable::fully_connected_s8, std::move(c), rows);
  }
}

void Add_fully_connected_f32(std::vector<Row>& rows) {
  for (int n : kBatches) {
    Case<FullyConnectedF32Args, float> c;
    c.shape = ShapeName(n);
    c.macs = 1.0 * n * kIc * kOc;
    c.tolerance = SumTolerance(kIc);
    c.prepare = [n](const KernelTable& table) { return PrepareF32(n, table); };
    AddRows("fully_connected_f32", &KernelTable::fully_connected_f32, std::move(c), rows);
  }
}

}  // namespace qrun::bench
