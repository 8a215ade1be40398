// The program's operator new and delete, which count.
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/fuzz/hostile_run.h"

namespace {

std::atomic<size_t> live{0}, peak{0}, base{0};

void* Count(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  const size_t now = live += malloc_usable_size(memory);
  size_t highest = peak;
  while (now > highest && !peak.compare_exchange_weak(highest, now)) {
  }
  return memory;
}

void Release(void* memory) {
  if (memory != nullptr) live -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(size_t bytes) { return Count(std::malloc(bytes == 0 ? 1 : bytes)); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  const size_t align = static_cast<size_t>(alignment);
  return Count(std::aligned_alloc(align, (bytes + align - 1) / align * align));
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept try {
  return operator new(bytes);
} catch (const std::bad_alloc&) {
  return nullptr;
}
void operator delete(void* memory) noexcept { Release(memory); }
void operator delete(void* memory, size_t) noexcept { Release(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { Release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { Release(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { Release(memory); }

namespace qrun::tests {

void AllocationMeter::Reset() {
  base = live.load();
  peak = live.load();
}

size_t AllocationMeter::Peak() { return peak - base; }

}  // namespace qrun::tests
