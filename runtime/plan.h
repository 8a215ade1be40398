// The plan: a flat list of steps, and the builder through which operators add theirs.
//
// Building happens in two phases. First every operator describes its steps: which tensors they read and
// write, how much scratch they need, and how to bind them to memory. Then the arena is laid out, allocated,
// and each step is bound to addresses. Running is a loop over the bound steps.
#ifndef QRUN_RUNTIME_PLAN_H_
#define QRUN_RUNTIME_PLAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "kernels/table.h"
#include "runtime/aligned_buffer.h"
#include "runtime/qrun.h"
#include "runtime/weight_cache.h"
#include "schema/cat.h"
#include "schema/qfb_generated.h"

namespace qrun {

// Limit of what a plan keeps beside activations: packed weights and tables.
inline constexpr size_t kMaxPlanBytes = size_t{4} << 30;

struct RunContext {
  Executor& executor;
};

// A bound step. The function does not throw and does not allocate.
using BoundStep = std::function<void(const RunContext&)>;

// Addresses, known once the arena is laid out. Tensor numbers are indices in the file.
class Binder {
 public:
  Binder(const std::vector<std::byte*>& tensors, std::byte* scratch) : tensors_(tensors), scratch_(scratch) {}

  template <class T>
  const T* In(int tensor) const {
    return reinterpret_cast<const T*>(tensors_[tensor]);
  }
  template <class T>
  T* Out(int tensor) const {
    return reinterpret_cast<T*>(tensors_[tensor]);
  }
  std::byte* scratch() const { return scratch_; }

 private:
  const std::vector<std::byte*>& tensors_;
  std::byte* scratch_;
};

// Runs a kernel's work items [0, items), divided into tasks; task t has the scratch at scratch + t * stride.
template <class Args>
void RunDivided(Executor& executor, void (*kernel)(const Args&, int, int, std::byte*) noexcept,
                const Args& args, int items, int tasks, std::byte* scratch, size_t stride) noexcept {
  struct Call {
    const Args& args;
    void (*kernel)(const Args&, int, int, std::byte*) noexcept;
    int items, tasks;
    std::byte* scratch;
    size_t stride;
  };
  Call call = {args, kernel, items, tasks, scratch, stride};
  executor.Run(
      tasks,
      [](void* pointer, int task) {
        const Call& c = *static_cast<const Call*>(pointer);
        const int begin = static_cast<int>(int64_t{c.items} * task / c.tasks);
        const int end = static_cast<int>(int64_t{c.items} * (task + 1) / c.tasks);
        c.kernel(c.args, begin, end, c.scratch == nullptr ? nullptr : c.scratch + c.stride * task);
      },
      &call);
}

// A step before it is bound.
struct StepDraft {
  StepInfo info;
  std::vector<int> reads;   // activation tensors
  std::vector<int> writes;  // tensors that this step writes to, whole or in part
  bool in_place = false;    // writes[0] may share its memory with reads[0] if that dies here
  // writes[0] may begin where reads[0] begins and overwrite it, if that dies here and is not smaller: every
  // byte is read before it is overwritten.
  bool overwrites = false;
  bool alias = false;  // writes[0] is reads[0] under another shape; nothing runs
  size_t scratch_bytes = 0;
  // One per info.parts: where the kernel adds its ticks; null unless the session profiles.
  std::shared_ptr<uint64_t[]> part_ticks;
  std::function<BoundStep(const Binder&)> bind;  // empty for an alias
};

class PlanBuilder {
 public:
  // cache: weights packed by an earlier plan, or null.
  PlanBuilder(const fb::Model& model, const kernels::KernelTable& table, const SessionOptions& options,
              const WeightCache* cache)
      : model_(model),
        table_(table),
        cache_(cache),
        batch_(options.batch),
        threads_(options.threads),
        profile_(options.profile),
        passes_over_(options.passes_over),
        reproducible_float_(options.reproducible_float) {}

  const kernels::KernelTable& table() const { return table_; }
  int batch() const { return batch_; }
  int threads() const { return threads_; }
  bool profile() const { return profile_; }
  bool reproducible_float() const { return reproducible_float_; }
  // Whether a candidate that could run a step declines where another measures faster; not if the caller
  // chooses.
  bool prefers_by_rule() const { return !passes_over_; }
  // Whether the caller wants this candidate of an operator to be passed over.
  bool PassesOver(int op_index, const char* candidate) const {
    return passes_over_ && passes_over_(op_index, candidate);
  }

  const fb::Tensor& tensor(int index) const { return *model_.tensors()->Get(index); }
  bool is_constant(int index) const { return tensor(index).buffer() != 0; }
  bool is_model_output(int index) const;
  bool is_int8(int index) const { return tensor(index).dtype() == fb::DType::Int8; }
  // Extent of axis `axis`; negative counts from the end. The batch for axis 0 of an activation.
  int Dim(int index, int axis) const;
  int Rank(int index) const { return static_cast<int>(tensor(index).shape()->size()); }
  int64_t Elements(int index) const;
  size_t Bytes(int index) const;
  float scale(int index) const { return tensor(index).quantization()->scale()->Get(0); }
  int zero_point(int index) const;
  // The values of a constant, in the mapped file; null for index -1.
  template <class T>
  const T* Constant(int index) const {
    if (index < 0) return nullptr;
    return reinterpret_cast<const T*>(model_.buffers()->Get(tensor(index).buffer())->data()->Data());
  }

  // Packed weights that live as long as the session: `bytes` bytes, aligned, that pack(std::byte*) writes
  // into zero-filled memory, or that the cache has. They are nothing but weights, biases and scales: no
  // addresses, indices or sizes.
  template <class Pack>
  const std::byte* PersistPacked(size_t bytes, const Pack& pack) {
    const std::byte* block = cache_ ? cache_->Block(packed_.size(), bytes) : nullptr;
    if (block != nullptr) {
      persistent_bytes_ += bytes;
    } else {
      cache_fits_ = false;
      std::byte* memory = Persist<std::byte>(bytes);
      pack(memory);
      block = memory;
    }
    packed_.push_back({block, bytes});
    return block;
  }
  // All blocks of PersistPacked so far, and whether each of them and nothing else came from the cache.
  std::span<const std::span<const std::byte>> packed() const { return packed_; }
  bool cache_fits() const { return cache_fits_ && cache_ && cache_->block_count() == packed_.size(); }

  // Zero-filled memory that lives as long as the session: tables of small numbers. Throws std::bad_alloc
  // where there is none or the plan would hold more than kMaxPlanBytes, which Session::Create turns into a
  // Status.
  template <class T>
  T* Persist(size_t count) {
    if (count > (kMaxPlanBytes - std::min(kMaxPlanBytes, persistent_bytes_)) / sizeof(T))
      throw std::bad_alloc();
    persistent_.emplace_back(count * sizeof(T));
    persistent_bytes_ += persistent_.back().size();
    return reinterpret_cast<T*>(persistent_.back().data());
  }
  // Adds packed weights that a library object holds to the plan's account.
  void CountPackedBytes(size_t bytes) { persistent_bytes_ += bytes; }
  // Says that a step runs on the library's threads; has_library_steps() whether any does.
  void NoteLibraryStep() { has_library_steps_ = true; }
  bool has_library_steps() const { return has_library_steps_; }
  // Keeps a library object alive as long as the session.
  void KeepAlive(std::shared_ptr<void> object) { objects_.push_back(std::move(object)); }

  void Add(StepDraft draft) { drafts_.push_back(std::move(draft)); }

  // Adds a step that calls one kernel of the table, its work items split over the session's threads.
  // bind_args(args, binder) sets the pointers; scratch_bytes is what one thread needs.
  template <class Args, class BindArgs>
  void AddKernel(StepDraft draft, void (*kernel)(const Args&, int, int, std::byte*) noexcept,
                 const Args& args, int items, size_t scratch_bytes, BindArgs bind_args) {
    const size_t stride = AlignUp(scratch_bytes);
    const int tasks = TaskCount(items, std::max<int64_t>(draft.info.macs, items));
    draft.scratch_bytes = stride * static_cast<size_t>(tasks);
    draft.info.scratch_bytes = draft.scratch_bytes;
    draft.bind = [=](const Binder& binder) -> BoundStep {
      Args bound = args;
      bind_args(bound, binder);
      return [bound, kernel, items, tasks, scratch = binder.scratch(), stride](const RunContext& context) {
        RunDivided(context.executor, kernel, bound, items, tasks, scratch, stride);
      };
    };
    Add(std::move(draft));
  }

  // "conv2d_s8/avx2"
  std::string CandidateName(const char* kernel) const { return Cat(kernel, "/", table_.isa); }

  const std::vector<StepDraft>& drafts() const { return drafts_; }
  std::vector<StepDraft> TakeDrafts() { return std::move(drafts_); }
  std::vector<AlignedBuffer> TakePersistent() { return std::move(persistent_); }
  std::vector<std::shared_ptr<void>> TakeObjects() { return std::move(objects_); }
  size_t persistent_bytes() const { return persistent_bytes_; }

  // Tasks to divide a step into. Waking a thread costs more than a few thousand operations: small steps stay
  // on the caller.
  int TaskCount(int items, int64_t work) const;

 private:
  const fb::Model& model_;
  const kernels::KernelTable& table_;
  const WeightCache* cache_;
  bool cache_fits_ = true;
  std::vector<std::span<const std::byte>> packed_;
  int batch_;
  int threads_;
  bool profile_;
  const std::function<bool(int, std::string_view)>& passes_over_;
  bool reproducible_float_;
  std::vector<StepDraft> drafts_;
  std::vector<AlignedBuffer> persistent_;
  std::vector<std::shared_ptr<void>> objects_;
  size_t persistent_bytes_ = 0;
  bool has_library_steps_ = false;
};

// One operator of the file while it adds its steps.
struct OpContext {
  PlanBuilder& plan;
  const fb::Operator& op;
  int index = 0;

  int input(int i) const { return i < static_cast<int>(op.inputs()->size()) ? op.inputs()->Get(i) : -1; }
  int output() const { return op.outputs()->Get(0); }
  // A draft with name, kind and index filled in; `part` names a step of an operator that takes several.
  StepDraft Draft(std::string candidate, const char* part = nullptr) const;
  // unsupported, naming the operator.
  Status Unsupported(const std::string& what) const;
};

// Adds the steps of one operator, in runtime/ops/. Errors: unsupported.
#define QRUN_OP(name) Status Prepare##name(const OpContext& op);
#include "runtime/op_list.inc"
#undef QRUN_OP

// Dispatches to the Prepare function of the operator's type.
Status PrepareOperator(const OpContext& op);

}  // namespace qrun

#endif  // QRUN_RUNTIME_PLAN_H_
