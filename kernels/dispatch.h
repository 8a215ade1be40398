// Which instruction sets were compiled, which can run here, and the table of each.
#ifndef QRUN_KERNELS_DISPATCH_H_
#define QRUN_KERNELS_DISPATCH_H_

#include <span>
#include <string_view>

#include "kernels/table.h"
#include "schema/status.h"

namespace qrun::kernels {

// Tables of all ISAs compiled into this binary, best first; the last is `ref`. Thread safe.
std::span<const KernelTable* const> CompiledTables();

// True if this CPU and operating system can run the table's ISA. Thread safe.
bool CanRun(const KernelTable& table);

// The table to use: `name` if not empty, else the environment variable QRUN_ISA if set, else the best that
// can run. Errors: invalid_argument for an unknown name (the message lists the known ones), unsupported for
// one that this CPU cannot run. Thread safe.
Result<const KernelTable*> ChooseTable(std::string_view name);

}  // namespace qrun::kernels

#endif  // QRUN_KERNELS_DISPATCH_H_
