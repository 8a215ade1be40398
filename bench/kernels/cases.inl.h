// The definition of AddRows, for the files that add rows.
#ifndef QRUN_BENCH_KERNELS_CASES_INL_H_
#define QRUN_BENCH_KERNELS_CASES_INL_H_

#include <algorithm>
#include <cmath>
#include <new>
#include <type_traits>
#include <utility>

#include "bench/kernels/cases.h"
#include "kernels/dispatch.h"
#include "schema/cat.h"

namespace qrun::bench {

// Memory as the plan gives it: aligned to 64 bytes.
template <class T>
class Aligned {
 public:
  explicit Aligned(size_t count)
      : data_(
            static_cast<T*>(::operator new (std::max<size_t>(1, count * sizeof(T)), std::align_val_t{64}))) {
    std::fill_n(data_, count, T{});
  }
  ~Aligned() { ::operator delete (data_, std::align_val_t{64}); }
  Aligned(Aligned&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  Aligned& operator=(Aligned&&) = delete;
  T* data() { return data_; }

 private:
  T* data_;
};

template <class Args, class T>
std::string Compare(KernelMember<Args> member, const Case<Args, T>& c, const kernels::KernelTable& table) {
  const auto run = [&](const kernels::KernelTable& on) {
    Call<Args, T> call = c.prepare(on);
    Aligned<std::byte> scratch(call.scratch_bytes);
    std::vector<T> dst(call.dst_count);
    call.args.dst = dst.data();
    (on.*member)(call.args, 0, call.items, scratch.data());
    return dst;
  };
  const std::vector<T> want = run(*kernels::CompiledTables().back()), got = run(table);
  for (size_t i = 0; i < want.size(); ++i) {
    const double difference = std::abs(static_cast<double>(want[i]) - static_cast<double>(got[i]));
    if (difference <= c.tolerance) continue;  // false for NaN
    return Cat("element ", i, ": ref gives ", static_cast<double>(want[i]), ", ", table.isa, " ",
               static_cast<double>(got[i]));
  }
  return "";
}

template <class Args, class T>
void Time(KernelMember<Args> member, const Case<Args, T>& c, const kernels::KernelTable& table,
          benchmark::State& state) {
  Call<Args, T> call = c.prepare(table);
  Aligned<std::byte> scratch(call.scratch_bytes);
  Aligned<T> dst(call.dst_count);
  call.args.dst = dst.data();
  const double start = ThreadSeconds();
  for (auto _ : state) {
    (table.*member)(call.args, 0, call.items, scratch.data());
    benchmark::ClobberMemory();
  }
  const double runs_per_second = static_cast<double>(state.iterations()) / (ThreadSeconds() - start);
  if (c.macs > 0) {
    const double peak =
        PeakMacsPerSecond(table.isa, std::is_same_v<T, int8_t> ? Arithmetic::kInt8 : Arithmetic::kFloat32);
    state.counters["GMAC/s"] = runs_per_second * c.macs / 1e9;
    state.counters["%peak"] = runs_per_second * c.macs / peak * 100;
  } else {
    state.counters["GB/s"] = runs_per_second * c.bytes / 1e9;
  }
}

template <class Args, class T>
void AddRows(const char* kernel, KernelMember<Args> member, Case<Args, T> kernel_case,
             std::vector<Row>& rows) {
  const auto shared = std::make_shared<const Case<Args, T>>(std::move(kernel_case));
  for (const kernels::KernelTable* table : kernels::CompiledTables()) {
    if (!kernels::CanRun(*table)) continue;
    rows.push_back({Cat(kernel, "/", table->isa, "/", shared->shape),
                    [=] { return Compare(member, *shared, *table); },
                    [=](benchmark::State& state) { Time(member, *shared, *table, state); }});
  }
}

}  // namespace qrun::bench

#endif  // QRUN_BENCH_KERNELS_CASES_INL_H_
