#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

TEST(AgainstReference, table_s8) {
  Random random(1);
  const auto table = random.Bytes(256);
  for (int count : LaneEdges()) {
    const auto src = random.Bytes(static_cast<size_t>(count));
    TableS8Args args = {.src = src.data(), .table = table.data()};
    const auto want = RunWhole<int8_t>(Reference().table_s8, args, count, 0, src.size());
    for (const KernelTable* isa : TestedTables()) {
      SCOPED_TRACE(std::string(isa->isa) + " " + std::to_string(count));
      ExpectSame(want, RunWhole<int8_t>(isa->table_s8, args, count, 0, src.size()));
    }
  }
}

// Every value at every place of a register, in place.
TEST(TableS8, EveryValueInPlace) {
  const auto table = Random(2).Bytes(256);
  std::vector<int8_t> src(256 * 67);
  for (size_t i = 0; i < src.size(); ++i) src[i] = static_cast<int8_t>(i + i / 256);
  std::vector<const KernelTable*> tables = TestedTables();
  tables.push_back(&Reference());
  for (const KernelTable* isa : tables) {
    SCOPED_TRACE(isa->isa);
    std::vector<int8_t> dst = src, want = src;
    for (int8_t& v : want) v = table[static_cast<size_t>(v + 128)];
    isa->table_s8({.src = dst.data(), .table = table.data(), .dst = dst.data()}, 0,
                  static_cast<int>(src.size()), nullptr);
    ExpectSame(want, dst);
  }
}

}  // namespace
}  // namespace qrun::kernels
