#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "schema/cat.h"
#include "tests/runtime/guarded_runs.h"

namespace qrun::tests {
namespace {

constexpr int kThreads = 4;

Status FillWithNoise(Session& session) {
  std::mt19937 random(3);
  for (int i = 0; i < static_cast<int>(session.inputs().size()); ++i) {
    std::vector<float> values(static_cast<size_t>(session.inputs()[i].ElementCount()));
    for (float& value : values) value = static_cast<float>(random() >> 8) * 0x1p-22f - 2.0f;
    QRUN_RETURN_IF_ERROR(session.SetInput(i, values));
  }
  return Status::Ok();
}

// All outputs after a run, one after another.
Result<std::vector<std::byte>> OutputsOf(const Model& model, const SessionOptions& options,
                                         size_t* activation_bytes) {
  QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
  QRUN_RETURN_IF_ERROR(FillWithNoise(session));
  session.Run();
  *activation_bytes = session.arena_bytes();
  std::vector<std::byte> all;
  for (int i = 0; i < static_cast<int>(session.outputs().size()); ++i) {
    const auto bytes = session.OutputBytes(i);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

// Empty if the guarded session gives the bytes of the one on the heap.
std::string Difference(const Model& model, SessionOptions options, GuardedMemory::Side side) {
  size_t arena_bytes = 0, guarded_arena_bytes = 0;
  const auto expected = OutputsOf(model, options, &arena_bytes);
  if (!expected.ok()) return expected.error().message();
  GuardedMemory memory(side);
  std::vector<size_t> asked;
  options.activation_memory = [&](size_t bytes) {
    asked.push_back(bytes);
    return memory.Take(bytes);
  };
  const auto got = OutputsOf(model, options, &guarded_arena_bytes);
  if (!got.ok()) return got.error().message();
  if (guarded_arena_bytes != arena_bytes) return "the arena has another size";
  if (arena_bytes != 0 && asked.front() != arena_bytes) {
    return Cat("asked for ", asked.front(), " bytes of arena, promised ", arena_bytes);
  }
  if (asked.size() > 2) return "asked for memory more than twice";
  return *got == *expected ? "" : "gives other bytes in guarded memory";
}

}  // namespace

GuardedMemory::~GuardedMemory() {
  for (const Mapping& mapping : mappings_) munmap(mapping.address, mapping.bytes);
}

std::byte* GuardedMemory::Take(size_t bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t inner = (bytes + page - 1) / page * page;
  void* address = mmap(nullptr, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return nullptr;
  std::byte* front = static_cast<std::byte*>(address) + page;
  mappings_.push_back({static_cast<std::byte*>(address), inner + 2 * page});
  if (mprotect(front, inner, PROT_READ | PROT_WRITE) != 0) return nullptr;
  std::memset(front, 0xa5, inner);
  bytes_taken_ += bytes;
  return side_ == Side::kFront ? front : front + (inner - bytes);
}

GuardedRuns RunGuarded(const Model& model, int batch) {
  GuardedRuns result;
  std::string best;
  for (const IsaInfo& isa : Isas()) {
    if (!isa.can_run) continue;
    if (best.empty()) best = isa.name;
    for (int threads = 1; threads <= kThreads; ++threads) {
      for (bool reproducible : {true, false}) {
        // The library looks at the CPU, not at the name: once is enough.
        if (!reproducible && isa.name != best) continue;
        for (auto side : {GuardedMemory::Side::kFront, GuardedMemory::Side::kBack}) {
          SessionOptions options;
          options.batch = batch;
          options.threads = threads;
          options.isa = isa.name;
          options.reproducible_float = reproducible;
          const std::string difference = Difference(model, options, side);
          ++result.runs;
          if (difference.empty()) continue;
          result.failure = Cat(isa.name, ", ", threads, " threads, ",
                               side == GuardedMemory::Side::kFront ? "front" : "back", ": ", difference);
          return result;
        }
      }
    }
    result.isas.push_back(isa.name);
  }
  return result;
}

}  // namespace qrun::tests
