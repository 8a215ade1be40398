// Resize and Upsample.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "converter/import/importers.h"
#include "converter/import/ops/common.h"

namespace qrun::converter {
namespace {

// How ONNX maps one axis.
struct Mapping {
  std::string coordinates;  // coordinate_transformation_mode
  std::string nearest;      // nearest_mode
  bool linear;
};

// Source coordinate of output pixel x, clamped into the image. `scale` is ONNX's, which need not be out / in.
double OnnxCoordinate(const std::string& mode, int64_t x, int64_t in, int64_t out, double scale) {
  double at = 0;
  if (mode == "asymmetric") {
    at = x / scale;
  } else if (mode == "align_corners") {
    at = out > 1 ? static_cast<double>(x) * (in - 1) / (out - 1) : 0;
  } else if (mode == "pytorch_half_pixel") {
    at = out > 1 ? (x + 0.5) / scale - 0.5 : 0;
  } else {  // half_pixel
    at = (x + 0.5) / scale - 0.5;
  }
  return at;
}

double FileCoordinate(fb::ResizeCoordinates mode, int64_t x, int64_t in, int64_t out) {
  switch (mode) {
    case fb::ResizeCoordinates::HalfPixel:
      return (x + 0.5) * in / out - 0.5;
    case fb::ResizeCoordinates::Asymmetric:
      return static_cast<double>(x) * in / out;
    case fb::ResizeCoordinates::AlignCorners:
      return out > 1 ? static_cast<double>(x) * (in - 1) / (out - 1) : 0;
  }
  return 0;
}

int64_t Nearest(const std::string& mode, double at) {
  // Coordinates that should be whole or half come out of the division a little off.
  constexpr double kTiny = 1e-9;
  if (mode == "floor") return static_cast<int64_t>(std::floor(at + kTiny));
  if (mode == "ceil") return static_cast<int64_t>(std::ceil(at - kTiny));
  if (mode == "round_prefer_ceil") return static_cast<int64_t>(std::floor(at + 0.5 + kTiny));
  return static_cast<int64_t>(std::ceil(at - 0.5 - kTiny));  // round_prefer_floor
}

// Whether the file's mapping reads the same pixels of one axis as the source's.
bool Same(const Mapping& mapping, fb::ResizeCoordinates mode, int64_t in, int64_t out, double scale) {
  const std::string file_nearest = mode == fb::ResizeCoordinates::Asymmetric ? "floor" : "round_prefer_floor";
  for (int64_t x = 0; x < out; ++x) {
    const double a = OnnxCoordinate(mapping.coordinates, x, in, out, scale),
                 b = FileCoordinate(mode, x, in, out);
    const double last = static_cast<double>(in - 1);
    if (mapping.linear) {
      if (std::fabs(std::clamp(a, 0.0, last) - std::clamp(b, 0.0, last)) > 1e-5) return false;
    } else if (std::clamp<int64_t>(Nearest(mapping.nearest, a), 0, in - 1) !=
               std::clamp<int64_t>(Nearest(file_nearest, b), 0, in - 1)) {
      return false;
    }
  }
  return true;
}

Status EmitResize(const OnnxNode& node, GraphBuilder& builder, const Mapping& mapping, const Shape& out,
                  const std::vector<double>& scales) {
  const ValueId src = node.input(0);
  const Shape& in = builder.shape(src);
  if (in.size() != 4 || out.size() != 4 || out[0] != in[0] || out[1] != in[1]) {
    return Status::Unsupported(fmt::format("resizes {} to {}; only height and width of images can be resized",
                                           ShapeString(in), ShapeString(out)));
  }
  for (int64_t extent : {out[2], out[3]}) {
    if (extent < 1 || extent > (1 << 16)) return Status::InvalidModel("resizes to " + ShapeString(out));
  }
  fb::Resize2DT op;
  op.kind = mapping.linear ? fb::ResizeKind::Linear : fb::ResizeKind::Nearest;
  for (fb::ResizeCoordinates mode : fb::EnumValuesResizeCoordinates()) {
    if (!Same(mapping, mode, in[2], out[2], scales[2]) || !Same(mapping, mode, in[3], out[3], scales[3]))
      continue;
    op.coordinates = mode;
    return EmitOutput(node, builder, std::move(op), {src}, out);
  }
  return Status::Unsupported(
      fmt::format("maps coordinates by '{}' and '{}' in a way that no mode of the file matches",
                  mapping.coordinates, mapping.nearest));
}

Result<bool> IsLinear(const std::string& mode) {
  if (mode == "linear" || mode == "bilinear") return true;
  if (mode == "nearest") return false;
  return Status::Unsupported(fmt::format("interpolates by '{}'; nearest and linear are supported", mode));
}

// Fills `out` and `scales` for every axis from the factors given for `axes`.
Status FromScales(const std::vector<float>& given, const std::vector<int>& axes, Shape& out,
                  std::vector<double>& scales) {
  if (given.size() != axes.size()) return Status::InvalidModel("has scales that do not match its axes");
  for (size_t i = 0; i < axes.size(); ++i) {
    const double extent = std::floor(static_cast<double>(out[axes[i]]) * given[i]);
    if (!(given[i] > 0) || !(extent < 1 << 24))
      return Status::InvalidModel(fmt::format("scales by {}", given[i]));
    out[axes[i]] = static_cast<int64_t>(extent);
    scales[axes[i]] = given[i];
  }
  return Status::Ok();
}

}  // namespace

Status ImportUpsample(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  QRUN_ASSIGN_OR_RETURN(const bool linear, IsLinear(node.String("mode", "nearest")));
  std::vector<float> given = node.FloatList("scales").value_or(std::vector<float>());
  if (node.opset() >= 9) {
    QRUN_ASSIGN_OR_RETURN(given, builder.ConstantFloats(node, 1, "scale"));
  }
  Shape out = builder.shape(node.input(0));
  std::vector<int> axes;
  for (size_t i = 0; i < out.size(); ++i) axes.push_back(static_cast<int>(i));
  std::vector<double> scales(out.size(), 1);
  QRUN_RETURN_IF_ERROR(FromScales(given, axes, out, scales));
  return EmitResize(node, builder, {"asymmetric", "floor", linear}, out, scales);
}

Status ImportResize(const OnnxNode& node, GraphBuilder& builder) {
  QRUN_RETURN_IF_ERROR(ExpectInputs(node, 1));
  const bool first = node.opset() < 11;
  Mapping mapping{first ? "asymmetric" : node.String("coordinate_transformation_mode", "half_pixel"),
                  first ? "floor" : node.String("nearest_mode", "round_prefer_floor"), false};
  QRUN_ASSIGN_OR_RETURN(mapping.linear, IsLinear(node.String("mode", "nearest")));
  for (const char* mode : {"asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel", ""}) {
    if (mapping.coordinates == mode) break;
    if (*mode == 0) return Status::Unsupported(fmt::format("maps coordinates by '{}'", mapping.coordinates));
  }
  if (node.Int("antialias", 0) != 0) return Status::Unsupported("antialiases");
  const Shape in = builder.shape(node.input(0));
  std::vector<int64_t> all_axes = node.Ints("axes").value_or(std::vector<int64_t>());
  if (all_axes.empty()) {
    for (size_t i = 0; i < in.size(); ++i) all_axes.push_back(static_cast<int64_t>(i));
  }
  QRUN_ASSIGN_OR_RETURN(const std::vector<int> axes, NormalizeAxes(all_axes, in.size()));
  const size_t scales_input = first ? 1 : 2;
  Shape out = in;
  std::vector<double> scales(in.size(), 1);
  std::vector<float> given;
  if (node.HasInput(scales_input)) {
    QRUN_ASSIGN_OR_RETURN(given, builder.ConstantFloats(node, scales_input, "scale"));
  }
  if (!given.empty()) {
    QRUN_RETURN_IF_ERROR(FromScales(given, axes, out, scales));
  } else {
    if (node.String("keep_aspect_ratio_policy", "stretch") != "stretch") {
      return Status::Unsupported("keeps the aspect ratio; state the exact size");
    }
    QRUN_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, builder.ConstantInts(node, 3, "size"));
    if (sizes.size() != axes.size()) return Status::InvalidModel("has sizes that do not match its axes");
    for (size_t i = 0; i < axes.size(); ++i) {
      if (axes[i] == 0) continue;  // the batch, whatever the file states
      out[axes[i]] = sizes[i];
      scales[axes[i]] = static_cast<double>(sizes[i]) / in[axes[i]];
    }
  }
  return EmitResize(node, builder, mapping, out, scales);
}

}  // namespace qrun::converter
