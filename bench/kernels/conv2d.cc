#include "bench/kernels/cases.inl.h"
#include "bench/kernels/shapes.h"
#include "kernels/pack.h"

namespace qrun::bench {
namespace {

using namespace kernels;

template <class T>
struct Memory {
  std::vector<T> src;
  Aligned<T> wei;
  Aligned<std::conditional_t<std::is_same_v<T, int8_t>, int32_t, float>> bia;
  Aligned<float> scale;
};

ConvWeightShape WeightsOf(const ConvShape& s) {
  return {s.oc, s.kernel[0], s.kernel[1], s.ic / s.groups, s.groups};
}

Call<ConvS8Args, int8_t> PrepareS8(const ConvShape& s, const KernelTable& table) {
  const ConvWeightShape weights = WeightsOf(s);
  const size_t channels = PackedConvChannelCount(table.conv_packing, weights);
  auto memory = std::make_shared<Memory<int8_t>>(Memory<int8_t>{
      RandomBytes(InputCount(s), 1), Aligned<int8_t>(PackedConvWeightBytes(table.conv_packing, weights)),
      Aligned<int32_t>(channels), Aligned<float>(channels)});
  const auto wei = RandomBytes(static_cast<size_t>(weights.K()) * static_cast<size_t>(s.oc), 2);
  // Sums of K products of about 70 * 70 then fill the range of int8.
  const std::vector<float> scales(static_cast<size_t>(s.oc),
                                  60.0f / (5000 * std::sqrt(static_cast<float>(weights.K()))));
  PackConvWeights(table.conv_packing, weights, kSrcZeroPoint, wei.data(), nullptr, scales.data(),
                  memory->wei.data(), memory->bia.data(), memory->scale.data());
  Call<ConvS8Args, int8_t> call;
  call.args.window = s.ToWindow();
  call.args.ic = s.ic;
  call.args.oc = s.oc;
  call.args.groups = s.groups;
  call.args.src = memory->src.data();
  call.args.wei = memory->wei.data();
  call.args.bia = memory->bia.data();
  call.args.scale = memory->scale.data();
  call.args.src_zp = kSrcZeroPoint;
  call.args.dst_zp = -4;
  call.items = s.n * call.args.window.oh;
  call.scratch_bytes = table.conv2d_s8_scratch_bytes(call.args);
  call.dst_count = OutputCount(s);
  call.memory = memory;
  return call;
}

Call<ConvF32Args, float> PrepareF32(const ConvShape& s, const KernelTable& table) {
  const ConvWeightShape weights = WeightsOf(s);
  const size_t channels = PackedConvChannelCountF32(table.conv_f32_packing, weights);
  auto memory = std::make_shared<Memory<float>>(
      Memory<float>{RandomFloats(InputCount(s), 1),
                    Aligned<float>(PackedConvWeightCountF32(table.conv_f32_packing, weights)),
                    Aligned<float>(channels), Aligned<float>(0)});
  const auto wei = RandomFloats(static_cast<size_t>(weights.K()) * static_cast<size_t>(s.oc), 2);
  PackConvWeightsF32(table.conv_f32_packing, weights, wei.data(), nullptr, memory->wei.data(),
                     memory->bia.data());
  Call<ConvF32Args, float> call;
  call.args.window = s.ToWindow();
  call.args.ic = s.ic;
  call.args.oc = s.oc;
  call.args.groups = s.groups;
  call.args.src = memory->src.data();
  call.args.wei = memory->wei.data();
  call.args.bia = memory->bia.data();
  call.args.lo = 0;
  call.args.hi = 6;
  call.items = s.n * call.args.window.oh;
  call.scratch_bytes = table.conv2d_f32_scratch_bytes(call.args);
  call.dst_count = OutputCount(s);
  call.memory = memory;
  return call;
}

}  // namespace

void Add_conv2d_s8(std::vector<Row>& rows) {
  for (const ConvShape& s : MobileNetShapes()) {
    AddRows<ConvS8Args, int8_t>("conv2d_s8", &KernelTable::conv2d_s8,
                                {.shape = s.name,
                                 .macs = Macs(s),
                                 .prepare = [s](const KernelTable& table) { return PrepareS8(s, table); }},
                                rows);
  }
}

void Add_conv2d_f32(std::vector<Row>& rows) {
  for (const ConvShape& s : MobileNetShapes()) {
    AddRows<ConvF32Args, float>("conv2d_f32", &KernelTable::conv2d_f32,
                                {.shape = s.name,
                                 .macs = Macs(s),
                                 .tolerance = SumTolerance(WeightsOf(s).K()),
                                 .prepare = [s](const KernelTable& table) { return PrepareF32(s, table); }},
                                rows);
  }
}

}  // namespace qrun::bench
