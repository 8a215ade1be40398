#include "converter/labels.h"

#include <gtest/gtest.h>

#include "tests/converter/temp_folder.h"

namespace qrun::converter {
namespace {

TEST(ReadLabels, TakesOnePerLine) {
  const TempFolder folder;
  const auto labels = ReadLabels(folder.Write("labels.txt", "tench\r\ngold fish\nshark\n\n"));
  ASSERT_TRUE(labels.ok());
  EXPECT_EQ(*labels, (std::vector<std::string>{"tench", "gold fish", "shark"}));
}

TEST(ReadLabels, RefusesGapsAndBytes) {
  const TempFolder folder;
  const auto gap = ReadLabels(folder.Write("gap.txt", "a\n\nb\n"));
  ASSERT_FALSE(gap.ok());
  EXPECT_NE(gap.error().message().find("line 2 is empty"), std::string::npos);
  EXPECT_FALSE(ReadLabels(folder.Write("empty.txt", "\n")).ok());
  EXPECT_FALSE(ReadLabels(folder.Write("binary.txt", std::string("a\0b", 3))).ok());
  EXPECT_EQ(ReadLabels(folder.File("absent.txt")).error().code(), StatusCode::kIo);
}

}  // namespace
}  // namespace qrun::converter
