// One kernel call on one shape: how to prepare it for an ISA, to check it and to time it.
#ifndef QRUN_BENCH_KERNELS_CASES_H_
#define QRUN_BENCH_KERNELS_CASES_H_

#include <benchmark/benchmark.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/kernels/peak.h"
#include "kernels/table.h"

namespace qrun::bench {

// A case on one ISA, among all that bench_kernels offers.
struct Row {
  std::string name;  // kernel/isa/shape
  // Runs the kernel of this ISA and of `ref` on the same numbers; "" if the results agree, else what differs.
  std::function<std::string()> check;
  std::function<void(benchmark::State&)> time;
};

// A kernel call with the memory behind its pointers, packed for one ISA.
template <class Args, class T>
struct Call {
  Args args;
  int items = 0;
  size_t scratch_bytes = 0;
  size_t dst_count = 0;
  std::shared_ptr<void> memory;  // what args points into, but dst
};

template <class Args, class T>
struct Case {
  std::string shape;
  double macs = 0;   // 0 for kernels that only move or map values
  double bytes = 0;  // read and written, each once
  // Largest absolute difference from ref; int8 results are equal to the byte.
  double tolerance = 0;
  std::function<Call<Args, T>(const kernels::KernelTable&)> prepare;
};

template <class Args>
using KernelMember = void (*kernels::KernelTable::*)(const Args&, int, int, std::byte*) noexcept;

// Appends a row per ISA that can run. Defined in cases.cc for all Args and T of kernel_list.inc.
template <class Args, class T>
void AddRows(const char* kernel, KernelMember<Args> member, Case<Args, T> kernel_case,
             std::vector<Row>& rows);

// One function per row of kernel_list.inc, in the file of its family: adds all of its cases.
#define QRUN_KERNEL(name, Args) void Add_##name(std::vector<Row>& rows);
#include "kernels/kernel_list.inc"
#undef QRUN_KERNEL

// Pseudo-random values, the same for the same seed: weights and activations in -127..127, or -1..1.
std::vector<int8_t> RandomBytes(size_t count, uint32_t seed);
std::vector<float> RandomFloats(size_t count, uint32_t seed);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_KERNELS_CASES_H_
