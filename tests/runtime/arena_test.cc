#include "runtime/arena.h"

#include <gtest/gtest.h>

#include <random>

namespace qrun {
namespace {

// No two blocks that live at the same time may overlap, whatever the planner did.
void ExpectDisjoint(const std::vector<ArenaBlock>& blocks, size_t arena_bytes) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i].offset % 64, 0u);
    EXPECT_LE(blocks[i].offset + blocks[i].bytes, arena_bytes);
    for (size_t j = 0; j < i; ++j) {
      const bool together = blocks[i].first <= blocks[j].last && blocks[j].first <= blocks[i].last;
      const bool apart = blocks[i].offset + blocks[i].bytes <= blocks[j].offset ||
                         blocks[j].offset + blocks[j].bytes <= blocks[i].offset;
      EXPECT_TRUE(!together || apart) << i << " and " << j;
    }
  }
}

TEST(Arena, ReusesMemoryOfDeadBlocks) {
  // A chain a -> b -> c -> d: two neighbours live at a time.
  std::vector<ArenaBlock> blocks = {{1000, 0, 1}, {1000, 1, 2}, {1000, 2, 3}, {1000, 3, 4}};
  EXPECT_EQ(PlaceBlocks(blocks), 2048u);
  ExpectDisjoint(blocks, 2048);
}

TEST(Arena, FillsAGapBetweenLargeBlocks) {
  std::vector<ArenaBlock> blocks = {{640, 0, 9}, {128, 0, 2}, {128, 3, 9}};
  EXPECT_EQ(PlaceBlocks(blocks), 768u);
  ExpectDisjoint(blocks, 768);
}

TEST(Arena, ABlockMayLieOverItsSource) {
  // b is made from a, over it; c is made from b.
  std::vector<ArenaBlock> blocks = {{640, 0, 1}, {320, 1, 2, 0, 0}, {320, 2, 3}};
  EXPECT_EQ(PlaceBlocks(blocks), 640u);
  EXPECT_EQ(blocks[1].offset, blocks[0].offset);
  // Something else is alive there by then.
  blocks = {{640, 0, 1}, {320, 1, 4, 0, 0}, {640, 2, 3}, {640, 0, 0}};
  PlaceBlocks(blocks);
  EXPECT_TRUE(blocks[1].offset == blocks[0].offset || blocks[1].offset >= blocks[0].offset + 640);
  EXPECT_TRUE(blocks[1].offset >= blocks[2].offset + 640 || blocks[1].offset + 320 <= blocks[2].offset);
}

TEST(Arena, EmptyAndZeroSized) {
  std::vector<ArenaBlock> none;
  EXPECT_EQ(PlaceBlocks(none), 0u);
  std::vector<ArenaBlock> zero = {{0, 0, 1}};
  EXPECT_EQ(PlaceBlocks(zero), 0u);
}

TEST(Arena, RandomPlansAreDisjointAndNearTheBound) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<ArenaBlock> blocks(1 + random() % 60);
    std::vector<size_t> live(64, 0);
    for (ArenaBlock& block : blocks) {
      block.bytes = 64 * (1 + random() % 100);
      block.first = static_cast<int>(random() % 60);
      block.last = block.first + static_cast<int>(random() % 4);
      for (int step = block.first; step <= block.last; ++step) live[step] += block.bytes;
    }
    const size_t bytes = PlaceBlocks(blocks);
    ExpectDisjoint(blocks, bytes);
    const size_t bound = *std::max_element(live.begin(), live.end());
    EXPECT_GE(bytes, bound);
    EXPECT_LE(bytes, 2 * bound);
  }
}

}  // namespace
}  // namespace qrun
