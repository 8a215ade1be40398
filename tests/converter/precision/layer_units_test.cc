#include "converter/precision/layer_units.h"

#include <gtest/gtest.h>

#include <regex>

#include "tests/converter/precision/precision_problem.h"

namespace qrun::converter {
namespace {

std::vector<std::string> Names(const Graph& graph, const LayerUnit& unit) {
  std::vector<std::string> names;
  for (size_t i : unit.nodes) names.push_back(graph.nodes[i].name);
  return names;
}

TEST(LayerUnitsTest, AnActivationFunctionBelongsToTheLayerThatAloneFeedsIt) {
  const Graph graph = OutlierNet().graph;
  const auto units = FindLayerUnits(graph, NodeForms(graph.nodes.size(), true));
  ASSERT_EQ(units.size(), 5u);
  EXPECT_EQ(Names(graph, units[0]), std::vector<std::string>{"first"});
  EXPECT_EQ(Names(graph, units[1]), (std::vector<std::string>{"net/bad.conv (1)", "swish"}));
  EXPECT_EQ(units[1].name, "net/bad.conv (1)");
  EXPECT_EQ(Names(graph, units[2]), std::vector<std::string>{"gate"});  // the product reads the swish too
  EXPECT_EQ(Names(graph, units[3]), std::vector<std::string>{"product"});
}

TEST(LayerUnitsTest, FloatNodesAreNone) {
  const Graph graph = OutlierNet().graph;
  NodeForms forms(graph.nodes.size(), true);
  forms[1] = false;
  const auto units = FindLayerUnits(graph, forms);
  ASSERT_EQ(units.size(), 5u);
  EXPECT_EQ(Names(graph, units[1]), std::vector<std::string>{"swish"});
}

TEST(LayerUnitsTest, ExpressionsNameExactlyTheirNodes) {
  Graph graph = OutlierNet().graph;
  graph.nodes[0].name = "net/badXconv (1)";
  const auto expressions = KeepFloatExpressions(graph, {"", {1, 2}});
  ASSERT_EQ(expressions.size(), 2u);
  EXPECT_EQ(expressions[0].find(' '), std::string::npos);  // options are stored as one line
  const std::regex expression(expressions[0]);
  EXPECT_TRUE(std::regex_search("net/bad.conv (1)", expression));
  for (const char* other :
       {"net/badXconv (1)", "net/bad.conv (1)/relu", "a/net/bad.conv (1)", "net/bad.conv 1"}) {
    EXPECT_FALSE(std::regex_search(other, expression)) << other;
  }
  EXPECT_TRUE(std::regex_search("swish", std::regex(expressions[1])));
}

}  // namespace
}  // namespace qrun::converter
