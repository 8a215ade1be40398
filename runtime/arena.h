// The arena planner: places blocks with known lifetimes in one stretch of memory.
#ifndef QRUN_RUNTIME_ARENA_H_
#define QRUN_RUNTIME_ARENA_H_

#include <cstddef>
#include <vector>

namespace qrun {

// A block that must keep its bytes from step first to step last, both included.
struct ArenaBlock {
  size_t bytes = 0;
  int first = 0, last = 0;
  size_t offset = 0;  // result, a multiple of kAlignment
  // A block of at least this size that this one alone may overlap, if both begin at the same place; or -1.
  int over = -1;
};

// Sets every offset so that blocks that live at the same time do not overlap; returns the arena's size in
// bytes. Largest blocks are placed first, each over the block that it may overlap if nothing else is there,
// or at the lowest offset where it fits; ties keep their order, so the result depends on nothing else. The
// idea is the greedy-by-size planner of TensorFlow Lite Micro.
size_t PlaceBlocks(std::vector<ArenaBlock>& blocks);

}  // namespace qrun

#endif  // QRUN_RUNTIME_ARENA_H_
