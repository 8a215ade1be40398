#include "converter/repair/patch_means.h"

namespace qrun::converter {
namespace {

template <class T, class Sum>
void AddSums(const PatchGeometry& g, const T* src, Sum zero, std::span<Sum> sums) {
  Sum* tap_sums = sums.data();
  for (int64_t ky = 0; ky < g.kh; ++ky) {
    for (int64_t kx = 0; kx < g.kw; ++kx, tap_sums += g.channels) {
      for (int64_t oy = 0; oy < g.oh; ++oy) {
        const int64_t iy = oy * g.stride_h - g.pad_top + ky * g.dilation_h;
        if (iy < 0 || iy >= g.ih) continue;
        for (int64_t ox = 0; ox < g.ow; ++ox) {
          const int64_t ix = ox * g.stride_w - g.pad_left + kx * g.dilation_w;
          if (ix < 0 || ix >= g.iw) continue;
          const T* pixel = src + static_cast<size_t>(iy * g.iw + ix) * g.channels;
          for (size_t c = 0; c < g.channels; ++c) tap_sums[c] += static_cast<Sum>(pixel[c]) - zero;
        }
      }
    }
  }
}

template <class Options>
void ReadWindow(const Graph& graph, const Node& node, const Options& options, PatchGeometry& g) {
  const Shape& src = graph.values[node.inputs[0]].shape;
  const Shape& dst = graph.values[node.outputs[0]].shape;
  g.ih = src[1];
  g.iw = src[2];
  g.oh = dst[1];
  g.ow = dst[2];
  g.stride_h = options.stride_h;
  g.stride_w = options.stride_w;
  g.dilation_h = options.dilation_h;
  g.dilation_w = options.dilation_w;
  g.pad_top = options.pad_top;
  g.pad_left = options.pad_left;
}

}  // namespace

std::optional<PatchGeometry> PatchGeometryOf(const Graph& graph, const Node& node) {
  PatchGeometry g;
  const Shape& src = graph.values[node.inputs[0]].shape;
  g.channels = static_cast<size_t>(src.back());
  if (const auto* conv = std::get_if<fb::Conv2DT>(&node.options)) {
    if (conv->input_dilation_h != 1 || conv->input_dilation_w != 1) return {};
    ReadWindow(graph, node, *conv, g);
    g.kh = graph.values[node.inputs[1]].shape[1];
    g.kw = graph.values[node.inputs[1]].shape[2];
  } else if (const auto* depthwise = std::get_if<fb::DepthwiseConv2DT>(&node.options)) {
    ReadWindow(graph, node, *depthwise, g);
    g.kh = graph.values[node.inputs[1]].shape[0];
    g.kw = graph.values[node.inputs[1]].shape[1];
  } else if (std::holds_alternative<fb::FullyConnectedT>(node.options)) {
    g.ih = g.oh = ElementCount(src) / src.back();
  } else {
    return {};
  }
  return g;
}

void AddPatchSums(const PatchGeometry& geometry, std::span<const float> src, std::span<double> sums) {
  AddSums<float, double>(geometry, src.data(), 0.0, sums);
}

void AddPatchSums(const PatchGeometry& geometry, std::span<const int8_t> src, int zero,
                  std::span<int64_t> sums) {
  AddSums<int8_t, int64_t>(geometry, src.data(), zero, sums);
}

}  // namespace qrun::converter
