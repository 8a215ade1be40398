#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "kernels/dispatch.h"
#include "kernels/onednn/seam.h"
#include "runtime/arena.h"
#include "runtime/build_id.h"
#include "runtime/model_impl.h"
#include "runtime/plan.h"
#include "runtime/thread_pool.h"

namespace qrun {
namespace {

constexpr size_t kDefaultArenaLimit = size_t{4} << 30;
// Kernels index elements with int.
constexpr int64_t kMaxElements = int64_t{1} << 30;

Status CheckOptions(const SessionOptions& options) {
  if (options.batch < 1 || options.batch > 4096) {
    return Status::InvalidArgument(Cat("batch is ", options.batch, ", expected 1 to 4096"));
  }
  if (options.threads < 1 || options.threads > ThreadPool::MaxThreads()) {
    return Status::InvalidArgument(
        Cat("threads is ", options.threads, ", expected 1 to ", ThreadPool::MaxThreads()));
  }
  if (options.passes_over && !options.weight_cache.empty()) {
    return Status::InvalidArgument(
        "weight_cache keeps the weights of the plan's own choices; give no passes_over");
  }
  return Status::Ok();
}

// Runs our steps where the library runs its own, so that a session has one set of threads.
class LibraryExecutor final : public Executor {
 public:
  explicit LibraryExecutor(int threads) : threads_(threads) {}
  void Run(int tasks, void (*function)(void*, int), void* context) noexcept override {
    kernels::RunOnLibraryThreads(threads_, tasks, function, context);
  }

 private:
  const int threads_;
};

}  // namespace

struct Session::Impl {
  std::shared_ptr<const Model::Impl> model;
  SessionOptions options;
  const kernels::KernelTable* table = nullptr;

  std::vector<TensorInfo> inputs, outputs;
  std::vector<StepInfo> infos;
  std::vector<ArenaSlot> arena_map;
  std::vector<int64_t> times;
  // Profile, per step: what the kernel counted, and the step's time divided alike.
  std::vector<std::shared_ptr<uint64_t[]>> part_ticks;
  std::vector<std::vector<int64_t>> part_times;

  std::span<std::byte> arena;
  std::span<std::byte> io;                 // inputs and outputs
  std::vector<AlignedBuffer> activations;  // both, unless they are the caller's
  std::optional<WeightCache> cache;
  WeightCacheUse cache_use;
  std::vector<AlignedBuffer> persistent;
  std::vector<std::shared_ptr<void>> objects;
  size_t persistent_bytes = 0;
  std::vector<std::byte*> addresses;     // per tensor of the file; null for what is never stored
  std::vector<size_t> sizes;             // bytes, per tensor
  std::vector<std::vector<int>> writes;  // per step: the tensors that it completes
  std::vector<BoundStep> steps;          // empty function for an alias
  std::shared_ptr<ThreadPool> pool;      // null if another executor runs the parts
  std::unique_ptr<LibraryExecutor> library_executor;
  Executor* executor = nullptr;

  Status Build();
  Status Plan(PlanBuilder& plan) const;
  std::optional<WeightCacheFile> CacheFile();
  Result<PlanBuilder> PlanWithCache();
  Result<std::span<std::byte>> TakeMemory(size_t bytes);
  void ReleaseWeights(const PlanBuilder& plan, const fb::Operator& op, size_t first) const;
  void RunProfiled(size_t step, const RunContext& context) noexcept;
  Status CheckSizes(const PlanBuilder& plan) const;
  Status PlaceTensors(const PlanBuilder& plan, const std::vector<StepDraft>& drafts, size_t* scratch_offset);
};

Status Session::Impl::CheckSizes(const PlanBuilder& plan) const {
  const auto& tensors = *model->file->tensors();
  for (int i = 0; i < static_cast<int>(tensors.size()); ++i) {
    if (plan.Elements(i) > kMaxElements) {
      return Status::ResourceLimit(Cat("tensor '", tensors.Get(i)->name()->string_view(), "' has ",
                                       plan.Elements(i), " elements with batch ", options.batch,
                                       ", the limit is ", kMaxElements, ": use a smaller batch"));
    }
  }
  return Status::Ok();
}

Result<std::span<std::byte>> Session::Impl::TakeMemory(size_t bytes) {
  if (bytes == 0) return std::span<std::byte>();
  if (!options.activation_memory) {
    return std::span(activations.emplace_back(bytes).data(), bytes);
  }
  std::byte* memory = options.activation_memory(bytes);
  if (memory == nullptr) {
    return Status::ResourceLimit(Cat("activation_memory has no ", bytes, " bytes for the session"));
  }
  if (reinterpret_cast<uintptr_t>(memory) % kAlignment != 0) {
    return Status::InvalidArgument(
        Cat("activation_memory returned an address that is no multiple of ", kAlignment));
  }
  return std::span(memory, bytes);
}

// Gives every tensor an address: constants in the file, inputs and outputs in `io`, the rest in the arena.
Status Session::Impl::PlaceTensors(const PlanBuilder& plan, const std::vector<StepDraft>& drafts,
                                   size_t* scratch_offset) {
  const fb::Model& file = *model->file;
  const int tensor_count = static_cast<int>(file.tensors()->size());
  const int step_count = static_cast<int>(drafts.size());

  std::vector<char> is_io(tensor_count, 0);
  size_t io_bytes = 0;
  std::vector<size_t> io_offset(tensor_count, 0);
  for (const auto* list : {file.inputs(), file.outputs()}) {
    for (int32_t index : *list) {
      if (plan.is_constant(index) || is_io[index]) continue;
      is_io[index] = 1;
      io_offset[index] = io_bytes;
      io_bytes += AlignUp(plan.Bytes(index));
    }
  }

  // root[t]: the tensor whose memory t uses. Aliases and in-place results follow their source; a model input
  // or output keeps its own place.
  std::vector<int> root(tensor_count), first(tensor_count, step_count), last(tensor_count, -1);
  for (int i = 0; i < tensor_count; ++i) root[i] = i;
  const auto touch = [&](int tensor, int step) {
    first[root[tensor]] = std::min(first[root[tensor]], step);
    last[root[tensor]] = std::max(last[root[tensor]], step);
  };
  for (int step = 0; step < step_count; ++step) {
    const StepDraft& draft = drafts[step];
    for (int tensor : draft.reads) touch(tensor, step);
    if (draft.alias) root[draft.writes[0]] = root[draft.reads[0]];
    for (int tensor : draft.writes) touch(tensor, step);
  }
  for (int step = 0; step < step_count; ++step) {
    const StepDraft& draft = drafts[step];
    if (!draft.in_place || draft.alias) continue;
    const int from = root[draft.reads[0]], to = root[draft.writes[0]];
    if (from == to || is_io[from] || is_io[to] || plan.is_constant(from)) continue;
    if (last[from] != step || first[to] != step || plan.Bytes(from) != plan.Bytes(to)) continue;
    for (int tensor = 0; tensor < tensor_count; ++tensor) {
      if (root[tensor] == to) root[tensor] = from;
    }
    last[from] = last[to];
  }

  std::vector<int> over(tensor_count, -1);
  for (int step = 0; step < step_count; ++step) {
    const StepDraft& draft = drafts[step];
    if (!draft.overwrites) continue;
    const int from = root[draft.reads[0]], to = root[draft.writes[0]];
    if (from == to || is_io[from] || is_io[to] || plan.is_constant(from)) continue;
    if (last[from] == step && first[to] == step && plan.Bytes(to) <= plan.Bytes(from)) over[to] = from;
  }

  std::vector<ArenaBlock> blocks;
  std::vector<int> block_of(tensor_count, -1);
  for (int i = 0; i < tensor_count; ++i) {
    if (root[i] != i || is_io[i] || plan.is_constant(i) || last[i] < 0) continue;
    block_of[i] = static_cast<int>(blocks.size());
    blocks.push_back({plan.Bytes(i), first[i], last[i]});
  }
  for (int i = 0; i < tensor_count; ++i) {
    if (over[i] >= 0) blocks[block_of[i]].over = block_of[over[i]];
  }
  for (int step = 0; step < step_count; ++step) {
    if (drafts[step].scratch_bytes != 0) blocks.push_back({drafts[step].scratch_bytes, step, step});
  }
  const size_t arena_bytes = PlaceBlocks(blocks);
  const size_t limit = options.max_arena_bytes ? options.max_arena_bytes : kDefaultArenaLimit;
  if (arena_bytes + io_bytes > limit) {
    return Status::ResourceLimit(Cat("the model needs ", arena_bytes, " bytes of arena and ", io_bytes,
                                     " bytes for inputs and outputs, the limit is ", limit));
  }
  QRUN_ASSIGN_OR_RETURN(arena, TakeMemory(arena_bytes));
  QRUN_ASSIGN_OR_RETURN(io, TakeMemory(io_bytes));

  addresses.assign(tensor_count, nullptr);
  sizes.assign(tensor_count, 0);
  for (int i = 0; i < tensor_count; ++i) {
    sizes[i] = plan.Bytes(i);
    const int at = root[i];
    if (plan.is_constant(at)) {
      addresses[i] = const_cast<std::byte*>(plan.Constant<std::byte>(at));
    } else if (is_io[at]) {
      addresses[i] = io.data() + io_offset[at];
    } else if (block_of[at] >= 0) {
      addresses[i] = arena.data() + blocks[block_of[at]].offset;
    }
  }
  for (int i = 0; i < tensor_count; ++i) {
    if (block_of[i] < 0) continue;
    const ArenaBlock& block = blocks[block_of[i]];
    arena_map.push_back(
        {file.tensors()->Get(i)->name()->str(), block.offset, block.bytes, block.first, block.last});
  }
  size_t next = blocks.size();
  for (int step = step_count; step-- > 0;) {
    if (drafts[step].scratch_bytes == 0) continue;
    const ArenaBlock& block = blocks[--next];
    scratch_offset[step] = block.offset;
    arena_map.push_back(
        {drafts[step].info.name + " (scratch)", block.offset, block.bytes, block.first, block.last});
  }
  return Status::Ok();
}

// Weights that were packed are not read again: the file's pages under them need not stay in memory. `first`:
// the operator's first step.
void Session::Impl::ReleaseWeights(const PlanBuilder& plan, const fb::Operator& op, size_t first) const {
  if (!model->mapping) return;
  const auto steps_of_op = std::span(plan.drafts()).subspan(first);
  for (int32_t tensor : *op.inputs()) {
    if (tensor < 0 || !plan.is_constant(tensor)) continue;
    const bool still_read = std::any_of(steps_of_op.begin(), steps_of_op.end(), [&](const StepDraft& draft) {
      return std::find(draft.reads.begin(), draft.reads.end(), tensor) != draft.reads.end();
    });
    if (!still_read) model->mapping->Release({plan.Constant<std::byte>(tensor), plan.Bytes(tensor)});
  }
}

// Adds the steps of all operators.
Status Session::Impl::Plan(PlanBuilder& plan) const {
  const fb::Model& file = *model->file;
  QRUN_RETURN_IF_ERROR(CheckSizes(plan));
  for (int i = 0; i < static_cast<int>(file.operators()->size()); ++i) {
    const size_t first = plan.drafts().size();
    QRUN_RETURN_IF_ERROR(PrepareOperator({plan, *file.operators()->Get(i), i}));
    ReleaseWeights(plan, *file.operators()->Get(i), first);
  }
  return Status::Ok();
}

// The file that holds this plan's weights, or is to hold them. Their layout depends on the code and on all
// that choosing a candidate looks at.
std::optional<WeightCacheFile> Session::Impl::CacheFile() {
  if (options.weight_cache.empty()) return std::nullopt;
  const std::string build = BuildId();
  if (build.empty()) {
    cache_use.problem = "this program has no build id to know its files by: link it with -Wl,--build-id";
    return std::nullopt;
  }
  WeightCacheFile file(options.weight_cache, model->bytes(),
                       Cat(Version(), " ", build, " ", table->isa, " batch ", options.batch, " threads ",
                           options.threads, " reproducible ", options.reproducible_float));
  cache_use.path = file.path;
  return file;
}

// A plan whose weights come from the cache, if there is one for it; else they are packed, and written to it.
Result<PlanBuilder> Session::Impl::PlanWithCache() {
  const std::optional<WeightCacheFile> cache_file = CacheFile();
  if (cache_file) {
    auto opened = WeightCache::Open(*cache_file);
    if (opened.ok()) {
      cache.emplace(*std::move(opened));
      PlanBuilder plan(*model->file, *table, options, &*cache);
      QRUN_RETURN_IF_ERROR(Plan(plan));
      cache_use.was_used = plan.cache_fits();
      if (cache_use.was_used) return plan;
      cache_use.problem = Cat("'", cache_file->path, "': its blocks are not those of this plan");
      cache.reset();
    } else if (opened.error().code() != StatusCode::kIo) {
      cache_use.problem = opened.error().message();
    }
  }
  PlanBuilder plan(*model->file, *table, options, nullptr);
  QRUN_RETURN_IF_ERROR(Plan(plan));
  if (cache_file && !plan.packed().empty()) {
    const Status written = WeightCache::Write(*cache_file, plan.packed());
    cache_use.was_written = written.ok();
    if (!written.ok()) cache_use.problem = written.message();
  }
  return plan;
}

Status Session::Impl::Build() {
  QRUN_RETURN_IF_ERROR(CheckOptions(options));
  QRUN_ASSIGN_OR_RETURN(table, kernels::ChooseTable(options.isa));
  const fb::Model& file = *model->file;
  QRUN_ASSIGN_OR_RETURN(PlanBuilder plan, PlanWithCache());

  std::vector<StepDraft> drafts = plan.TakeDrafts();
  std::vector<size_t> scratch_offset(drafts.size(), 0);
  QRUN_RETURN_IF_ERROR(PlaceTensors(plan, drafts, scratch_offset.data()));
  persistent = plan.TakePersistent();
  objects = plan.TakeObjects();
  persistent_bytes = plan.persistent_bytes();

  for (size_t i = 0; i < drafts.size(); ++i) {
    std::byte* scratch = drafts[i].scratch_bytes ? arena.data() + scratch_offset[i] : nullptr;
    steps.push_back(drafts[i].bind ? drafts[i].bind(Binder(addresses, scratch)) : BoundStep());
    infos.push_back(std::move(drafts[i].info));
    part_times.emplace_back(drafts[i].part_ticks ? infos.back().parts.size() : 0, 0);
    part_ticks.push_back(std::move(drafts[i].part_ticks));
    writes.push_back(std::move(drafts[i].writes));
  }
  // An operator of several steps completes its output with the last one.
  std::vector<char> complete(file.tensors()->size(), 0);
  for (size_t i = writes.size(); i-- > 0;) {
    std::erase_if(writes[i], [&](int tensor) { return std::exchange(complete[tensor], 1) != 0; });
  }
  const auto with_batch = [&](const std::vector<TensorInfo>& list) {
    std::vector<TensorInfo> result = list;
    for (TensorInfo& info : result) info.extents[0] = options.batch;
    return result;
  };
  inputs = with_batch(model->inputs);
  outputs = with_batch(model->outputs);
  if (options.profile) times.assign(steps.size(), 0);
  executor = options.executor;
  if (executor == nullptr && plan.has_library_steps() && options.threads > 1) {
    library_executor = std::make_unique<LibraryExecutor>(options.threads);
    executor = library_executor.get();
  } else if (executor == nullptr) {
    pool = ThreadPool::OfProcess(options.threads);
    executor = pool.get();
  }
  return Status::Ok();
}

void Session::Impl::RunProfiled(size_t step, const RunContext& context) noexcept {
  std::vector<int64_t>& parts = part_times[step];
  uint64_t* const ticks = part_ticks[step].get();
  std::fill_n(ticks, parts.size(), 0);
  const auto start = std::chrono::steady_clock::now();
  if (steps[step]) steps[step](context);
  times[step] = (std::chrono::steady_clock::now() - start) / std::chrono::nanoseconds(1);
  uint64_t total = 0;
  for (size_t i = 0; i < parts.size(); ++i) total += ticks[i];
  for (size_t i = 0; i < parts.size(); ++i) {
    const double share = total == 0 ? 0 : static_cast<double>(ticks[i]) / static_cast<double>(total);
    parts[i] = static_cast<int64_t>(static_cast<double>(times[step]) * share);
  }
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::Create(const Model& model, const SessionOptions& options) try {
  auto impl = std::make_unique<Impl>();
  impl->model = model.share();
  impl->options = options;
  QRUN_RETURN_IF_ERROR(impl->Build());
  return Session(std::move(impl));
} catch (const std::bad_alloc&) {
  return Status::ResourceLimit(
      Cat("not enough memory for the model's packed weights and arena, or more than ", kMaxPlanBytes,
          " bytes of packed weights"));
} catch (const std::system_error& error) {
  return Status::ResourceLimit(Cat("cannot start ", options.threads - 1, " threads: ", error.what()));
}

void Session::Run() noexcept {
  Impl& self = *impl_;
  const RunContext context{*self.executor};
  const auto& tap = self.options.tap;
  const auto& inject = self.options.inject;
  const auto show = [&](int tensor) {
    if (inject) inject(tensor, {self.addresses[tensor], self.sizes[tensor]});
    if (tap) tap(tensor, {self.addresses[tensor], self.sizes[tensor]});
  };
  const bool watched = tap || inject;
  if (watched) {
    for (int32_t i : *self.model->file->inputs()) show(i);
  }
  for (size_t i = 0; i < self.steps.size(); ++i) {
    if (!self.steps[i] && !watched) continue;
    if (self.options.profile) {
      self.RunProfiled(i, context);
    } else if (self.steps[i]) {
      self.steps[i](context);
    }
    if (watched) {
      for (int tensor : self.writes[i]) show(tensor);
    }
  }
}

const std::vector<TensorInfo>& Session::inputs() const { return impl_->inputs; }
const std::vector<TensorInfo>& Session::outputs() const { return impl_->outputs; }

std::span<std::byte> Session::InputBytes(int i) {
  const int tensor = impl_->model->file->inputs()->Get(i);
  return {impl_->addresses[tensor], impl_->sizes[tensor]};
}

std::span<const std::byte> Session::OutputBytes(int i) const {
  const int tensor = impl_->model->file->outputs()->Get(i);
  return {impl_->addresses[tensor], impl_->sizes[tensor]};
}

std::string_view Session::isa() const { return impl_->table->isa; }
int Session::threads() const { return impl_->options.threads; }
size_t Session::arena_bytes() const { return impl_->arena.size(); }
size_t Session::packed_weight_bytes() const { return impl_->persistent_bytes; }
const WeightCacheUse& Session::weight_cache() const { return impl_->cache_use; }
const std::vector<StepInfo>& Session::steps() const { return impl_->infos; }
const std::vector<ArenaSlot>& Session::arena_map() const { return impl_->arena_map; }
std::span<const int64_t> Session::StepTimes() const { return impl_->times; }
std::span<const int64_t> Session::PartTimes(size_t step) const { return impl_->part_times[step]; }

namespace {

Status CheckTransfer(const char* what, const std::vector<TensorInfo>& list, int i, size_t count) {
  if (i < 0 || i >= static_cast<int>(list.size())) {
    return Status::InvalidArgument(Cat(what, " ", i, " does not exist; the model has ", list.size()));
  }
  if (static_cast<int64_t>(count) != list[i].ElementCount()) {
    return Status::InvalidArgument(
        Cat(what, " ", i, " has ", list[i].ElementCount(), " elements, ", count, " values were given"));
  }
  if (list[i].dtype != DType::kFloat32 && list[i].dtype != DType::kInt8) {
    return Status::Unsupported(Cat(what, " ", i, " is neither float32 nor int8; use its bytes"));
  }
  return Status::Ok();
}

}  // namespace

Status Session::SetInput(int i, std::span<const float> values) {
  QRUN_RETURN_IF_ERROR(CheckTransfer("input", inputs(), i, values.size()));
  const TensorInfo& info = inputs()[i];
  std::byte* bytes = InputBytes(i).data();
  if (info.dtype == DType::kFloat32) {
    std::memcpy(bytes, values.data(), values.size_bytes());
    return Status::Ok();
  }
  kernels::QuantizeArgs args{values.data(), reinterpret_cast<int8_t*>(bytes), 1.0f / info.scale,
                             info.zero_point};
  if (info.channel_offset.empty()) {
    impl_->table->quantize_f32_s8(args, 0, static_cast<int>(values.size()), nullptr);
    return Status::Ok();
  }
  std::array<float, 1024> reals;
  const size_t channels = info.channel_offset.size();
  size_t channel = 0;
  for (size_t done = 0; done < values.size(); done += reals.size()) {
    const size_t count = std::min(reals.size(), values.size() - done);
    for (size_t k = 0; k < count; ++k) {
      const float scaled = values[done + k] * info.channel_scale[channel];
      reals[k] = scaled + info.channel_offset[channel];
      if (++channel == channels) channel = 0;
    }
    args.src = reals.data();
    args.dst = reinterpret_cast<int8_t*>(bytes) + done;
    impl_->table->quantize_f32_s8(args, 0, static_cast<int>(count), nullptr);
  }
  return Status::Ok();
}

Status Session::GetOutput(int i, std::span<float> values) const {
  QRUN_RETURN_IF_ERROR(CheckTransfer("output", outputs(), i, values.size()));
  const TensorInfo& info = outputs()[i];
  const std::byte* bytes = OutputBytes(i).data();
  if (info.dtype == DType::kFloat32) {
    std::memcpy(values.data(), bytes, values.size_bytes());
    return Status::Ok();
  }
  const kernels::DequantizeArgs args{reinterpret_cast<const int8_t*>(bytes), values.data(), info.scale,
                                     info.zero_point};
  impl_->table->dequantize_s8_f32(args, 0, static_cast<int>(values.size()), nullptr);
  return Status::Ok();
}

}  // namespace qrun
