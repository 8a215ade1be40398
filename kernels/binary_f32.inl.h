// binary_f32: elementwise on two float tensors, b broadcast; see BinaryF32Args. One rounding per element, so
// all ISAs give the same bits (of a NaN only that it is one). dst may be a.
#ifndef QRUN_KERNELS_BINARY_F32_INL_H_
#define QRUN_KERNELS_BINARY_F32_INL_H_

#include <cstddef>
#include <cstdint>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

// The operations on T = float or a SIMD batch. A minimum or maximum with a NaN gives the second operand.
struct AddOp {
  static float Apply(float a, float b) { return a + b; }
};
struct SubOp {
  static float Apply(float a, float b) { return a - b; }
};
struct MulOp {
  static float Apply(float a, float b) { return a * b; }
};
struct DivOp {
  static float Apply(float a, float b) { return a / b; }
};
struct MinOp {
  static float Apply(float a, float b) { return a < b ? a : b; }
};
struct MaxOp {
  static float Apply(float a, float b) { return a > b ? a : b; }
};

template <class Op>
void BinaryF32Reference(const BinaryF32Args& args, int begin, int end) noexcept {
  for (int64_t o = begin; o < end; ++o) {
    const float* b = args.b + o * args.b_outer_stride;
    for (int64_t i = 0; i < args.inner; ++i) {
      const float value = Op::Apply(args.a[o * args.inner + i], b[i * args.b_inner_stride]);
      args.dst[o * args.inner + i] = ClampF32(value, args.lo, args.hi);
    }
  }
}

template <class Tag, class Op>
void BinaryF32(const BinaryF32Args& args, int begin, int end) noexcept {
  BinaryF32Reference<Op>(args, begin, end);
}

template <class Tag>
void binary_f32(const BinaryF32Args& args, int begin, int end, std::byte*) noexcept {
  switch (args.op) {
    case BinaryOp::kAdd:
      return BinaryF32<Tag, AddOp>(args, begin, end);
    case BinaryOp::kSub:
      return BinaryF32<Tag, SubOp>(args, begin, end);
    case BinaryOp::kMul:
      return BinaryF32<Tag, MulOp>(args, begin, end);
    case BinaryOp::kDiv:
      return BinaryF32<Tag, DivOp>(args, begin, end);
    case BinaryOp::kMin:
      return BinaryF32<Tag, MinOp>(args, begin, end);
    case BinaryOp::kMax:
      return BinaryF32<Tag, MaxOp>(args, begin, end);
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_BINARY_F32_INL_H_
