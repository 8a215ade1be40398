#include "converter/preprocessing.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace qrun::converter {
namespace {

struct Preset {
  const char* name;
  std::vector<float> mean, std;  // rgb
  std::vector<float> gray_mean, gray_std;
};

const std::vector<Preset>& Presets() {
  static const std::vector<Preset> presets = {
      {"torch", {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}, {0.449f}, {0.226f}},
      {"tf", {0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}, {0.5f}, {0.5f}},
      {"raw", {0, 0, 0}, {1.0f / 255, 1.0f / 255, 1.0f / 255}, {0}, {1.0f / 255}},
  };
  return presets;
}

std::string DescribeInput(const Value& input) {
  return "input '" + input.name + "' " + ShapeString(input.shape);
}

Status SetResize(const std::string& text, fb::PreprocessingT& preprocessing) {
  if (text == "stretch") {
    preprocessing.rule = fb::ResizeRule::Stretch;
  } else if (text == "none") {
    preprocessing.rule = fb::ResizeRule::None;
  } else {
    int pixels = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pixels);
    if (error != std::errc() || end != text.data() + text.size() || pixels < 1 || pixels > 16384) {
      return Status::InvalidArgument("--resize '" + text +
                                     "': expected pixels (1 to 16384), 'stretch' or 'none'");
    }
    preprocessing.resize = pixels;
    return Status::Ok();
  }
  preprocessing.resize = 0;
  return Status::Ok();
}

Status SetColor(const std::string& text, const Value& input, fb::PreprocessingT& preprocessing) {
  const bool gray_input = input.shape[3] == 1;
  if (text == "gray") {
    preprocessing.color = fb::ColorOrder::Gray;
  } else if (text == "rgb" || text == "bgr") {
    preprocessing.color = text == "rgb" ? fb::ColorOrder::Rgb : fb::ColorOrder::Bgr;
  } else {
    return Status::InvalidArgument("--color '" + text + "': expected rgb, bgr or gray");
  }
  if ((text == "gray") != gray_input) {
    return Status::InvalidArgument("--color " + text + " does not fit " + DescribeInput(input) +
                                   ", which has " + std::to_string(input.shape[3]) +
                                   (gray_input ? " channel" : " channels"));
  }
  return Status::Ok();
}

Status SetConstants(const char* option, const std::vector<float>& given, size_t channels,
                    std::vector<float>& constants) {
  if (given.empty()) return Status::Ok();
  if (given.size() != 1 && given.size() != channels) {
    return Status::InvalidArgument(std::string(option) + " has " + std::to_string(given.size()) +
                                   " values; expected 1 or " + std::to_string(channels) +
                                   ", one per channel");
  }
  for (float value : given) {
    if (!std::isfinite(value))
      return Status::InvalidArgument(std::string(option) + " holds a value that is not finite");
  }
  constants = given.size() == 1 ? std::vector<float>(channels, given[0]) : given;
  return Status::Ok();
}

}  // namespace

bool IsImageInput(const Value& input) {
  return input.shape.size() == 4 && (input.shape[3] == 1 || input.shape[3] == 3);
}

Result<fb::PreprocessingT> MakePreprocessing(const PreprocessingOptions& options, const Value& input) {
  if (!IsImageInput(input)) {
    return Status::InvalidArgument(
        DescribeInput(input) +
        " is not an image (height, width, 1 or 3 channels): it takes no preprocessing; "
        "calibrate it with .npy arrays");
  }
  const std::string preset_name = options.preset.empty() ? "torch" : options.preset;
  const auto preset = std::find_if(Presets().begin(), Presets().end(),
                                   [&](const Preset& candidate) { return candidate.name == preset_name; });
  if (preset == Presets().end()) {
    return Status::InvalidArgument("--preprocess '" + preset_name + "': expected torch, tf or raw");
  }

  const int height = static_cast<int>(input.shape[1]), width = static_cast<int>(input.shape[2]);
  const bool gray = input.shape[3] == 1;
  fb::PreprocessingT preprocessing;
  preprocessing.rule = fb::ResizeRule::ShortSide;
  preprocessing.resize = static_cast<int>(std::lround(std::max(height, width) * 256.0 / 224.0));
  preprocessing.crop_h = height;
  preprocessing.crop_w = width;
  preprocessing.color = gray ? fb::ColorOrder::Gray : fb::ColorOrder::Rgb;
  preprocessing.mean = gray ? preset->gray_mean : preset->mean;
  preprocessing.std = gray ? preset->gray_std : preset->std;

  if (!options.resize.empty()) QRUN_RETURN_IF_ERROR(SetResize(options.resize, preprocessing));
  if (options.crop != 0 && (options.crop != height || options.crop != width)) {
    return Status::InvalidArgument(
        "--crop " + std::to_string(options.crop) + " does not fit " + DescribeInput(input) +
        ": the crop is what the model sees; --input-shape changes the model's size");
  }
  if (!options.color.empty()) QRUN_RETURN_IF_ERROR(SetColor(options.color, input, preprocessing));
  if (preprocessing.color == fb::ColorOrder::Bgr) {
    std::reverse(preprocessing.mean.begin(), preprocessing.mean.end());
    std::reverse(preprocessing.std.begin(), preprocessing.std.end());
  }
  const size_t channels = gray ? 1 : 3;
  QRUN_RETURN_IF_ERROR(SetConstants("--mean", options.mean, channels, preprocessing.mean));
  QRUN_RETURN_IF_ERROR(SetConstants("--std", options.std, channels, preprocessing.std));
  for (float std : preprocessing.std) {
    if (!std::isnormal(std)) return Status::InvalidArgument("--std holds a value that cannot be divided by");
  }
  const bool changed =
      !options.resize.empty() || !options.color.empty() || !options.mean.empty() || !options.std.empty();
  preprocessing.preset = changed ? "custom" : preset_name;
  return preprocessing;
}

image::PreprocessSpec ToSpec(const fb::PreprocessingT& preprocessing) {
  image::PreprocessSpec spec;
  switch (preprocessing.rule) {
    case fb::ResizeRule::ShortSide:
      spec.rule = image::PreprocessSpec::kShortSide;
      break;
    case fb::ResizeRule::Stretch:
      spec.rule = image::PreprocessSpec::kStretch;
      break;
    case fb::ResizeRule::None:
      spec.rule = image::PreprocessSpec::kNone;
      break;
  }
  switch (preprocessing.color) {
    case fb::ColorOrder::Rgb:
      spec.color = image::PreprocessSpec::kRgb;
      break;
    case fb::ColorOrder::Bgr:
      spec.color = image::PreprocessSpec::kBgr;
      break;
    case fb::ColorOrder::Gray:
      spec.color = image::PreprocessSpec::kGray;
      break;
  }
  spec.resize = preprocessing.resize;
  spec.crop_h = preprocessing.crop_h;
  spec.crop_w = preprocessing.crop_w;
  spec.mean = preprocessing.mean;
  spec.std = preprocessing.std;
  return spec;
}

}  // namespace qrun::converter
