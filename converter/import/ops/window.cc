#include "converter/import/ops/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

// The attribute's entries for h and w; a signal's only entry is w.
Result<std::vector<int>> PerAxis(const OnnxNode& node, const char* name, size_t spatial, int64_t fallback) {
  const std::vector<int64_t> values = node.Ints(name).value_or(std::vector<int64_t>(spatial, fallback));
  if (values.size() != spatial) {
    return Status::InvalidModel(fmt::format("{} has {} entries for {} axes", name, values.size(), spatial));
  }
  std::vector<int> out(2 - spatial, static_cast<int>(fallback));
  for (int64_t value : values) {
    QRUN_ASSIGN_OR_RETURN(out.emplace_back(), SmallInt(value, name));
    if (out.back() < 1) return Status::InvalidModel(fmt::format("{} {} is not positive", name, value));
  }
  return out;
}

}  // namespace

Result<Window> ReadWindow(const OnnxNode& node, size_t rank, const Shape& kernel) {
  if (rank != 3 && rank != 4) return Status::Unsupported(fmt::format("a window over {} axes", rank - 2));
  const size_t spatial = rank - 2;
  if (kernel.empty() && !node.Has("kernel_shape")) return Status::InvalidModel("has no kernel_shape");
  Window window;
  std::vector<int> kernels;
  if (kernel.empty()) {
    QRUN_ASSIGN_OR_RETURN(kernels, PerAxis(node, "kernel_shape", spatial, 1));
  } else {
    for (int64_t extent : kernel) {
      QRUN_ASSIGN_OR_RETURN(kernels.emplace_back(), SmallInt(extent, "kernel extent"));
    }
  }
  QRUN_ASSIGN_OR_RETURN(const std::vector<int> strides, PerAxis(node, "strides", spatial, 1));
  QRUN_ASSIGN_OR_RETURN(const std::vector<int> dilations, PerAxis(node, "dilations", spatial, 1));
  std::vector<int64_t> pads = node.Ints("pads").value_or(std::vector<int64_t>(2 * spatial, 0));
  if (pads.size() != 2 * spatial) return Status::InvalidModel("pads do not match the axes");
  window.auto_pad = node.String("auto_pad", "NOTSET");
  if (window.auto_pad.empty()) window.auto_pad = "NOTSET";
  if (window.auto_pad != "NOTSET") std::fill(pads.begin(), pads.end(), 0);

  WindowAxis* axes[2] = {&window.h, &window.w};
  for (size_t i = 0; i < 2; ++i) {
    axes[i]->kernel = kernels[i];
    axes[i]->stride = strides[i];
    axes[i]->dilation = dilations[i];
    if (axes[i]->kernel < 1 || int64_t{axes[i]->kernel} * axes[i]->dilation > (1 << 24)) {
      return Status::InvalidModel(fmt::format("kernel {} with dilation {}", kernels[i], dilations[i]));
    }
    if (i + spatial < 2) continue;
    const size_t source_axis = i + spatial - 2;
    QRUN_ASSIGN_OR_RETURN(axes[i]->before, SmallInt(pads[source_axis], "pad"));
    QRUN_ASSIGN_OR_RETURN(axes[i]->after, SmallInt(pads[source_axis + spatial], "pad"));
  }
  return window;
}

void ResolveAutoPad(const std::string& auto_pad, int64_t in, WindowAxis& axis) {
  if (auto_pad != "SAME_UPPER" && auto_pad != "SAME_LOWER") return;
  const int64_t out = (in + axis.stride - 1) / axis.stride;
  const int64_t total = std::max<int64_t>((out - 1) * axis.stride + axis.reach() - in, 0);
  axis.before = static_cast<int>(auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2);
  axis.after = static_cast<int>(total - axis.before);
}

}  // namespace qrun::converter
