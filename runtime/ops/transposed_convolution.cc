// Convolutions of a dilated input (transposed convolutions) without the products with its gaps: the outputs
// at equal distances modulo the input dilation read the same taps of the filter, and are a convolution of the
// input as it is stored with those taps. Each of these phases is made by itself and moved to its places.
#include <algorithm>

#include "runtime/ops/conv_problem.h"
#include "runtime/ops/packed_weights.h"

namespace qrun {
namespace {

// Along one axis: outputs begin, begin + d, ... (`outputs` of them) read taps first_tap, first_tap + d, ...
// (`taps`), where the first of both meets the stored pixel -pad.
struct Phase {
  int begin, outputs, first_tap, taps, pad;
};

std::vector<Phase> PhasesOf(int outputs, int kernel, int input_dilation, int pad) {
  std::vector<Phase> phases;
  for (int begin = 0; begin < std::min(input_dilation, outputs); ++begin) {
    const int off = (pad - begin) % input_dilation;
    const int first_tap = off < 0 ? off + input_dilation : off;
    phases.push_back({begin, (outputs - begin + input_dilation - 1) / input_dilation, first_tap,
                      std::max(0, (kernel - first_tap + input_dilation - 1) / input_dilation),
                      (pad - begin - first_tap) / input_dilation});
  }
  return phases;
}

// The taps of a phase, OHWI.
template <class T>
std::vector<T> TapsOf(const T* wei, const ConvProblem& p, const Phase& y, const Phase& x) {
  const kernels::Window& w = p.window;
  const size_t pixel = static_cast<size_t>(p.ic / p.groups);
  std::vector<T> taps;
  for (int oc = 0; oc < p.oc; ++oc) {
    for (int ky = 0; ky < y.taps; ++ky) {
      for (int kx = 0; kx < x.taps; ++kx) {
        const size_t row = static_cast<size_t>(oc) * w.kh + y.first_tap + ky * w.input_dilation_h;
        const T* tap = wei + (row * w.kw + x.first_tap + kx * w.input_dilation_w) * pixel;
        taps.insert(taps.end(), tap, tap + pixel);
      }
    }
  }
  return taps;
}

template <class Args>
struct Part {
  Args conv;
  kernels::StridedCopyArgs copy;
  int64_t dst_offset;  // elements
  int rows, tasks, copy_tasks;
  size_t scratch_stride;
};

// From the dense result of a phase to its places in dst; items are rows, or images if there are several.
kernels::StridedCopyArgs CopyOf(const ConvProblem& p, const kernels::Window& phase, int element_bytes) {
  const kernels::Window& w = p.window;
  const int64_t row = int64_t{w.ow} * p.oc;
  kernels::StridedCopyArgs copy;
  copy.element_bytes = element_bytes;
  copy.axes = 0;
  const auto axis = [&](int64_t extent, int64_t src_stride, int64_t dst_stride) {
    copy.extent[copy.axes] = extent;
    copy.src_stride[copy.axes] = src_stride;
    copy.dst_stride[copy.axes++] = dst_stride;
  };
  if (w.n > 1) axis(w.n, int64_t{phase.oh} * phase.ow * p.oc, w.oh * row);
  axis(phase.oh, int64_t{phase.ow} * p.oc, w.input_dilation_h * row);
  axis(phase.ow, p.oc, int64_t{w.input_dilation_w} * p.oc);
  axis(p.oc, 1, 1);
  return copy;
}

// pack(problem, weights, &packed_bytes) gives the kernel's arguments for a phase.
template <class T, class Args, class Pack>
Status AddPhases(PlanBuilder& plan, const ConvProblem& p, StepDraft draft, const char* candidate,
                 void (*kernel)(const Args&, int, int, std::byte*) noexcept,
                 size_t (*scratch_bytes)(const Args&), const Pack& pack) {
  const kernels::Window& w = p.window;
  if (w.stride_h != 1 || w.stride_w != 1 || w.dilation_h != 1 || w.dilation_w != 1) {
    return Status::Unsupported("stride or dilation of the kernel");
  }
  const std::vector<Phase> ys = PhasesOf(w.oh, w.kh, w.input_dilation_h, w.pad_top);
  const std::vector<Phase> xs = PhasesOf(w.ow, w.kw, w.input_dilation_w, w.pad_left);
  for (const std::vector<Phase>* axis : {&ys, &xs}) {
    for (const Phase& phase : *axis) {
      if (phase.taps == 0) return Status::Unsupported("a kernel smaller than the input dilation");
    }
  }

  draft.info.candidate = plan.CandidateName(candidate);
  std::vector<Part<Args>> parts;
  size_t result_bytes = 0, kernel_bytes = 0;
  for (const Phase& y : ys) {
    for (const Phase& x : xs) {
      ConvProblem phase = p;
      phase.window.input_dilation_h = phase.window.input_dilation_w = 1;
      phase.window.oh = y.outputs;
      phase.window.ow = x.outputs;
      phase.window.kh = y.taps;
      phase.window.kw = x.taps;
      phase.window.pad_top = y.pad;
      phase.window.pad_left = x.pad;
      Part<Args> part;
      part.conv =
          pack(phase, TapsOf(plan.Constant<T>(p.tensors.wei), p, y, x), &draft.info.packed_weight_bytes);
      part.copy = CopyOf(p, phase.window, sizeof(T));
      part.dst_offset = (int64_t{y.begin} * w.ow + x.begin) * p.oc;
      part.rows = w.n * y.outputs;
      const int64_t elements = int64_t{part.rows} * x.outputs * p.oc;
      part.tasks = plan.TaskCount(part.rows, elements * y.taps * x.taps * (p.ic / p.groups));
      part.copy_tasks = plan.TaskCount(static_cast<int>(part.copy.extent[0]), elements);
      part.scratch_stride = AlignUp(scratch_bytes(part.conv));
      result_bytes = std::max(result_bytes, AlignUp(static_cast<size_t>(elements) * sizeof(T)));
      kernel_bytes = std::max(kernel_bytes, part.scratch_stride * static_cast<size_t>(part.tasks));
      parts.push_back(part);
    }
  }
  draft.info.scratch_bytes = draft.scratch_bytes = result_bytes + kernel_bytes;
  draft.reads = {p.tensors.src};
  draft.writes = {p.tensors.dst};
  draft.bind = [parts = std::move(parts), result_bytes, kernel, copy = plan.table().strided_copy,
                src = p.tensors.src, dst = p.tensors.dst](const Binder& binder) -> BoundStep {
    std::vector<Part<Args>> bound = parts;
    for (Part<Args>& part : bound) {
      part.conv.src = binder.In<T>(src);
      part.conv.dst = reinterpret_cast<T*>(binder.scratch());
      part.copy.src = binder.scratch();
      part.copy.dst = binder.Out<T>(dst) + part.dst_offset;
    }
    return [bound = std::move(bound), kernel, copy,
            scratch = binder.scratch() + result_bytes](const RunContext& context) {
      for (const Part<Args>& part : bound) {
        RunDivided(context.executor, kernel, part.conv, part.rows, part.tasks, scratch, part.scratch_stride);
        RunDivided(context.executor, copy, part.copy, static_cast<int>(part.copy.extent[0]), part.copy_tasks,
                   nullptr, 0);
      }
    };
  };
  plan.Add(std::move(draft));
  return Status::Ok();
}

}  // namespace

Status AddConvPhasesS8(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  const auto pack = [&](const ConvProblem& phase, const std::vector<int8_t>& wei, size_t* packed_bytes) {
    return PackConvS8(plan, phase, packed_bytes, wei.data());
  };
  return AddPhases<int8_t, kernels::ConvS8Args>(plan, p, std::move(draft), "conv2d_phases_s8",
                                                plan.table().conv2d_s8, plan.table().conv2d_s8_scratch_bytes,
                                                pack);
}

Status AddConvPhasesF32(PlanBuilder& plan, const ConvProblem& p, StepDraft draft) {
  const auto pack = [&](const ConvProblem& phase, const std::vector<float>& wei, size_t* packed_bytes) {
    return PackConvF32(plan, phase, packed_bytes, wei.data());
  };
  return AddPhases<float, kernels::ConvF32Args>(plan, p, std::move(draft), "conv2d_phases_f32",
                                                plan.table().conv2d_f32,
                                                plan.table().conv2d_f32_scratch_bytes, pack);
}

}  // namespace qrun
