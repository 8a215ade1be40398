#include "kernels/dispatch.h"
#include "runtime/qrun.h"

namespace qrun {

std::vector<IsaInfo> Isas() {
  std::vector<IsaInfo> isas;
  for (const kernels::KernelTable* table : kernels::CompiledTables()) {
    isas.push_back({table->isa, kernels::CanRun(*table)});
  }
  return isas;
}

}  // namespace qrun
