// qrun: runs a .qfb model on the CPU. This header is the whole public C++ API.
//
//   auto model = qrun::Model::Open("model.qfb");
//   auto session = qrun::Session::Create(*model, {.threads = 2});
//   session->SetInput(0, pixels);   // float, NHWC: quantised on the way in when the model is int8
//   session->Run();
//   session->GetOutput(0, scores);  // float again
//
// Layout: tensors are dense NHWC; extents[0] is the batch. Units: sizes in bytes unless the name says
// otherwise. Errors: functions that can fail return Status or Result (schema/status.h) and change nothing
// when they do; Session::Run cannot fail and allocates nothing. Thread safety: a Model is immutable and may
// be shared by any number of threads and sessions. A Session belongs to one thread at a time; different
// sessions run at once.
#ifndef QRUN_RUNTIME_QRUN_H_
#define QRUN_RUNTIME_QRUN_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/status.h"

namespace qrun {

enum class DType : int { kFloat32 = 0, kInt8 = 1, kInt32 = 2, kUInt8 = 3 };

// What an input or output looks like. extents[0] is the batch (1 for a Model, the chosen batch for a
// Session). int8: real = (q - zero_point) * scale. An input whose channels (the last extent) have scales and
// offsets of their own holds real = value * channel_scale[c] + channel_offset[c], where `value` is what the
// source model takes, and SetInput: an image whose normalisation is a part of the model is nothing but its
// pixels here.
struct TensorInfo {
  std::string name;
  std::vector<int> extents;
  DType dtype = DType::kFloat32;
  float scale = 1.0f;
  int zero_point = 0;
  std::vector<float> channel_scale, channel_offset;  // one entry per channel, or empty: 1 and 0
  // The model this file was made from states the tensor as [N, C, H, W]; here it is [N, H, W, C].
  bool source_is_nchw = false;

  int64_t ElementCount() const;
  size_t Bytes() const;
};

// How an image becomes the first input; see schema/qfb.fbs for the exact rules.
struct Preprocessing {
  enum class Rule { kShortSide, kStretch, kNone };
  enum class Color { kRgb, kBgr, kGray };
  Rule rule = Rule::kShortSide;
  int resize = 0;
  int crop_h = 0, crop_w = 0;
  Color color = Color::kRgb;
  std::vector<float> mean, std;  // one per channel, for pixels scaled to 0..1
  std::string preset;
  uint64_t golden_hash = 0;  // GoldenHash (image/golden.h) as the converter computed it; 0: not stored
};

// A verified model file. Copies share the same memory.
class Model {
 public:
  // Maps the file and verifies every byte that later code relies on. Errors: io, invalid_model,
  // resource_limit.
  static Result<Model> Open(const std::string& path);
  // Verifies and copies `bytes`. Errors: invalid_model, resource_limit.
  static Result<Model> FromBytes(std::span<const std::byte> bytes);

  std::string_view name() const;
  std::string_view producer() const;
  size_t file_bytes() const;
  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;
  const std::vector<std::string>& labels() const;  // empty if the file has none
  const Preprocessing* preprocessing() const;      // null if the file has none

  struct Impl;
  const Impl& impl() const { return *impl_; }
  std::shared_ptr<const Impl> share() const { return impl_; }

 private:
  explicit Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// Where sessions with several threads run their tasks. The library has a pool that all sessions of the
// process share; an application with threads of its own may supply them instead.
class Executor {
 public:
  virtual ~Executor() = default;
  // Calls function(context, i) exactly once for each i in [0, tasks) and returns when all calls have. tasks
  // is at most SessionOptions::threads; fewer threads than tasks are fine. Sessions that run at the same time
  // call it at the same time.
  virtual void Run(int tasks, void (*function)(void* context, int task), void* context) noexcept = 0;
};

struct SessionOptions {
  int batch = 1;    // 1..4096
  int threads = 1;  // 1..256: the parts that work is cut into; 1 starts no thread
  // Runs the parts; null: the pool of the process or, in a session with float operators on oneDNN, the OpenMP
  // threads that those use in any case. Must outlive the session.
  Executor* executor = nullptr;
  // Instruction set to use, by name; empty: QRUN_ISA from the environment, else the best this CPU has.
  std::string isa = {};
  // Float operators give the same bytes on every instruction set, thread count and build: no library kernels,
  // and products rounded before they are summed. Slower; int8 operators are exact either way. (exp, log, tanh
  // and erf are the C library's: other libraries may differ in the last bit.)
  bool reproducible_float = false;
  // Keep the time of every step and part (see Session::StepTimes); costs two clock reads a step, and inside a
  // fused block a counter read for each part of a band of rows.
  bool profile = false;
  // Upper bound for the arena, inputs and outputs together; Create fails with resource_limit above it. 0: 4
  // GiB. Packed weights have a limit of their own, always 4 GiB.
  size_t max_arena_bytes = 0;
  // Memory for activations; empty: the heap. Create calls it at most twice, with arena_bytes() and with what
  // the inputs and outputs take: it returns so many bytes, aligned to 64, with whatever is in them. They stay
  // the caller's and must outlive the session, which touches nothing beyond them. Null: Create fails with
  // resource_limit. Must not throw.
  std::function<std::byte*(size_t bytes)> activation_memory = {};
  // Folder for files of packed weights; empty: none are kept. Create packs as always the first time and
  // leaves a file of its own for this model, instruction set, build of the program, batch and number of
  // threads; then it maps that file, which all processes share, in place of packing. A stale or damaged file
  // is replaced. A folder that cannot be written to is no error: see Session::weight_cache. Trust it as you
  // trust the program.
  std::string weight_cache = {};
  // For measuring: asked, by the operator's index in the file and the candidate's name, for every candidate
  // that would be tried and is not the last of its list; true passes it over. None then declines because
  // another measures faster. Empty: the plan's own choice. Must not throw.
  std::function<bool(int op_index, std::string_view candidate)> passes_over = {};
  // Called before the first step for every model input, and after each step for the tensor it has just
  // written: index in the file's tensor list, and its bytes, valid during the call. For calibration and
  // debugging; empty costs nothing. Must not throw.
  std::function<void(int tensor, std::span<const std::byte> bytes)> tap = {};
  // Like tap, and before it: may change the bytes, which later steps then read. Changes to an input stay.
  std::function<void(int tensor, std::span<std::byte> bytes)> inject = {};
};

// One step of the plan, for people and tools.
struct StepInfo {
  // A part of an operator that runs fused in one step.
  struct Part {
    std::string name;  // as the suffix where it is a step of its own, e.g. "depthwise"
    int64_t macs = 0;
  };
  std::string name;       // the operator's name, with a suffix where one operator takes several steps
  std::string kind;       // operator type, e.g. "Conv2D"
  std::string candidate;  // what runs it, e.g. "conv2d_s8/avx512vnni" or "onednn"
  std::vector<std::string>
      declined;      // "candidate: reason" for those that came first in the list and declined
  int op_index = 0;  // operator in the file
  int64_t macs = 0;  // multiply-accumulates for the session's batch
  size_t packed_weight_bytes = 0;
  size_t scratch_bytes = 0;  // of all threads
  std::vector<Part> parts;   // empty unless the step is a fused block
};

// One activation's place in the arena.
struct ArenaSlot {
  std::string name;
  size_t offset = 0, bytes = 0;
  int first_step = 0, last_step = 0;  // inclusive lifetime
};

// What became of SessionOptions::weight_cache.
struct WeightCacheUse {
  std::string path;       // the file; empty if none was asked for
  bool was_used = false;  // its weights are mapped; else they were packed
  bool was_written = false;
  std::string problem;  // why it could not be used although it was there, or not be written; else empty
};

// A plan bound to memory: ready to run.
class Session {
 public:
  // Builds the plan, packs weights and allocates the arena. Errors: invalid_argument (options), unsupported
  // (an operator that this build cannot run, with its name), resource_limit.
  static Result<Session> Create(const Model& model, const SessionOptions& options = {});

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;

  // Memory of input or output i in its own dtype; stays at the same address for the session's life. Contents
  // of an input survive Run; an output holds the last Run's values.
  std::span<std::byte> InputBytes(int i);
  std::span<const std::byte> OutputBytes(int i) const;

  // Copies float values in (quantising if the input is int8) or out (dequantising). Errors: invalid_argument
  // if i or the element count is wrong.
  Status SetInput(int i, std::span<const float> values);
  Status GetOutput(int i, std::span<float> values) const;

  // Runs the model. Allocates nothing, cannot fail.
  void Run() noexcept;

  std::string_view isa() const;
  int threads() const;
  size_t arena_bytes() const;          // activations and scratch
  size_t packed_weight_bytes() const;  // weights repacked for this CPU, beside the mapped file
  const WeightCacheUse& weight_cache() const;
  const std::vector<StepInfo>& steps() const;
  const std::vector<ArenaSlot>& arena_map() const;
  // Nanoseconds of each step in the last Run; empty unless SessionOptions::profile.
  std::span<const int64_t> StepTimes() const;
  // Nanoseconds of each of steps()[step].parts in the last Run: the step's time, divided as the threads spent
  // theirs. Empty unless SessionOptions::profile and the step has parts.
  std::span<const int64_t> PartTimes(size_t step) const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct IsaInfo {
  std::string name;  // as SessionOptions::isa takes it
  bool can_run;      // on this CPU
};
// The instruction sets of this build, best first; the last, "ref", runs everywhere. Thread safe.
std::vector<IsaInfo> Isas();

// Version of the library, e.g. "0.1.0".
std::string_view Version();

}  // namespace qrun

#endif  // QRUN_RUNTIME_QRUN_H_
