// Models, images and arrays with answers that are known without running anything.
#ifndef QRUN_TESTS_BENCH_MODELS_H_
#define QRUN_TESTS_BENCH_MODELS_H_

#include <string>
#include <vector>

#include "schema/status.h"

namespace qrun::tests {

// [1, 2, 2, 3] -> the mean of each colour, pixels / 255, as the logits of the classes red, green and blue.
void WriteColourModel(const std::string& path);
// The same in int8, its output in steps of 0.25 from -32 on: colours nearer to each other than that are
// equal, and then the first class wins.
void WriteCoarseColourModel(const std::string& path);
// Logits = input, of [1, count]; for arrays. In int8 with the given scale if that is not 0.
void WriteIdentityModel(const std::string& path, int count, float int8_scale = 0);
// conv 3x3 -> inverted residual block -> pool -> fully connected, on [1, size, size, 3]; int8 or float32,
// with equal operator names and pseudo-random weights.
void WriteBlockModel(const std::string& path, bool int8, int size);

struct Colour {
  unsigned char r, g, b;
};
// A PNG of 2 x 2 equal pixels.
void WriteImage(const std::string& path, Colour colour);

void WriteFloats(const std::string& path, std::vector<int64_t> shape, const std::vector<float>& values);
void WriteLabels(const std::string& path, const std::vector<int32_t>& labels);

}  // namespace qrun::tests

#endif  // QRUN_TESTS_BENCH_MODELS_H_
