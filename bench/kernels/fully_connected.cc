// MobileNetV2's classifier: 1280 features to 1000 classes, for one image and for eight.
#include "bench/kernels/cases.inl.h"
#include "bench/kernels/shapes.h"
#include "kernels/pack.h"

namespace qrun::bench {
namespace {

using namespace kernels;

constexpr int kIc = 1280, kOc = 1000;
constexpr ConvWeightShape kWeights = {.oc = kOc, .ic_per_group = kIc};

Call<FullyConnectedS8Args, int8_t> PrepareS8(int rows, const KernelTable& table) {
  struct Memory {
    std::vector<int8_t> src;
    Aligned<int8_t> wei;
    Aligned<int32_t> bia;
    Aligned<float> scale;
  };
  const size_t channels = PackedConvChannelCount(table.conv_packing, kWeights);
  auto memory =
      std::make_shared<Memory>(Memory{RandomBytes(static_cast<size_t>(rows * kIc), 1),
                                      Aligned<int8_t>(PackedConvWeightBytes(table.conv_packing, kWeights)),
                                      Aligned<int32_t>(channels), Aligned<float>(channels)});
  const auto wei = RandomBytes(size_t{kIc} * kOc, 2);
  const std::vector<float> scales(kOc, 60.0f / (5000 * std::sqrt(static_cast<float>(kIc))));
  PackConvWeights(table.conv_packing, kWeights, kSrcZeroPoint, wei.data(), nullptr, scales.data(),
                  memory->wei.data(), memory->bia.data(), memory->scale.data());
  Call<FullyConnectedS8Args, int8_t> call;
  call.args = {.rows = rows,
               .ic = kIc,
               .oc = kOc,
               .src = memory->src.data(),
               .wei = memory->wei.data(),
               .bia = memory->bia.data(),
               .scale = memory->scale.data(),
               .src_zp = kSrcZeroPoint,
               .dst_zp = -4};
  call.items = (kOc + table.conv_packing.oc_block - 1) / table.conv_packing.oc_block;
  call.scratch_bytes = table.fully_connected_s8_scratch_bytes(call.args);
  call.dst_count = static_cast<size_t>(rows * kOc);
  call.memory = memory;
  return call;
}

Call<FullyConnectedF32Args, float> PrepareF32(int rows, const KernelTable& table) {
  struct Memory {
    std::vector<float> src;
    Aligned<float> wei, bia;
  };
  auto memory = std::make_shared<Memory>(
      Memory{RandomFloats(static_cast<size_t>(rows * kIc), 1),
             Aligned<float>(PackedConvWeightCountF32(table.conv_f32_packing, kWeights)),
             Aligned<float>(PackedConvChannelCountF32(table.conv_f32_packing, kWeights))});
  const auto wei = RandomFloats(size_t{kIc} * kOc, 2);
  PackConvWeightsF32(table.conv_f32_packing, kWeights, wei.data(), nullptr, memory->wei.data(),
                     memory->bia.data());
  Call<FullyConnectedF32Args, float> call;
  call.args = {.rows = rows,
               .ic = kIc,
               .oc = kOc,
               .src = memory->src.data(),
               .wei = memory->wei.data(),
               .bia = memory->bia.data(),
               .lo = -INFINITY,
               .hi = INFINITY};
  call.items = (kOc + table.conv_f32_packing.oc_block - 1) / table.conv_f32_packing.oc_block;
  call.dst_count = static_cast<size_t>(rows * kOc);
  call.memory = memory;
  return call;
}

std::string ShapeName(int rows) { return Cat(rows, "x", kIc, "_", kOc); }

}  // namespace

void Add_fully_connected_s8(std::vector<Row>& rows) {
  for (int n : {1, 8}) {
    AddRows<FullyConnectedS8Args, int8_t>(
        "fully_connected_s8", &KernelTable::fully_connected_s8,
        {.shape = ShapeName(n),
         .macs = 1.0 * n * kIc * kOc,
         .prepare = [n](const KernelTable& table) { return PrepareS8(n, table); }},
        rows);
  }
}

void Add_fully_connected_f32(std::vector<Row>& rows) {
  for (int n : {1, 8}) {
    AddRows<FullyConnectedF32Args, float>(
        "fully_connected_f32", &KernelTable::fully_connected_f32,
        {.shape = ShapeName(n),
         .macs = 1.0 * n * kIc * kOc,
         .tolerance = SumTolerance(kIc),
         .prepare = [n](const KernelTable& table) { return PrepareF32(n, table); }},
        rows);
  }
}

}  // namespace qrun::bench
