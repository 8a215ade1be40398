// Damaged models never crash, never take more than they were granted, and give what the scalar kernels give.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "runtime/file.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/every_operator.h"
#include "tests/fuzz/odd_operator.h"
#include "tests/fuzz/scalars.h"

namespace qrun {
namespace {

using tests::DamageReport;
using tests::HostileRun;

std::vector<std::byte> Read(const char* path) {
  auto bytes = ReadFile(path, size_t{1} << 28);
  EXPECT_TRUE(bytes.ok()) << path;
  return bytes.ok() ? *std::move(bytes) : std::vector<std::byte>();
}

std::vector<std::byte> Schema() { return Read(QRUN_BINARY_SCHEMA); }

// The shipped MobileNetV2, every number of it stated.
std::vector<std::byte> Shipped() {
  const auto bytes = Read(QRUN_SOURCE_DIR "/tests/golden/rps_int8.qfb");
  const auto model = fb::UnPackModel(bytes.data());
  return tests::WithDefaultsStated(*model);
}

void ExpectKept(const DamageReport& report) {
  EXPECT_EQ(report.broken, "");
  std::printf("%s\n", tests::Text(report).c_str());
}

// Of int8 operators, or of float ones.
class HostileModel : public testing::TestWithParam<bool> {
 protected:
  std::vector<std::byte> Intact() {
    return GetParam() ? tests::EveryInt8Operator() : tests::EveryFloatOperator();
  }
};

TEST_P(HostileModel, RunsWhileIntact) {
  const auto model = Intact();
  for (unsigned variant = 0; variant < 12; ++variant) {
    const HostileRun run = tests::RunHostile(model, variant);
    EXPECT_EQ(run.outcome, HostileRun::kRan);
    EXPECT_EQ(run.broken, "");
  }
}

TEST_P(HostileModel, EveryNumberBecomesHostile) {
  const DamageReport report = tests::DamageScalars(Intact(), Schema(), QRUN_DAMAGES);
  ExpectKept(report);
  EXPECT_GT(report.runs[HostileRun::kRefused], report.total() / 4);
  EXPECT_GT(report.runs[HostileRun::kRan], report.total() / 10);
}

TEST_P(HostileModel, SeveralNumbersBecomeHostile) {
  ExpectKept(tests::DamageScalarsTogether(Intact(), Schema(), std::min<size_t>(10000, QRUN_DAMAGES)));
}

TEST_P(HostileModel, BytesChange) { ExpectKept(tests::DamageBytes(Intact(), 3000)); }

TEST_P(HostileModel, Truncated) { ExpectKept(tests::Truncate(Intact(), 2000)); }

INSTANTIATE_TEST_SUITE_P(EveryOperator, HostileModel, testing::Bool(),
                         [](const auto& info) { return info.param ? "Int8" : "Float"; });

TEST(HostileShippedModel, Damaged) {
  const auto model = Shipped();
  ExpectKept(tests::DamageScalars(model, Schema(), 150));
  ExpectKept(tests::DamageScalarsTogether(model, Schema(), 150));
  ExpectKept(tests::DamageBytes(model, 30));
  ExpectKept(tests::Truncate(model, 500));
}

// What the verifier accepts runs, and on every instruction set to the same bytes.
TEST(HostileModelGeometry, OddOperatorsRun) {
  DamageReport report;
  constexpr uint32_t kDraws = 10000;
  for (uint32_t seed = 0; seed < std::min<size_t>(kDraws, QRUN_DAMAGES) && report.broken.empty(); ++seed) {
    const auto model = tests::OddOperator(seed);
    if (!model.empty()) report.Add(tests::RunHostile(model, seed / 8), "seed " + std::to_string(seed));
  }
  ExpectKept(report);
  EXPECT_GT(report.runs[HostileRun::kRan], report.total() * 9 / 10);
}

// The models have every operator, and the walk finds every field.
TEST(HostileModelCoverage, EveryOperatorAndFieldIsDamaged) {
  std::set<fb::Options> operators;
  std::set<std::string> fields;
  for (const auto& bytes : {tests::EveryInt8Operator(), tests::EveryFloatOperator()}) {
    for (const auto* op : *fb::GetModel(bytes.data())->operators()) operators.insert(op->options_type());
    for (const tests::Scalar& scalar : tests::FindScalars(bytes, Schema())) fields.insert(scalar.path);
  }
  EXPECT_EQ(operators.size(), static_cast<size_t>(fb::Options::MAX));
  for (const char* field :
       {"version", "tensors.length", "tensors[0].shape[1]", "tensors[0].quantization.scale[0]",
        "operators[0].options_type", "operators[0].options.clamp.max", "operators[0].options.stride_h",
        "operators[3].options.expand_function.result", "operators[0].inputs[2]", "preprocessing.mean[2]",
        "provenance.recipe.length", "labels[4].offset", "arena_bytes"}) {
    EXPECT_TRUE(fields.contains(field)) << field;
  }
}

}  // namespace
}  // namespace qrun
