#include "bench/lib/profile.h"

#include <gtest/gtest.h>

namespace qrun::bench {
namespace {

using nlohmann::json;

json Layer(const std::string& op, const std::string& part, double ms) {
  return {{"operator", op}, {"part", part}, {"kind", "K" + op}, {"ms", ms}, {"parts", json::array()}};
}

TEST(SideBySide, MatchesOperatorsAndParts) {
  const json a = {Layer("in", "", 1), Layer("block", "expand", 2), Layer("block", "project", 3),
                  Layer("out", "", 4)};
  const json b = {Layer("quantize", "", 0.25), Layer("in", "", 0.5), Layer("block", "", 2),
                  Layer("extra", "", 1)};
  const json rows = SideBySide(a, b);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0]["name"], "quantize");
  EXPECT_TRUE(rows[0]["a_ms"].is_null());
  EXPECT_TRUE(rows[0]["speedup"].is_null());
  EXPECT_EQ(rows[1]["name"], "in");
  EXPECT_EQ(rows[1]["speedup"], 2);
  EXPECT_EQ(rows[2]["name"], "block");
  EXPECT_EQ(rows[2]["kind"], "Kblock");
  EXPECT_EQ(rows[2]["a_ms"], 5);
  EXPECT_EQ(rows[2]["b_ms"], 2);
  EXPECT_EQ(rows[2]["speedup"], 2.5);
  ASSERT_EQ(rows[2]["parts"].size(), 2u);
  EXPECT_EQ(rows[2]["parts"][0]["name"], "expand");
  EXPECT_EQ(rows[2]["parts"][0]["a_ms"], 2);
  EXPECT_TRUE(rows[2]["parts"][0]["b_ms"].is_null());
  EXPECT_EQ(rows[3]["name"], "extra");
  EXPECT_EQ(rows[4]["name"], "out");
  EXPECT_TRUE(rows[4]["b_ms"].is_null());
}

// A part counts the same whether it is a step of its own or runs inside of one.
TEST(SideBySide, MatchesStepsWithFusedParts) {
  const json a = {Layer("block", "expand", 2), Layer("block", "project", 3)};
  json fused = Layer("block", "", 2);
  fused["parts"] = {{{"name", "expand"}, {"ms", 0.5}}, {{"name", "project"}, {"ms", 1.5}}};
  const json rows = SideBySide(a, json::array({fused}));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["speedup"], 2.5);
  ASSERT_EQ(rows[0]["parts"].size(), 2u);
  EXPECT_EQ(rows[0]["parts"][0]["b_ms"], 0.5);
  EXPECT_EQ(rows[0]["parts"][0]["speedup"], 4);
  EXPECT_EQ(rows[0]["parts"][1]["name"], "project");
  EXPECT_EQ(rows[0]["parts"][1]["speedup"], 2);
}

// In int8 a stem can be the first stage of the block behind it.
TEST(SideBySide, CountsAStemAsTheBlocksFirstStage) {
  const json a = {Layer("stem", "", 3), Layer("block", "depthwise", 2), Layer("block", "project", 1),
                  Layer("other", "", 1)};
  json fused = Layer("block", "", 3);
  fused["parts"] = {{{"name", "expand"}, {"ms", 1.5}},
                    {{"name", "depthwise"}, {"ms", 1}},
                    {{"name", "project"}, {"ms", 0.5}}};
  const json rows = SideBySide(a, json::array({fused, Layer("other", "", 1)}));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["name"], "block");
  EXPECT_EQ(rows[0]["a_ms"], 6);
  EXPECT_EQ(rows[0]["speedup"], 2);
  EXPECT_EQ(rows[0]["parts"][0]["name"], "expand");
  EXPECT_EQ(rows[0]["parts"][0]["a_ms"], 3);
  // An operator that both have, and one before a block that begins alike, stay as they are.
  EXPECT_EQ(SideBySide(a, json::array({Layer("stem", "", 1), fused})).size(), 3u);
  const json whole = {Layer("stem", "", 3), Layer("block", "expand", 2), Layer("block", "project", 1)};
  EXPECT_EQ(SideBySide(whole, json::array({fused})).size(), 2u);
}

}  // namespace
}  // namespace qrun::bench
