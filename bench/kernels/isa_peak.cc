// Compiled once per row of isa_list.inc, with the flags of that row's kernels. See peak.h.
#include "bench/kernels/peak.h"
#include "kernels/dot.inl.h"
#include "kernels/inline.inl.h"

#define QRUN_JOIN_(a, b) a##b
#define QRUN_JOIN(a, b) QRUN_JOIN_(a, b)

namespace qrun::kernels {
namespace {

// Independent sums: more than latency times throughput of any of the instructions (4 or 5 cycles, two a
// cycle), and few enough for 16 registers.
constexpr int kSums = 12;

// Makes the compiler take `x` for changed, so that no product is known, or computed once for all sums.
template <class Register>
QRUN_INLINE void Renew(Register& x) {
#if defined(__aarch64__)
  asm volatile("" : "+w"(x));
#else
  asm volatile("" : "+v"(x));
#endif
}
QRUN_INLINE void Renew(int32_t& x) { asm volatile("" : "+r"(x)); }

template <class Tag, bool = Tag::kScalar>
struct Peak {
  using S = S8<Tag>;
  using F32 = xsimd::batch<float, typename Tag::simd>;
  static constexpr bool kRowPairs = requires { S::kRowPairs; };
  static constexpr int kS8Macs = kSums * S::kLanes * S::kGroup * (kRowPairs ? 2 : 1);
  static constexpr int kF32Macs = kSums * static_cast<int>(F32::size);

  static void RunS8(int64_t iterations) {
    typename S::I32 sums[kSums], src = S::SetI32(0), wei = S::SetI32(0);
    Unroll<kSums>([&](auto k) QRUN_INLINE_LAMBDA { sums[k.value] = S::SetI32(0); });
    Renew(wei);
    for (int64_t i = 0; i < iterations; ++i) {
      Unroll<kSums>([&](auto k) QRUN_INLINE_LAMBDA {
        if constexpr (kRowPairs) {
          S::DotPairs(sums[k.value], src, wei);
        } else {
          S::Dot(sums[k.value], src, wei);
        }
        Renew(src);
      });
    }
    Unroll<kSums>([&](auto k) QRUN_INLINE_LAMBDA { Renew(sums[k.value]); });
  }
  static void RunF32(int64_t iterations) {
    F32 sums[kSums], src(0.0f), wei(0.0f);
    Unroll<kSums>([&](auto k) QRUN_INLINE_LAMBDA { sums[k.value] = F32(0.0f); });
    Renew(wei.data);
    for (int64_t i = 0; i < iterations; ++i) {
      Unroll<kSums>([&](auto k) QRUN_INLINE_LAMBDA {
        sums[k.value] = xsimd::fma(src, wei, sums[k.value]);
        Renew(src.data);
      });
    }
    Unroll<kSums>([&](auto k) QRUN_INLINE_LAMBDA { Renew(sums[k.value].data); });
  }
};

template <class Tag>
struct Peak<Tag, true> {
  static constexpr int kS8Macs = kSums, kF32Macs = kSums;

  template <class T>
  static QRUN_INLINE void Run(int64_t iterations) {
    T sums[kSums], src = 0, wei = 0;
    Unroll<kSums>([&](auto k) QRUN_INLINE_LAMBDA { sums[k.value] = 0; });
    Renew(wei);
    for (int64_t i = 0; i < iterations; ++i) {
      Unroll<kSums>([&](auto k) QRUN_INLINE_LAMBDA {
        sums[k.value] += src * wei;
        Renew(src);
      });
    }
    Unroll<kSums>([&](auto k) QRUN_INLINE_LAMBDA { Renew(sums[k.value]); });
  }
  static void RunS8(int64_t iterations) { Run<int32_t>(iterations); }
  static void RunF32(int64_t iterations) { Run<float>(iterations); }
};

using ThisPeak = Peak<QRUN_ISA_TAG>;

}  // namespace
}  // namespace qrun::kernels

extern "C" {
extern const qrun::bench::PeakLoops QRUN_JOIN(qrun_peak_, QRUN_ISA_NAME);
const qrun::bench::PeakLoops QRUN_JOIN(qrun_peak_, QRUN_ISA_NAME) = {
    .s8 = qrun::kernels::ThisPeak::RunS8,
    .f32 = qrun::kernels::ThisPeak::RunF32,
    .s8_macs = qrun::kernels::ThisPeak::kS8Macs,
    .f32_macs = qrun::kernels::ThisPeak::kF32Macs,
};
}
