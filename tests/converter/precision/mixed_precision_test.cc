// Sensitivity and the search, through ConvertToInt8: a seeded bad layer is found and kept.
#include "converter/precision/mixed_precision.h"

#include <gtest/gtest.h>

#include <map>

#include "converter/emit.h"
#include "tests/converter/precision/precision_problem.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

TEST(SensitivityTest, ShowsTheBadLayerFromBothSides) {
  Int8Options options = PlainOptions();
  options.sensitivity = true;
  const auto converted = ConvertToy(OutlierNet().graph, options);
  ASSERT_TRUE(converted.ok()) << converted.error().message();
  ASSERT_TRUE(converted->sensitivity.has_value());
  const Sensitivity& found = converted->sensitivity->sensitivity;
  ASSERT_EQ(found.layers.size(), 5u);
  EXPECT_EQ(found.all.samples, 8u);
  for (const LayerSensitivity& layer : found.layers) {
    const bool bad = layer.unit.name == "net/bad.conv (1)";
    if (bad) {
      EXPECT_LT(layer.alone.SqnrDb(), 15);
      EXPECT_GT(layer.without.SqnrDb(), 25);
    } else {
      EXPECT_GT(layer.alone.SqnrDb(), 30) << layer.unit.name;
      EXPECT_LT(layer.without.SqnrDb(), 15) << layer.unit.name;
    }
    EXPECT_GT(layer.cost.Added(), 0);
  }
  EXPECT_LT(found.all.SqnrDb(), 15);
  EXPECT_EQ(converted->sensitivity->times.size(), found.layers.size());
}

TEST(SensitivityTest, DoesNotDependOnThreads) {
  Int8Options options = PlainOptions();
  options.sensitivity = true;
  std::vector<double> figures[2];
  for (int run = 0; run < 2; ++run) {
    options.threads = 1 + 3 * run;
    const auto converted = ConvertToy(OutlierNet(20).graph, options);
    ASSERT_TRUE(converted.ok());
    for (const LayerSensitivity& layer : converted->sensitivity->sensitivity.layers) {
      figures[run].push_back(layer.alone.RelativeError());
      figures[run].push_back(layer.without.RelativeError());
      figures[run].push_back(layer.cost.Added());
    }
  }
  EXPECT_EQ(figures[0], figures[1]);
}

TEST(MixedPrecisionTest, KeepsExactlyTheBadLayer) {
  for (const bool correct_biases : {false, true}) {
    Int8Options options = PlainOptions();
    options.correct_biases = correct_biases;
    options.goal.min_sqnr_db = 25;
    const auto converted = ConvertToy(OutlierNet().graph, options);
    ASSERT_TRUE(converted.ok()) << converted.error().message();
    ASSERT_TRUE(converted->precision.has_value());
    const SearchResult& search = converted->precision->search;
    ASSERT_EQ(search.kept.size(), 1u);
    EXPECT_EQ(converted->precision->layers[search.kept[0]], "net/bad.conv (1)");
    EXPECT_LT(search.before.SqnrDb(), 25);
    EXPECT_GE(search.after.SqnrDb(), 25);
    ASSERT_EQ(converted->quantization.kept_float.size(), 2u);  // with its activation function
    EXPECT_EQ(converted->quantization.kept_float[1].name, "swish");
  }
}

TEST(MixedPrecisionTest, TheKeptSetAloneGivesTheSameFile) {
  Int8Options options = PlainOptions();
  options.correct_biases = true;
  options.goal.min_sqnr_db = 25;
  const Graph graph = OutlierNet().graph;
  const auto searched = ConvertToy(graph, options);
  ASSERT_TRUE(searched.ok());
  options.keep_float = searched->precision->keep_float;
  ASSERT_EQ(options.keep_float.size(), 2u);
  options.goal = {};
  const auto named = ConvertToy(graph, options);
  ASSERT_TRUE(named.ok()) << named.error().message();
  EXPECT_EQ(EmitModel(searched->graph, {})->bytes, EmitModel(named->graph, {})->bytes);
  options.keep_float.clear();
  EXPECT_NE(EmitModel(ConvertToy(graph, options)->graph, {})->bytes, EmitModel(named->graph, {})->bytes);
}

TEST(MixedPrecisionTest, KeepsNothingWhereInt8Suffices) {
  Int8Options options = PlainOptions();
  options.goal.min_sqnr_db = 25;
  options.goal.max_drop_points = 100;
  const auto converted = ConvertToy(OutlierNet(0.5f).graph, options);
  ASSERT_TRUE(converted.ok()) << converted.error().message();
  EXPECT_TRUE(converted->precision->search.kept.empty());
  EXPECT_EQ(converted->precision->search.conversions, 1);
  EXPECT_FALSE(converted->sensitivity.has_value());  // nobody asked, and nothing needed it
}

TEST(MixedPrecisionTest, SaysForWhatALayerIsFloat) {
  Int8Options options = PlainOptions();
  options.goal.min_sqnr_db = 25;
  options.keep_float = {"^first$"};
  const auto converted = ConvertToy(OutlierNet().graph, options);
  ASSERT_TRUE(converted.ok()) << converted.error().message();
  std::map<std::string, std::string> reasons;
  for (const auto& kept : converted->quantization.kept_float) reasons[kept.name] = kept.reason;
  EXPECT_EQ(reasons["first"], "asked for by --keep-float");
  EXPECT_EQ(reasons["net/bad.conv (1)"], "chosen to meet --min-sqnr 25");
  EXPECT_EQ(reasons["swish"], "chosen to meet --min-sqnr 25");
  EXPECT_EQ(reasons.size(), 3u);
}

TEST(CostModelTest, ALayerOfABlockCostsItsBreakUp) {
  for (const bool fuses : {true, false}) {
    Int8Options options = PlainOptions();
    options.sensitivity = true;
    options.fuses_blocks = fuses;
    const auto converted = ConvertToy(ResidualNet().graph, options);  // a, d, p, sum; out
    ASSERT_TRUE(converted.ok()) << converted.error().message();
    const auto& layers = converted->sensitivity->sensitivity.layers;
    ASSERT_EQ(layers.size(), 5u);
    for (const LayerSensitivity& layer : layers) {
      const bool in_block = fuses && layer.unit.name != "out";
      EXPECT_EQ(layer.cost.block, in_block ? 0 : -1) << layer.unit.name;
      // Three inner tensors of 25 pixels with 16, 16 and 4 channels, and three calls.
      EXPECT_DOUBLE_EQ(layer.cost.breakup_us, in_block ? 3 * 0.5 + 2 * 25 * (16 + 16 + 4) / 10e3 : 0);
    }
  }
}

// A search cannot learn roundings for every trial: bias correction stands for them.
TEST(MixedPrecisionTest, BiasCorrectionStandsForLearnedRounding) {
  const auto convert = [](int bits, bool correct, bool learn, std::optional<double> goal) {
    Int8Options options = PlainOptions();
    options.weight_bits = bits;
    options.correct_biases = correct;
    if (learn) options.learn_rounding = ChainKind::kLayers;
    options.goal.min_sqnr_db = goal;
    return ConvertToy(ResidualNet().graph, options);
  };
  const auto reached = [&](int bits, bool correct, bool learn) {
    return convert(bits, correct, learn, {})->steps.back().sqnr_db;
  };
  // Above what rounding to nearest reaches, but no layer need stay float.
  const double nearest = reached(4, false, false), corrected = reached(4, true, false);
  ASSERT_LT(nearest, corrected);
  ASSERT_LT(corrected, reached(4, true, true));
  const auto met = convert(4, true, true, (nearest + corrected) / 2);
  ASSERT_TRUE(met.ok()) << met.error().message();
  EXPECT_TRUE(met->precision->search.kept.empty());

  // Where learning comes out behind, what is written is judged, and the error says why the search let it
  // pass.
  const double learnt = reached(6, true, true), stand_in = reached(6, true, false);
  ASSERT_LT(learnt, stand_in);
  const auto missed = convert(6, true, true, (learnt + stand_in) / 2);
  ASSERT_FALSE(missed.ok());
  EXPECT_NE(missed.error().message().find("with the roundings learnt"), std::string::npos)
      << missed.error().message();
}

TEST(MixedPrecisionTest, CountsChangedAnswersWithoutLabels) {
  Int8Options options = PlainOptions();
  options.goal.max_drop_points = 0;
  const auto converted = ConvertToy(OutlierNet().graph, options);
  ASSERT_TRUE(converted.ok()) << converted.error().message();
  const SearchResult& search = converted->precision->search;
  EXPECT_GT(search.before.deviation.changed, 0u);
  EXPECT_EQ(search.after.deviation.changed, 0u);
  EXPECT_FALSE(search.kept.empty());
}

TEST(MixedPrecisionTest, AMissedGoalIsAnError) {
  Int8Options options = PlainOptions();
  options.goal.min_sqnr_db = 900;
  options.keep_float = {"last"};
  const auto converted = ConvertToy(OutlierNet().graph, options);
  // All in float is exact where nothing was scaled; where channels were, it is not.
  ASSERT_TRUE(converted.ok()) << converted.error().message();
  EXPECT_EQ(converted->quantization.int8_operators, 0);
  options = PlainOptions();
  options.equalize = true;
  options.goal.min_sqnr_db = 900;
  const auto missed = ConvertToy(ResidualNet({1, 0.01f}).graph, options);
  ASSERT_FALSE(missed.ok());
  EXPECT_NE(missed.error().message().find("was missed"), std::string::npos);
}

}  // namespace
}  // namespace qrun::converter
