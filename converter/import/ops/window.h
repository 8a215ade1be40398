// Kernel, strides, dilations and padding of convolutions and pools.
#ifndef QRUN_CONVERTER_IMPORT_OPS_WINDOW_H_
#define QRUN_CONVERTER_IMPORT_OPS_WINDOW_H_

#include <string>

#include "converter/import/onnx_node.h"
#include "schema/status.h"

namespace qrun::converter {

// One axis of a window: `before` and `after` are its padding.
struct WindowAxis {
  int kernel = 1, stride = 1, dilation = 1, before = 0, after = 0;

  int reach() const { return (kernel - 1) * dilation + 1; }
};

struct Window {
  WindowAxis h, w;
  std::string auto_pad;  // NOTSET, VALID, SAME_UPPER or SAME_LOWER
};

// Reads kernel_shape, strides, dilations, pads and auto_pad for inputs of `rank` axes (3: a signal, whose h
// is 1). A convolution passes its kernel's extents, for the attribute may be left out. Errors: invalid_model.
Result<Window> ReadWindow(const OnnxNode& node, size_t rank, const Shape& kernel);

// Replaces auto_pad by explicit padding for a window that slides over `in` pixels. SAME: ceil(in / stride)
// outputs; an odd pixel goes to the end with SAME_UPPER, to the beginning with SAME_LOWER.
void ResolveAutoPad(const std::string& auto_pad, int64_t in, WindowAxis& axis);

// Copies padding and strides into the schema's options.
template <class Options>
void SetWindow(const Window& window, Options& op) {
  op.stride_h = window.h.stride;
  op.stride_w = window.w.stride;
  op.pad_top = window.h.before;
  op.pad_bottom = window.h.after;
  op.pad_left = window.w.before;
  op.pad_right = window.w.after;
}

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_IMPORT_OPS_WINDOW_H_
