// How many multiply-accumulates a second an instruction set can do at most on this core, measured.
#ifndef QRUN_BENCH_KERNELS_PEAK_H_
#define QRUN_BENCH_KERNELS_PEAK_H_

#include <cstdint>
#include <string_view>

namespace qrun::bench {

// Loops of nothing but the ISA's multiply-accumulate on registers, compiled once per ISA. Instructions: int8
// what the kernels' dot product uses (vpdpbusd, or pmaddwd and paddd), float32 fused multiply-add or
// multiply and add; ref: one scalar product at a time.
struct PeakLoops {
  void (*s8)(int64_t iterations);
  void (*f32)(int64_t iterations);
  int s8_macs, f32_macs;  // of one iteration
};

// Processor time of this thread in seconds: what other processes take of the core does not count.
double ThreadSeconds();

enum class Arithmetic { kInt8, kFloat32 };

// MACs per second of the fastest of many short runs, so that one of them meets a core whose other hardware
// thread rests; measured at the first call (0.3 s), then remembered. Precondition:
// `isa` is the name of a compiled table that can run here. Not thread safe.
double PeakMacsPerSecond(std::string_view isa, Arithmetic arithmetic);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_KERNELS_PEAK_H_
