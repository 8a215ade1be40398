// Every row of kernel_list.inc must have a test against the reference, and says on which ISAs it ran.
#include <cstdio>
#include <set>

#include "tests/kernels/harness.h"

namespace qrun::kernels {
namespace {

TEST(Coverage, EveryKernelRowIsTestedAgainstTheReference) {
  const std::set<std::string> rows = {
#define QRUN_KERNEL(name, Args) #name,
#include "kernels/kernel_list.inc"
#undef QRUN_KERNEL
  };
  std::set<std::string> tests;
  const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const ::testing::TestSuite& suite = *all.GetTestSuite(i);
    if (std::string(suite.name()) != "AgainstReference") continue;
    for (int j = 0; j < suite.total_test_count(); ++j) tests.insert(suite.GetTestInfo(j)->name());
  }
  EXPECT_EQ(rows, tests) << "kernel_list.inc and the tests AgainstReference.<row> differ";
}

TEST(Coverage, Isas) {
  std::string covered, missed;
  for (const KernelTable* table : CompiledTables()) {
    (CanRun(*table) ? covered : missed) += std::string(" ") + table->isa;
  }
  std::printf("ISAs covered:%s; not runnable on this machine:%s\n", covered.c_str(),
              missed.empty() ? " none" : missed.c_str());
  EXPECT_NE(covered.find(" ref"), std::string::npos);
}

}  // namespace
}  // namespace qrun::kernels
