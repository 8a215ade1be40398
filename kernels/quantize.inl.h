// quantize_f32_s8 and dequantize_s8_f32: between float and int8; see QuantizeArgs and DequantizeArgs. Exact.
#ifndef QRUN_KERNELS_QUANTIZE_INL_H_
#define QRUN_KERNELS_QUANTIZE_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/isa_tags.h"
#include "kernels/requantize.inl.h"

namespace qrun::kernels {
namespace {

inline void QuantizeReference(const QuantizeArgs& args, int begin, int end) noexcept {
  for (int i = begin; i < end; ++i) {
    const float x = args.src[i] * args.inv_scale;
    args.dst[i] = RoundAndClamp(x == x ? x : 0.0f, args.zp, -128, 127);  // x != x: NaN
  }
}

inline void DequantizeReference(const DequantizeArgs& args, int begin, int end) noexcept {
  for (int i = begin; i < end; ++i) args.dst[i] = static_cast<float>(args.src[i] - args.zp) * args.scale;
}

template <class Tag>
void quantize_f32_s8(const QuantizeArgs& args, int begin, int end, std::byte*) noexcept {
  QuantizeReference(args, begin, end);
}

template <class Tag>
void dequantize_s8_f32(const DequantizeArgs& args, int begin, int end, std::byte*) noexcept {
  DequantizeReference(args, begin, end);
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_QUANTIZE_INL_H_
