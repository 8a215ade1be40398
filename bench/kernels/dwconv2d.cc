#include "bench/kernels/cases.inl.h"
#include "bench/kernels/shapes.h"
#include "kernels/pack.h"

namespace qrun::bench {
namespace {

using namespace kernels;

double DepthwiseMacs(const ConvShape& s) {
  return static_cast<double>(OutputCount(s)) * s.kernel[0] * s.kernel[1];
}

Call<DwConvS8Args, int8_t> PrepareS8(const ConvShape& s, const KernelTable& table) {
  struct Memory {
    std::vector<int8_t> src;
    Aligned<int8_t> wei;
    Aligned<int32_t> bia;
    Aligned<float> scale;
  };
  const int taps = s.kernel[0] * s.kernel[1], padded = PaddedDepthwiseChannels(s.oc);
  const size_t channels = static_cast<size_t>(padded);
  auto memory = std::make_shared<Memory>(Memory{RandomBytes(InputCount(s), 1),
                                                Aligned<int8_t>(channels * static_cast<size_t>(taps)),
                                                Aligned<int32_t>(channels), Aligned<float>(channels)});
  const auto wei = RandomBytes(static_cast<size_t>(taps * s.oc), 2);
  const std::vector<float> scales(static_cast<size_t>(s.oc),
                                  60.0f / (5000 * std::sqrt(static_cast<float>(taps))));
  PackDepthwiseWeights(taps, s.oc, kSrcZeroPoint, wei.data(), nullptr, scales.data(), memory->wei.data(),
                       memory->bia.data(), memory->scale.data());
  Call<DwConvS8Args, int8_t> call;
  call.args.window = s.ToWindow();
  call.args.c = s.oc;
  call.args.c_padded = padded;
  call.args.src = memory->src.data();
  call.args.wei = memory->wei.data();
  call.args.bia = memory->bia.data();
  call.args.scale = memory->scale.data();
  call.args.src_zp = kSrcZeroPoint;
  call.args.dst_zp = -4;
  call.items = s.n * call.args.window.oh;
  call.scratch_bytes = table.dwconv2d_s8_scratch_bytes(call.args);
  call.dst_count = OutputCount(s);
  call.memory = memory;
  return call;
}

Call<DwConvF32Args, float> PrepareF32(const ConvShape& s, const KernelTable&) {
  struct Memory {
    std::vector<float> src;
    Aligned<float> wei, bia;
  };
  const int taps = s.kernel[0] * s.kernel[1], padded = PaddedDepthwiseChannelsF32(s.oc);
  const size_t channels = static_cast<size_t>(padded);
  auto memory = std::make_shared<Memory>(Memory{RandomFloats(InputCount(s), 1),
                                                Aligned<float>(channels * static_cast<size_t>(taps)),
                                                Aligned<float>(channels)});
  const auto wei = RandomFloats(static_cast<size_t>(taps * s.oc), 2);
  PackDepthwiseWeightsF32(taps, s.oc, wei.data(), nullptr, memory->wei.data(), memory->bia.data());
  Call<DwConvF32Args, float> call;
  call.args.window = s.ToWindow();
  call.args.c = s.oc;
  call.args.c_padded = padded;
  call.args.src = memory->src.data();
  call.args.wei = memory->wei.data();
  call.args.bia = memory->bia.data();
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
    AddRows<DwConvS8Args, int8_t>("dwconv2d_s8", &KernelTable::dwconv2d_s8,
                                  {.shape = s.name,
                                   .macs = DepthwiseMacs(s),
                                   .prepare = [s](const KernelTable& table) { return PrepareS8(s, table); }},
                                  rows);
  }
}

void Add_dwconv2d_f32(std::vector<Row>& rows) {
  for (const ConvShape& s : MobileNetDepthwiseShapes()) {
    AddRows<DwConvF32Args, float>("dwconv2d_f32", &KernelTable::dwconv2d_f32,
                                  {.shape = s.name,
                                   .macs = DepthwiseMacs(s),
                                   .tolerance = SumTolerance(s.kernel[0] * s.kernel[1]),
                                   .prepare = [s](const KernelTable& table) { return PrepareF32(s, table); }},
                                  rows);
  }
}

}  // namespace qrun::bench
