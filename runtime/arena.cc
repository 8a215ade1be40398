#include "runtime/arena.h"

#include <algorithm>
#include <numeric>

#include "runtime/aligned_buffer.h"

namespace qrun {
namespace {

// Places the blocks one after another.
size_t PlaceInOrder(const std::vector<int>& order, std::vector<ArenaBlock>& blocks) {
  size_t arena_bytes = 0;
  std::vector<int> placed;  // by offset
  for (int index : order) {
    ArenaBlock& block = blocks[index];
    const size_t bytes = AlignUp(block.bytes);
    if (bytes == 0) continue;
    const auto together = [&](const ArenaBlock& other) {
      return block.first <= other.last && other.first <= block.last;
    };
    const auto is_free = [&](size_t at) {
      return std::none_of(placed.begin(), placed.end(), [&](int i) {
        const ArenaBlock& other = blocks[i];
        return i != block.over && together(other) && at < other.offset + AlignUp(other.bytes) &&
               other.offset < at + bytes;
      });
    };
    size_t offset = 0;
    const bool over = block.over >= 0 && std::find(placed.begin(), placed.end(), block.over) != placed.end();
    if (over && is_free(blocks[block.over].offset)) {
      offset = blocks[block.over].offset;
    } else {
      for (int i : placed) {
        const ArenaBlock& other = blocks[i];
        if (!together(other)) continue;
        if (offset + bytes <= other.offset) break;
        offset = std::max(offset, other.offset + AlignUp(other.bytes));
      }
    }
    block.offset = offset;
    arena_bytes = std::max(arena_bytes, offset + bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](int a, int b) { return blocks[a].offset < blocks[b].offset; }),
                  index);
  }
  return arena_bytes;
}

}  // namespace

size_t PlaceBlocks(std::vector<ArenaBlock>& blocks) {
  std::vector<int> by_size(blocks.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](int a, int b) { return blocks[a].bytes > blocks[b].bytes; });
  const size_t arena_bytes = PlaceInOrder(by_size, blocks);

  // A block that may lie over another finds that place free only if it comes before smaller ones; what they
  // lose may be more than it gains.
  if (std::none_of(blocks.begin(), blocks.end(), [](const ArenaBlock& block) { return block.over >= 0; })) {
    return arena_bytes;
  }
  std::vector<int> above(blocks.size(), -1);
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].over >= 0) above[blocks[i].over] = static_cast<int>(i);
  }
  std::vector<int> pairs_first;
  for (int i : by_size) {
    if (blocks[i].over >= 0) continue;
    for (int block = i; block >= 0; block = above[block]) pairs_first.push_back(block);
  }
  std::vector<ArenaBlock> other = blocks;
  const size_t other_bytes = PlaceInOrder(pairs_first, other);
  if (other_bytes >= arena_bytes) return arena_bytes;
  blocks = std::move(other);
  return other_bytes;
}

}  // namespace qrun
