// unary_f32: activation functions on float; see UnaryF32Args. Float results may differ between ISAs in the
// last bits: the scalar reference uses libm, the SIMD rows xsimd's exp and log. int8 models never come here;
// their tables are made by the converter.
//
//   Clamp        clamp(x, alpha, beta)             Elu          x < 0 ? alpha * (exp(x) - 1) : x
//   LeakyRelu    x < 0 ? alpha * x : x             Selu         beta * Elu(x)
//   HardSigmoid  clamp(alpha * x + beta, 0, 1)     Gelu         x / 2 * (1 + erf(x / sqrt 2))
//   HardSwish    x * clamp(x / 6 + 0.5, 0, 1)      Softplus     log(1 + exp(x))
//   Sigmoid      1 / (1 + exp(-x))                 Silu         x * Sigmoid(x)
//   Tanh, Exp, Sqrt, Abs, Neg, Log, Reciprocal, Floor: as named.
#ifndef QRUN_KERNELS_UNARY_F32_INL_H_
#define QRUN_KERNELS_UNARY_F32_INL_H_

#include <cstddef>

#include "kernels/args.h"
#include "kernels/clamp_f32.inl.h"
#include "kernels/ieee_f32.inl.h"
#include "kernels/isa_tags.h"

namespace qrun::kernels {
namespace {

// The functions on plain floats. Builtins, because <cmath>'s inline overloads would be weak symbols here.
struct ScalarMath {
  using T = float;
  static T Load(const float* p) { return *p; }
  static void Store(float* p, T x) { *p = x; }
  static T Splat(float x) { return x; }
  static T Exp(T x) { return __builtin_expf(x); }
  static T Log(T x) { return __builtin_logf(x); }
  static T Tanh(T x) { return __builtin_tanhf(x); }
  static T Erf(T x) { return __builtin_erff(x); }
  static T Sqrt(T x) { return __builtin_sqrtf(x); }
  static T Abs(T x) { return __builtin_fabsf(x); }
  static T Floor(T x) { return __builtin_floorf(x); }
  static T Min(T a, T b) { return a < b ? a : b; }
  static T Max(T a, T b) { return a > b ? a : b; }
  static T IfNegative(T x, T yes, T no) { return x < 0 ? yes : no; }
};

template <class Tag>
struct SimdMath {
  using T = xsimd::batch<float, typename Tag::simd>;
  static T Load(const float* p) { return T::load_unaligned(p); }
  static void Store(float* p, T x) { x.store_unaligned(p); }
  static T Splat(float x) { return T(x); }
  static T Exp(T x) { return xsimd::exp(x); }
  static T Log(T x) { return xsimd::log(x); }
  static T Tanh(T x) { return xsimd::tanh(x); }
  static T Erf(T x) { return xsimd::erf(x); }
  static T Sqrt(T x) { return SqrtF32(x); }
  static T Abs(T x) { return xsimd::abs(x); }
  static T Floor(T x) { return xsimd::floor(x); }
  static T Min(T a, T b) { return MinF32(a, b); }
  static T Max(T a, T b) { return MaxF32(a, b); }
  static T IfNegative(T x, T yes, T no) { return xsimd::select(x < T(0.0f), yes, no); }
};

template <class M, UnaryOp kOp>
typename M::T ApplyUnary(typename M::T x, float alpha, float beta) {
  using T = typename M::T;
  const T zero = M::Splat(0.0f), one = M::Splat(1.0f), half = M::Splat(0.5f);
  const auto sigmoid = [&](T v) { return DivideF32(one, one + M::Exp(zero - v)); };
  const auto elu = [&](T v) {
    return M::IfNegative(v, M::Splat(alpha) * (M::Exp(M::Min(v, zero)) - one), v);
  };
  if constexpr (kOp == UnaryOp::kClamp) return M::Min(M::Max(x, M::Splat(alpha)), M::Splat(beta));
  if constexpr (kOp == UnaryOp::kLeakyRelu) return M::IfNegative(x, M::Splat(alpha) * x, x);
  if constexpr (kOp == UnaryOp::kHardSigmoid) {
    return M::Min(M::Max(M::Splat(alpha) * x + M::Splat(beta), zero), one);
  }
  if constexpr (kOp == UnaryOp::kHardSwish) {
    return x * M::Min(M::Max(x * M::Splat(1.0f / 6.0f) + half, zero), one);
  }
  if constexpr (kOp == UnaryOp::kSigmoid) return sigmoid(x);
  if constexpr (kOp == UnaryOp::kSilu) return x * sigmoid(x);
  if constexpr (kOp == UnaryOp::kTanh) return M::Tanh(x);
  if constexpr (kOp == UnaryOp::kElu) return elu(x);
  if constexpr (kOp == UnaryOp::kExp) return M::Exp(x);
  if constexpr (kOp == UnaryOp::kSqrt) return M::Sqrt(x);
  if constexpr (kOp == UnaryOp::kAbs) return M::Abs(x);
  if constexpr (kOp == UnaryOp::kNeg) return zero - x;
  if constexpr (kOp == UnaryOp::kGelu) return x * half * (one + M::Erf(x * M::Splat(0.70710678f)));
  // log(1 + e^x) without overflow: max(x, 0) + log(1 + e^-|x|).
  if constexpr (kOp == UnaryOp::kSoftplus) return M::Max(x, zero) + M::Log(one + M::Exp(zero - M::Abs(x)));
  if constexpr (kOp == UnaryOp::kLog) return M::Log(x);
  if constexpr (kOp == UnaryOp::kReciprocal) return DivideF32(one, x);
  if constexpr (kOp == UnaryOp::kFloor) return M::Floor(x);
  if constexpr (kOp == UnaryOp::kSelu) return M::Splat(beta) * elu(x);
}

template <UnaryOp kOp>
void UnaryF32Reference(const UnaryF32Args& args, int begin, int end) noexcept {
  for (int i = begin; i < end; ++i)
    args.dst[i] = ApplyUnary<ScalarMath, kOp>(args.src[i], args.alpha, args.beta);
}

template <class Tag, UnaryOp kOp>
void UnaryF32(const UnaryF32Args& args, int begin, int end) noexcept {
  if constexpr (Tag::kScalar) {
    UnaryF32Reference<kOp>(args, begin, end);
  } else {
    using M = SimdMath<Tag>;
    constexpr int kLanes = static_cast<int>(M::T::size);
    int i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      M::Store(args.dst + i, ApplyUnary<M, kOp>(M::Load(args.src + i), args.alpha, args.beta));
    }
    if (i == end) return;
    // The tail goes through the same arithmetic, so that a value does not depend on where it stands.
    float tail[kLanes] = {};
    for (int k = i; k < end; ++k) tail[k - i] = args.src[k];
    M::Store(tail, ApplyUnary<M, kOp>(M::Load(tail), args.alpha, args.beta));
    for (int k = i; k < end; ++k) args.dst[k] = tail[k - i];
  }
}

template <class Tag>
void unary_f32(const UnaryF32Args& args, int begin, int end, std::byte*) noexcept {
  switch (args.op) {
#define QRUN_UNARY(kind) \
  case UnaryOp::kind:    \
    return UnaryF32<Tag, UnaryOp::kind>(args, begin, end);
    QRUN_UNARY(kClamp)
    QRUN_UNARY(kLeakyRelu)
    QRUN_UNARY(kHardSigmoid)
    QRUN_UNARY(kHardSwish)
    QRUN_UNARY(kSigmoid)
    QRUN_UNARY(kSilu)
    QRUN_UNARY(kTanh)
    QRUN_UNARY(kElu)
    QRUN_UNARY(kExp)
    QRUN_UNARY(kSqrt)
    QRUN_UNARY(kAbs)
    QRUN_UNARY(kNeg)
    QRUN_UNARY(kGelu)
    QRUN_UNARY(kSoftplus)
    QRUN_UNARY(kLog)
    QRUN_UNARY(kReciprocal)
    QRUN_UNARY(kFloor)
    QRUN_UNARY(kSelu)
#undef QRUN_UNARY
  }
}

}  // namespace
}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_UNARY_F32_INL_H_
