// The arena that is promised is the arena that is used: nothing reads or writes beside the activations'
// memory.
#include "tests/runtime/guarded_runs.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace qrun {
namespace {

using tests::GuardedMemory;
using tests::GuardedRuns;

void ExpectGuarded(const Model& model, int batch) {
  const GuardedRuns runs = tests::RunGuarded(model, batch);
  EXPECT_EQ(runs.failure, "");
  EXPECT_GT(runs.runs, 0);
  std::printf("%d runs between guard pages, on", runs.runs);
  for (const std::string& isa : runs.isas) std::printf(" %s", isa.c_str());
  std::printf("\n");
}

TEST(GuardedMemory, EndsWhoeverStepsBesideIt) {
  for (size_t bytes : {64, 4096, 5184}) {
    GuardedMemory front(GuardedMemory::Side::kFront), back(GuardedMemory::Side::kBack);
    volatile std::byte* first = front.Take(bytes);
    volatile std::byte* last = back.Take(bytes);
    for (volatile std::byte* inside : {first, first + bytes - 1, last, last + bytes - 1})
      *inside = std::byte{1};
    EXPECT_DEATH(first[-1] = std::byte{1}, "");
    EXPECT_DEATH(static_cast<void>(first[-1]), "");
    EXPECT_DEATH(last[bytes] = std::byte{1}, "");
    EXPECT_DEATH(static_cast<void>(last[bytes]), "");
  }
}

TEST(ActivationMemory, RefusesNoneAndUnaligned) {
  auto model = Model::Open(QRUN_SOURCE_DIR "/tests/golden/rps_int8.qfb");
  ASSERT_TRUE(model.ok()) << model.error().message();
  SessionOptions options;
  options.activation_memory = [](size_t) -> std::byte* { return nullptr; };
  auto none = Session::Create(*model, options);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), StatusCode::kResourceLimit);
  GuardedMemory memory(GuardedMemory::Side::kFront);
  options.activation_memory = [&](size_t bytes) { return memory.Take(bytes + 64) + 8; };
  auto unaligned = Session::Create(*model, options);
  ASSERT_FALSE(unaligned.ok());
  EXPECT_EQ(unaligned.error().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(unaligned.error().message().find("multiple of 64"), std::string::npos);
}

TEST(GuardedRuns, ShippedModel) {
  auto model = Model::Open(QRUN_SOURCE_DIR "/tests/golden/rps_int8.qfb");
  ASSERT_TRUE(model.ok()) << model.error().message();
  ExpectGuarded(*model, 1);
}

}  // namespace
}  // namespace qrun
