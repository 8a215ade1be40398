// From a decoded image to the first input of a model.
#ifndef QRUN_RUNTIME_IMAGE_PREPROCESS_H_
#define QRUN_RUNTIME_IMAGE_PREPROCESS_H_

#include <cstdint>
#include <vector>

#include "runtime/image/image.h"
#include "schema/status.h"

namespace qrun::image {

// How an image becomes an input; the fields are those of Preprocessing in schema/qfb.fbs.
struct PreprocessSpec {
  enum Rule {
    kShortSide,  // resize so that the short side is `resize`, then crop the centre to crop_h x crop_w
    kStretch,    // resize to crop_h x crop_w without keeping the aspect ratio
    kNone,       // the image must be crop_h x crop_w already
  };
  enum Color { kRgb, kBgr, kGray };

  Rule rule = kShortSide;
  int resize = 0;  // pixels; kShortSide only
  int crop_h = 0;
  int crop_w = 0;
  Color color = kRgb;
  // One entry per channel of the model's input, in its order: blue first for kBgr, one entry for kGray.
  std::vector<float> mean;
  std::vector<float> std;

  int channels() const { return color == kGray ? 1 : 3; }
};

// invalid_argument unless crop_h, crop_w and (for kShortSide) resize are in 1 ... 65535 and mean and std
// have one finite entry per channel, std not zero.
Status ValidateSpec(const PreprocessSpec& spec);

// The crop_h x crop_w image that the model sees, channels in the model's order. Equal byte for byte to
// torchvision's CenterCrop((crop_h, crop_w))(Resize(resize)(image)) on Pillow images: the long side becomes
// int(resize * long / short), the crop's corner is half the margin rounded half to even, and where the image
// is smaller than the crop the rest is black. Grey is Pillow's convert("L"), (19595 r + 38470 g + 7471 b +
// 2^15) >> 16, before resizing. A grey source is replicated for kRgb and kBgr.
//
// Precondition: the image is well formed. Errors: those of ValidateSpec; invalid_argument for an empty image
// or, with kNone, one of another size; resource_limit if memory runs out. Thread-safe.
Result<Image> Geometry(const Image& image, const PreprocessSpec& spec);

// dst[(y * width + x) * channels + c] = (float(pixel) / 255 - mean[c]) / std[c], each step rounded to
// binary32, as torchvision's ToTensor and Normalize compute it. Preconditions: `image` came from Geometry
// with `spec`; dst has width * height * channels elements. Thread-safe.
void NormalizeF32(const Image& image, const PreprocessSpec& spec, float* dst_nhwc);

// Of an int8 input; as TensorInfo in runtime/qrun.h.
struct InputQuantization {
  float scale = 1;
  int zero_point = 0;
  std::vector<float> channel_scale = {}, channel_offset = {};  // one entry per channel, or empty: 1 and 0
};

// dst = clamp(rhe(x * (1.0f / scale)) + zp, -128, 127) of x = real * channel_scale[c] + channel_offset[c],
// where real is NormalizeF32's; in binary32, and equal to Session::SetInput of NormalizeF32. Where that only
// moves the pixel's origin, one pass over the bytes does it. Preconditions: as NormalizeF32; scale is
// positive and finite, zero_point in -128 ... 127. Thread-safe.
void NormalizeS8(const Image& image, const PreprocessSpec& spec, const InputQuantization& quantization,
                 int8_t* dst_nhwc);

}  // namespace qrun::image

#endif  // QRUN_RUNTIME_IMAGE_PREPROCESS_H_
