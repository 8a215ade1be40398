#include "runtime/arena.h"

#include <algorithm>
#include <numeric>

#include "runtime/aligned_buffer.h"

namespace qrun {

size_t PlaceBlocks(std::vector<ArenaBlock>& blocks) {
  std::vector<int> order(blocks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return blocks[a].bytes > blocks[b].bytes; });

  size_t arena_bytes = 0;
  std::vector<int> placed;  // by offset
  for (int index : order) {
    ArenaBlock& block = blocks[index];
    const size_t bytes = AlignUp(block.bytes);
    if (bytes == 0) continue;
    size_t offset = 0;
    for (int other_index : placed) {
      const ArenaBlock& other = blocks[other_index];
      if (other.last < block.first || block.last < other.first) continue;
      if (offset + bytes <= other.offset) break;
      offset = std::max(offset, other.offset + AlignUp(other.bytes));
    }
    block.offset = offset;
    arena_bytes = std::max(arena_bytes, offset + bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](int a, int b) { return blocks[a].offset < blocks[b].offset; }),
                  index);
  }
  return arena_bytes;
}

}  // namespace qrun
