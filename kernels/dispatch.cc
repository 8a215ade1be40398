#include "kernels/dispatch.h"

#include <cstdlib>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define QRUN_ISA(name, tag, flags) extern "C" const qrun::kernels::KernelTable qrun_kernel_table_##name;
#include "kernels/isa_list.inc"
#undef QRUN_ISA

namespace qrun::kernels {
namespace {

// What each row's compile flags let the compiler use. __builtin_cpu_supports also asks the operating system
// whether it saves the wider registers.
bool CanRun_ref() { return true; }
#if defined(__x86_64__)
bool CanRun_sse4_1() { return __builtin_cpu_supports("sse4.1") != 0; }
bool CanRun_avx2() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
  return f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
// GCC 12 does not know the name: leaf 7, subleaf 1, bit 4 of eax.
bool CanRun_avxvnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!CanRun_avx2() || __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || eax < 1) return false;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & bit_AVXVNNI) != 0;
}
bool CanRun_avx512() {
  return CanRun_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512cd");
}
bool CanRun_avx512vnni() { return CanRun_avx512() && __builtin_cpu_supports("avx512vnni"); }
#elif defined(__aarch64__)
bool CanRun_neon() { return true; }
// armv8.2-a brings atomics, rounding doubling multiplication and CRC-32.
bool CanRun_neondot() {
  constexpr unsigned long kWanted = HWCAP_ASIMDDP | HWCAP_ATOMICS | HWCAP_ASIMDRDM | HWCAP_CRC32;
  return (getauxval(AT_HWCAP) & kWanted) == kWanted;
}
bool CanRun_neoni8mm() { return CanRun_neondot() && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0; }
#endif

struct Row {
  const KernelTable* table;
  bool (*can_run)();
};

constexpr Row kRows[] = {
#define QRUN_ISA(name, tag, flags) {&qrun_kernel_table_##name, CanRun_##name},
#include "kernels/isa_list.inc"
#undef QRUN_ISA
};

constexpr const KernelTable* kTables[] = {
#define QRUN_ISA(name, tag, flags) &qrun_kernel_table_##name,
#include "kernels/isa_list.inc"
#undef QRUN_ISA
};

std::string KnownNames() {
  std::string names;
  for (const Row& row : kRows) names += (names.empty() ? "" : ", ") + std::string(row.table->isa);
  return names;
}

}  // namespace

std::span<const KernelTable* const> CompiledTables() { return kTables; }

bool CanRun(const KernelTable& table) {
  for (const Row& row : kRows) {
    if (row.table == &table) return row.can_run();
  }
  return false;
}

Result<const KernelTable*> ChooseTable(std::string_view name) {
  std::string origin = "the requested ISA";
  if (name.empty()) {
    const char* forced = std::getenv("QRUN_ISA");
    if (forced != nullptr) name = forced;
    origin = "QRUN_ISA";
  }
  for (const Row& row : kRows) {
    if (name.empty() ? row.can_run() : name == row.table->isa) {
      if (row.can_run()) return row.table;
      return Status::Unsupported(
          origin + " '" + std::string(name) +
          "' is compiled in, but this CPU or operating system cannot run it; known are " + KnownNames());
    }
  }
  return Status::InvalidArgument(origin + " '" + std::string(name) + "' is unknown; known are " +
                                 KnownNames());
}

}  // namespace qrun::kernels
