#include <atomic>
#include <cmath>
#include <limits>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "kernels/onednn/openmp.h"
#include "kernels/onednn/seam.h"
#include "schema/cat.h"

namespace qrun::kernels {
namespace {

using dnnl::memory;

const dnnl::engine& CpuEngine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::primitive_attr ClampAttr(float lo, float hi) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops ops;
  if (lo == 0.0f && std::isinf(hi)) {
    ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  } else if (!std::isinf(lo) || !std::isinf(hi)) {
    constexpr float kMax = std::numeric_limits<float>::max();
    ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_clip, std::fmax(lo, -kMax), std::fmin(hi, kMax));
  }
  attr.set_post_ops(ops);
  return attr;
}

}  // namespace

struct OnednnKernel::Impl {
  dnnl::primitive primitive;
  memory src, wei, bia, dst, scratch;
  dnnl::stream stream{CpuEngine()};
  size_t scratch_bytes = 0, packed_bytes = 0;
  std::string implementation;
  int threads = 1;
  std::vector<dnnl_exec_arg_t> args;

  // Packs `given` (in layout given_desc) and the bias, and lists the arguments of the primitive.
  template <class PrimitiveDesc>
  void Finish(const PrimitiveDesc& desc, const memory::desc& given_desc, const float* given,
              const float* bias) {
    const dnnl::engine& engine = CpuEngine();
    wei = memory(desc.weights_desc(), engine);
    memory from(given_desc, engine, const_cast<float*>(given));
    dnnl::reorder(from, wei).execute(stream, from, wei);
    packed_bytes = desc.weights_desc().get_size();
    src = memory(desc.src_desc(), engine, nullptr);
    dst = memory(desc.dst_desc(), engine, nullptr);
    scratch = memory(desc.scratchpad_desc(), engine, nullptr);
    scratch_bytes = desc.scratchpad_desc().get_size();
    implementation = desc.impl_info_str();
    primitive = dnnl::primitive(desc);
    args = {{DNNL_ARG_SRC, src.get()},
            {DNNL_ARG_WEIGHTS, wei.get()},
            {DNNL_ARG_DST, dst.get()},
            {DNNL_ARG_SCRATCHPAD, scratch.get()}};
    if (bias != nullptr) {
      bia = memory(desc.bias_desc(), engine);
      std::copy_n(bias, desc.bias_desc().get_size() / sizeof(float),
                  static_cast<float*>(bia.get_data_handle()));
      packed_bytes += desc.bias_desc().get_size();
      args.push_back({DNNL_ARG_BIAS, bia.get()});
    }
    stream.wait();
  }
};

OnednnKernel::OnednnKernel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OnednnKernel::~OnednnKernel() = default;

Result<std::unique_ptr<OnednnKernel>> OnednnKernel::Convolution(const OnednnConvProblem& p, const float* wei,
                                                                const float* bia) try {
  const Window& w = p.window;
  if (w.pad_top < 0 || w.pad_left < 0 || p.pad_bottom < 0 || p.pad_right < 0) {
    return Status::Unsupported("negative padding");
  }
  const int ic_per_group = p.ic / p.groups, oc_per_group = p.oc / p.groups;
  using tag = memory::format_tag;
  constexpr auto kF32 = memory::data_type::f32;
  const memory::desc src({w.n, p.ic, w.ih, w.iw}, kF32, tag::nhwc);
  const memory::desc dst({w.n, p.oc, w.oh, w.ow}, kF32, tag::nhwc);
  const memory::desc bias = bia ? memory::desc({p.oc}, kF32, tag::a) : memory::desc();
  memory::dims wei_dims{p.oc, p.ic, w.kh, w.kw};
  memory::dims strides{int64_t{w.kh} * w.kw * ic_per_group, 1, int64_t{w.kw} * ic_per_group,
                       ic_per_group};  // OHWI
  if (p.groups > 1) {
    wei_dims = {p.groups, oc_per_group, ic_per_group, w.kh, w.kw};
    strides.insert(strides.begin(), strides[0] * oc_per_group);
  }
  if (p.depthwise) strides = {1, 1, 1, int64_t{w.kw} * p.ic, p.ic};  // HWC
  if (p.depthwise && p.groups == 1) strides.erase(strides.begin());  // a single channel has no group axis
  const memory::desc given(wei_dims, kF32, strides);
  const memory::desc any(wei_dims, kF32, tag::any);

  const memory::dims stride{w.stride_h, w.stride_w}, dilation{w.dilation_h - 1, w.dilation_w - 1};
  const memory::dims pad_before{w.pad_top, w.pad_left};
  // oneDNN wants padding that the windows use up exactly; what a stride leaves over is cropped from the far
  // side.
  const auto pad_after = [](int in, int out, int kernel, int stride, int dilation, int before) -> int64_t {
    return int64_t{out - 1} * stride + (kernel - 1) * dilation + 1 - in - before;
  };
  const memory::dims pad_behind{
      std::max<int64_t>(0, pad_after(w.ih, w.oh, w.kh, w.stride_h, w.dilation_h, w.pad_top)),
      std::max<int64_t>(0, pad_after(w.iw, w.ow, w.kw, w.stride_w, w.dilation_w, w.pad_left))};
  const auto op =
      dnnl::convolution_forward::desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                                      src, any, bias, dst, stride, dilation, pad_before, pad_behind);
  omp_set_num_threads(p.threads);
  const dnnl::convolution_forward::primitive_desc desc(op, ClampAttr(p.lo, p.hi), CpuEngine());
  auto impl = std::make_unique<Impl>();
  impl->threads = p.threads;
  impl->Finish(desc, given, wei, bia);
  return std::unique_ptr<OnednnKernel>(new OnednnKernel(std::move(impl)));
} catch (const dnnl::error& error) {
  return Status::Unsupported(Cat("oneDNN: ", error.what()));
}

Result<std::unique_ptr<OnednnKernel>> OnednnKernel::FullyConnected(const OnednnFcProblem& p, const float* wei,
                                                                   const float* bia) try {
  using tag = memory::format_tag;
  constexpr auto kF32 = memory::data_type::f32;
  const memory::desc src({p.rows, p.ic}, kF32, tag::nc), dst({p.rows, p.oc}, kF32, tag::nc);
  const memory::desc given({p.oc, p.ic}, kF32, tag::oi), any({p.oc, p.ic}, kF32, tag::any);
  const memory::desc bias = bia ? memory::desc({p.oc}, kF32, tag::a) : memory::desc();
  const auto op = dnnl::inner_product_forward::desc(dnnl::prop_kind::forward_inference, src, any, bias, dst);
  omp_set_num_threads(p.threads);
  const dnnl::inner_product_forward::primitive_desc desc(op, ClampAttr(p.lo, p.hi), CpuEngine());
  auto impl = std::make_unique<Impl>();
  impl->threads = p.threads;
  impl->Finish(desc, given, wei, bia);
  return std::unique_ptr<OnednnKernel>(new OnednnKernel(std::move(impl)));
} catch (const dnnl::error& error) {
  return Status::Unsupported(Cat("oneDNN: ", error.what()));
}

namespace {

struct Tasks {
  std::atomic<int> next = 0;
  int count;
  void (*function)(void*, int);
  void* context;
};

void TakeTasks(void* data) {
  Tasks& tasks = *static_cast<Tasks*>(data);
  for (int task = tasks.next++; task < tasks.count; task = tasks.next++) tasks.function(tasks.context, task);
}

}  // namespace

void RunOnLibraryThreads(int threads, int tasks, void (*function)(void*, int), void* context) noexcept {
  if (tasks <= 1) {
    for (int task = 0; task < tasks; ++task) function(context, task);
    return;
  }
  // As many threads as its kernels get, not as many as there are tasks: OpenMP makes and ends threads where
  // the number changes.
  Tasks shared{.count = tasks, .function = function, .context = context};
  GOMP_parallel(TakeTasks, &shared, static_cast<unsigned>(threads), 0);
}

size_t OnednnKernel::scratch_bytes() const { return impl_->scratch_bytes; }
size_t OnednnKernel::packed_weight_bytes() const { return impl_->packed_bytes; }
std::string OnednnKernel::implementation() const { return impl_->implementation; }

void OnednnKernel::Bind(const float* src, float* dst, std::byte* scratch) {
  impl_->src.set_data_handle(const_cast<float*>(src));
  impl_->dst.set_data_handle(dst);
  impl_->scratch.set_data_handle(scratch);
}

void OnednnKernel::Run() noexcept {
  // A setting of the calling thread, as cheap as a store; sessions with other thread counts may share the
  // thread.
  omp_set_num_threads(impl_->threads);
  // The C call, so that an error could not throw. Arguments were fixed when the primitive was made: it cannot
  // fail but for memory, and then oneDNN has nothing to report it with but this code.
  const dnnl_status_t status = dnnl_primitive_execute(
      impl_->primitive.get(), impl_->stream.get(), static_cast<int>(impl_->args.size()), impl_->args.data());
  if (status != dnnl_success) std::abort();
}

}  // namespace qrun::kernels
