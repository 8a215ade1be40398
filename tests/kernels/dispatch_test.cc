#include "kernels/dispatch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace qrun::kernels {
namespace {

class ChooseTableTest : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("QRUN_ISA"); }
  void TearDown() override { unsetenv("QRUN_ISA"); }
};

TEST_F(ChooseTableTest, ReferenceIsLastAndRunsEverywhere) {
  ASSERT_FALSE(CompiledTables().empty());
  EXPECT_STREQ(CompiledTables().back()->isa, "ref");
  EXPECT_TRUE(CanRun(*CompiledTables().back()));
}

TEST_F(ChooseTableTest, TakesTheFirstThatCanRun) {
  const Result<const KernelTable*> chosen = ChooseTable("");
  ASSERT_TRUE(chosen.ok());
  for (const KernelTable* table : CompiledTables()) {
    if (table == *chosen) break;
    EXPECT_FALSE(CanRun(*table)) << table->isa;
  }
  EXPECT_TRUE(CanRun(**chosen));
}

TEST_F(ChooseTableTest, NameAndEnvironmentForce) {
  for (const KernelTable* table : CompiledTables()) {
    const Result<const KernelTable*> by_name = ChooseTable(table->isa);
    setenv("QRUN_ISA", table->isa, 1);
    const Result<const KernelTable*> by_environment = ChooseTable("");
    if (CanRun(*table)) {
      ASSERT_TRUE(by_name.ok() && by_environment.ok());
      EXPECT_EQ(*by_name, table);
      EXPECT_EQ(*by_environment, table);
    } else {
      ASSERT_FALSE(by_name.ok() || by_environment.ok());
      EXPECT_EQ(by_name.error().code(), StatusCode::kUnsupported);
      EXPECT_EQ(by_environment.error().code(), StatusCode::kUnsupported);
    }
  }
  setenv("QRUN_ISA", "nonsense", 1);
  EXPECT_TRUE(ChooseTable("ref").ok()) << "a name goes before the environment";
}

TEST_F(ChooseTableTest, UnknownNamesAreRefusedWithTheKnownOnes) {
  const Result<const KernelTable*> by_name = ChooseTable("avx1024");
  ASSERT_FALSE(by_name.ok());
  EXPECT_EQ(by_name.error().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(by_name.error().message().find("avx1024"), std::string::npos);
  for (const KernelTable* table : CompiledTables()) {
    EXPECT_NE(by_name.error().message().find(table->isa), std::string::npos);
  }
  setenv("QRUN_ISA", "avx1024", 1);
  ASSERT_FALSE(ChooseTable("").ok());
  EXPECT_NE(ChooseTable("").error().message().find("QRUN_ISA"), std::string::npos);
}

}  // namespace
}  // namespace qrun::kernels
