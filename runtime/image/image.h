// An 8-bit image in memory.
#ifndef QRUN_RUNTIME_IMAGE_IMAGE_H_
#define QRUN_RUNTIME_IMAGE_IMAGE_H_

#include <cstdint>
#include <vector>

namespace qrun::image {

// pixels[(y * width + x) * channels + c], rows from the top, no padding. Three channels are red, green, blue
// unless a function says otherwise.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;             // 1 or 3
  std::vector<uint8_t> pixels;  // width * height * channels
};

}  // namespace qrun::image

#endif  // QRUN_RUNTIME_IMAGE_IMAGE_H_
