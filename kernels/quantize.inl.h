// quantize_f32_s8 and dequantize_s8_f32: between float and int8; see QuantizeArgs and DequantizeArgs. Exact.
#ifndef QRUN_KERNELS_QUANTIZE_INL_H_
#define QRUN_KERNELS_QUANTIZE_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/dot.inl.h"
#include "kernels/inline.inl.h"
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
void QuantizeSimd(const QuantizeArgs& args, int begin, int end) noexcept {
  using Ops = S8<Tag>;
  using F32 = typename Ops::F32;
  const Requantizer<Tag> requantizer(args.zp, -128, 127);
  const F32 inv_scale(args.inv_scale);
  const auto whole = [&](const float* src) QRUN_INLINE_LAMBDA {
    const auto value = [&](auto i) QRUN_INLINE_LAMBDA {
      const F32 x = F32::load_unaligned(src + i.value * Ops::kLanes) * inv_scale;
      return F32(xsimd::select(x == x, x, F32(0.0f)));
    };
    return requantizer.InOrder(value(Index<0>{}), value(Index<1>{}), value(Index<2>{}), value(Index<3>{}));
  };
  int i = begin;
  for (; end - i >= Ops::kBytes; i += Ops::kBytes) Ops::StoreBytes(args.dst + i, whole(args.src + i));
  QuantizeReference(args, i, end);
}

template <class Tag>
void DequantizeSimd(const DequantizeArgs& args, int begin, int end) noexcept {
  using Ops = S8<Tag>;
  using F32 = typename Ops::F32;
  constexpr int kLanes = Ops::kLanes;
  const auto zp = Ops::SetI32(args.zp);
  const F32 scale(args.scale);
  const auto whole = [&](const int8_t* src, float* dst) QRUN_INLINE_LAMBDA {
    (Ops::ToF32(Ops::SubI32(Ops::Widen(src), zp)) * scale).store_unaligned(dst);
  };
  int i = begin;
  for (; end - i >= kLanes; i += kLanes) whole(args.src + i, args.dst + i);
  DequantizeReference(args, i, end);
}

template <class Tag>
void quantize_f32_s8(const QuantizeArgs& args, int begin, int end, std::byte*) noexcept {
  if constexpr (Tag::kScalar) {
    QuantizeReference(args, begin, end);
  } else {
    QuantizeSimd<Tag>(args, begin, end);
  }
}

template <class Tag>
void dequantize_s8_f32(const DequantizeArgs& args, int begin, int end, std::byte*) noexcept {
  if constexpr (Tag::kScalar) {
    DequantizeReference(args, begin, end);
  } else {
    DequantizeSimd<Tag>(args, begin, end);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_QUANTIZE_INL_H_
