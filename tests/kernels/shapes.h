// Shapes that tests check and benchmarks time.
#ifndef QRUN_TESTS_KERNELS_SHAPES_H_
#define QRUN_TESTS_KERNELS_SHAPES_H_

#include <string>
#include <vector>

#include "kernels/args.h"

namespace qrun::kernels {

// Extents per axis {h, w}; padding {top, left, bottom, right}.
struct ConvShape {
  const char* name;
  int n = 1;
  int in[2] = {1, 1};
  int ic = 1, oc = 1, groups = 1;
  int kernel[2] = {1, 1};
  int stride[2] = {1, 1};
  int dilation[2] = {1, 1};
  int pad[4] = {0, 0, 0, 0};
  int input_dilation[2] = {1, 1};

  Window ToWindow() const {
    int out[2];
    for (int i = 0; i < 2; ++i) {
      const int extent = (in[i] - 1) * input_dilation[i] + 1 + pad[i] + pad[i + 2];
      out[i] = (extent - ((kernel[i] - 1) * dilation[i] + 1)) / stride[i] + 1;
    }
    return {
        n,         in[0],       in[1],       out[0], out[1], kernel[0],         kernel[1],        stride[0],
        stride[1], dilation[0], dilation[1], pad[0], pad[1], input_dilation[0], input_dilation[1]};
  }
};

// Every feature of a window, alone and combined; small, for exactness.
inline const std::vector<ConvShape>& WindowShapes() {
  static const std::vector<ConvShape> shapes = {
      {.name = "pointwise", .in = {5, 3}, .ic = 24, .oc = 33},
      {.name = "batch", .n = 3, .in = {4, 5}, .ic = 7, .oc = 9, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "same3x3", .in = {9, 11}, .ic = 16, .oc = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "stem",
       .in = {21, 19},
       .ic = 3,
       .oc = 32,
       .kernel = {3, 3},
       .stride = {2, 2},
       .pad = {0, 0, 1, 1}},
      {.name = "stride3",
       .in = {13, 10},
       .ic = 5,
       .oc = 20,
       .kernel = {3, 3},
       .stride = {3, 3},
       .pad = {1, 1, 1, 1}},
      {.name = "pointwise_stride2", .in = {9, 8}, .ic = 70, .oc = 18, .stride = {2, 2}},
      {.name = "wide5x5", .in = {7, 40}, .ic = 6, .oc = 10, .kernel = {5, 5}, .pad = {2, 2, 2, 2}},
      {.name = "tall7x1", .in = {12, 6}, .ic = 4, .oc = 17, .kernel = {7, 1}, .pad = {3, 0, 3, 0}},
      {.name = "flat1x7", .in = {3, 40}, .ic = 4, .oc = 17, .kernel = {1, 7}, .pad = {0, 3, 0, 3}},
      {.name = "dilated",
       .in = {11, 12},
       .ic = 8,
       .oc = 8,
       .kernel = {3, 3},
       .dilation = {2, 3},
       .pad = {2, 3, 2, 3}},
      {.name = "dilated_strided",
       .in = {12, 13},
       .ic = 5,
       .oc = 6,
       .kernel = {3, 2},
       .stride = {2, 3},
       .dilation = {3, 2},
       .pad = {3, 1, 2, 2}},
      {.name = "transposed",
       .in = {5, 6},
       .ic = 12,
       .oc = 10,
       .kernel = {4, 4},
       .pad = {2, 2, 2, 2},
       .input_dilation = {2, 2}},
      {.name = "transposed3",
       .in = {4, 3},
       .ic = 3,
       .oc = 5,
       .kernel = {3, 3},
       .dilation = {1, 2},
       .pad = {2, 1, 3, 4},
       .input_dilation = {3, 2}},
      {.name = "negative_padding",
       .in = {10, 12},
       .ic = 9,
       .oc = 7,
       .kernel = {3, 3},
       .pad = {-2, -1, -1, -3}},
      {.name = "padding_only_rows", .in = {2, 2}, .ic = 3, .oc = 4, .kernel = {2, 2}, .pad = {4, 4, 4, 4}},
      {.name = "whole_image", .in = {7, 7}, .ic = 20, .oc = 12, .kernel = {7, 7}},
      {.name = "long_rows", .in = {2, 150}, .ic = 3, .oc = 4, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "deep", .in = {2, 3}, .ic = 512, .oc = 3, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
  };
  return shapes;
}

// With groups; the depthwise kernels do not take these.
inline const std::vector<ConvShape>& GroupedShapes() {
  static const std::vector<ConvShape> shapes = {
      {.name = "groups2",
       .in = {6, 7},
       .ic = 10,
       .oc = 38,
       .groups = 2,
       .kernel = {3, 3},
       .pad = {1, 1, 1, 1}},
      {.name = "groups_pointwise", .in = {3, 7}, .ic = 96, .oc = 48, .groups = 3},
      {.name = "groups8_strided",
       .in = {9, 9},
       .ic = 32,
       .oc = 16,
       .groups = 8,
       .kernel = {3, 3},
       .stride = {2, 2}},
      {.name = "multiplier2",
       .in = {5, 5},
       .ic = 6,
       .oc = 12,
       .groups = 6,
       .kernel = {3, 3},
       .pad = {1, 1, 1, 1}},
  };
  return shapes;
}

// Few channels and wide rows, which int8 kernels read in place (kernels/padded_rows.inl.h): rows that fill
// register tiles and rows that do not, several bands, two images, paddings of which kernels read nothing
// else, strides above the kernel, dilated rows, and what comes close: cropped, dilated columns.
inline const std::vector<ConvShape>& FewChannelShapes() {
  static const std::vector<ConvShape> shapes = {
      {.name = "rgb_stem",
       .n = 2,
       .in = {33, 41},
       .ic = 3,
       .oc = 20,
       .kernel = {3, 3},
       .stride = {2, 2},
       .pad = {1, 1, 1, 1}},
      {.name = "rgb_stem_even",
       .in = {32, 56},
       .ic = 3,
       .oc = 16,
       .kernel = {3, 3},
       .stride = {2, 2},
       .pad = {0, 0, 1, 1}},
      {.name = "rgb_14", .in = {9, 14}, .ic = 3, .oc = 33, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "rgb_15", .in = {9, 15}, .ic = 3, .oc = 48, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "rgb_22", .in = {5, 22}, .ic = 3, .oc = 7, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "rgb_7x7",
       .in = {40, 61},
       .ic = 3,
       .oc = 24,
       .kernel = {7, 7},
       .stride = {2, 2},
       .pad = {3, 3, 3, 3}},
      {.name = "spectrogram",
       .in = {49, 30},
       .ic = 1,
       .oc = 64,
       .kernel = {10, 4},
       .stride = {2, 2},
       .pad = {4, 1, 5, 1}},
      {.name = "grey", .n = 3, .in = {7, 28}, .ic = 1, .oc = 5, .kernel = {5, 5}, .pad = {2, 2, 2, 2}},
      {.name = "wide_padding",
       .in = {3, 9},
       .ic = 2,
       .oc = 9,
       .kernel = {3, 2},
       .stride = {1, 3},
       .pad = {5, 30, 4, 33}},
      {.name = "stride_above_kernel", .in = {20, 61}, .ic = 4, .oc = 19, .kernel = {2, 2}, .stride = {5, 4}},
      {.name = "dilated_rows",
       .in = {31, 20},
       .ic = 3,
       .oc = 17,
       .kernel = {3, 2},
       .dilation = {6, 1},
       .pad = {6, 1, 6, 0}},
      {.name = "one_more_byte", .in = {6, 17}, .ic = 17, .oc = 3, .kernel = {2, 1}},
      {.name = "many_bands",
       .in = {200, 120},
       .ic = 4,
       .oc = 8,
       .kernel = {4, 4},
       .stride = {1, 1},
       .pad = {1, 2, 2, 1}},
      {.name = "cropped", .in = {12, 40}, .ic = 3, .oc = 6, .kernel = {3, 3}, .pad = {-1, -2, -3, -1}},
      {.name = "cropped_right", .in = {12, 40}, .ic = 3, .oc = 6, .kernel = {3, 3}, .pad = {-1, 2, -3, -7}},
      {.name = "rows_far_apart", .in = {205, 90}, .ic = 4, .oc = 3, .kernel = {3, 2}, .dilation = {100, 1}},
      {.name = "dilated_columns", .in = {12, 40}, .ic = 3, .oc = 6, .kernel = {3, 3}, .dilation = {1, 2}},
  };
  return shapes;
}

// The distinct convolutions of MobileNetV2 1.0/224: the stem, and all pointwise layers in order. Timed by
// bench/kernels, which checks each against the reference first.
inline const std::vector<ConvShape>& MobileNetShapes() {
  static const std::vector<ConvShape> shapes = {
      {.name = "stem_224x3_32",
       .in = {224, 224},
       .ic = 3,
       .oc = 32,
       .kernel = {3, 3},
       .stride = {2, 2},
       .pad = {1, 1, 1, 1}},
      {.name = "112x32_16", .in = {112, 112}, .ic = 32, .oc = 16},
      {.name = "112x16_96", .in = {112, 112}, .ic = 16, .oc = 96},
      {.name = "56x96_24", .in = {56, 56}, .ic = 96, .oc = 24},
      {.name = "56x24_144", .in = {56, 56}, .ic = 24, .oc = 144},
      {.name = "56x144_24", .in = {56, 56}, .ic = 144, .oc = 24},
      {.name = "28x144_32", .in = {28, 28}, .ic = 144, .oc = 32},
      {.name = "28x32_192", .in = {28, 28}, .ic = 32, .oc = 192},
      {.name = "28x192_32", .in = {28, 28}, .ic = 192, .oc = 32},
      {.name = "14x192_64", .in = {14, 14}, .ic = 192, .oc = 64},
      {.name = "14x64_384", .in = {14, 14}, .ic = 64, .oc = 384},
      {.name = "14x384_64", .in = {14, 14}, .ic = 384, .oc = 64},
      {.name = "14x384_96", .in = {14, 14}, .ic = 384, .oc = 96},
      {.name = "14x96_576", .in = {14, 14}, .ic = 96, .oc = 576},
      {.name = "14x576_96", .in = {14, 14}, .ic = 576, .oc = 96},
      {.name = "7x576_160", .in = {7, 7}, .ic = 576, .oc = 160},
      {.name = "7x160_960", .in = {7, 7}, .ic = 160, .oc = 960},
      {.name = "7x960_160", .in = {7, 7}, .ic = 960, .oc = 160},
      {.name = "7x960_320", .in = {7, 7}, .ic = 960, .oc = 320},
      {.name = "7x320_1280", .in = {7, 7}, .ic = 320, .oc = 1280},
  };
  return shapes;
}

// Convolutions of several kernel rows: the first layer and a layer of each stage of ResNet-8 and ResNet-50,
// one with stride, a transposed, a dilated and a grouped one. Timed like those above.
inline const std::vector<ConvShape>& SpatialShapes() {
  static const std::vector<ConvShape> shapes = {
      {.name = "3x3_32x3_16", .in = {32, 32}, .ic = 3, .oc = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "3x3_32x16_16", .in = {32, 32}, .ic = 16, .oc = 16, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "3x3_16x32_32", .in = {16, 16}, .ic = 32, .oc = 32, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "3x3_8x64_64", .in = {8, 8}, .ic = 64, .oc = 64, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "7x7s2_224x3_64",
       .in = {224, 224},
       .ic = 3,
       .oc = 64,
       .kernel = {7, 7},
       .stride = {2, 2},
       .pad = {3, 3, 3, 3}},
      {.name = "3x3_56x64_64", .in = {56, 56}, .ic = 64, .oc = 64, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "3x3_28x128_128", .in = {28, 28}, .ic = 128, .oc = 128, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "3x3_14x256_256", .in = {14, 14}, .ic = 256, .oc = 256, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "3x3_7x512_512", .in = {7, 7}, .ic = 512, .oc = 512, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "3x3s2_56x128_128",
       .in = {56, 56},
       .ic = 128,
       .oc = 128,
       .kernel = {3, 3},
       .stride = {2, 2},
       .pad = {1, 1, 1, 1}},
      {.name = "transposed4x4_14x64_64",
       .in = {14, 14},
       .ic = 64,
       .oc = 64,
       .kernel = {4, 4},
       .pad = {2, 2, 2, 2},
       .input_dilation = {2, 2}},
      {.name = "dilated3x3_28x64_64",
       .in = {28, 28},
       .ic = 64,
       .oc = 64,
       .kernel = {3, 3},
       .dilation = {2, 2},
       .pad = {2, 2, 2, 2}},
      {.name = "groups4_3x3_28x128_128",
       .in = {28, 28},
       .ic = 128,
       .oc = 128,
       .groups = 4,
       .kernel = {3, 3},
       .pad = {1, 1, 1, 1}},
  };
  return shapes;
}

// The distinct depthwise layers of MobileNetV2 1.0/224, and one 5x5 as MobileNetV3 has it.
inline const std::vector<ConvShape>& MobileNetDepthwiseShapes() {
  static const std::vector<ConvShape> shapes = {
      {.name = "dw112x32", .in = {112, 112}, .ic = 32, .oc = 32, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "dw112x96s2",
       .in = {112, 112},
       .ic = 96,
       .oc = 96,
       .kernel = {3, 3},
       .stride = {2, 2},
       .pad = {1, 1, 1, 1}},
      {.name = "dw56x144", .in = {56, 56}, .ic = 144, .oc = 144, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "dw56x144s2",
       .in = {56, 56},
       .ic = 144,
       .oc = 144,
       .kernel = {3, 3},
       .stride = {2, 2},
       .pad = {1, 1, 1, 1}},
      {.name = "dw28x192", .in = {28, 28}, .ic = 192, .oc = 192, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "dw28x192s2",
       .in = {28, 28},
       .ic = 192,
       .oc = 192,
       .kernel = {3, 3},
       .stride = {2, 2},
       .pad = {1, 1, 1, 1}},
      {.name = "dw14x384", .in = {14, 14}, .ic = 384, .oc = 384, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "dw14x576", .in = {14, 14}, .ic = 576, .oc = 576, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "dw14x576s2",
       .in = {14, 14},
       .ic = 576,
       .oc = 576,
       .kernel = {3, 3},
       .stride = {2, 2},
       .pad = {1, 1, 1, 1}},
      {.name = "dw7x960", .in = {7, 7}, .ic = 960, .oc = 960, .kernel = {3, 3}, .pad = {1, 1, 1, 1}},
      {.name = "dw5x5_28x120", .in = {28, 28}, .ic = 120, .oc = 120, .kernel = {5, 5}, .pad = {2, 2, 2, 2}},
  };
  return shapes;
}

// An inverted residual: expand (a convolution; expand_kernel 0: none), depthwise, project.
struct BlockShape {
  const char* name;
  int n, ih, iw, ic, ec, oc;
  int expand_kernel, expand_stride;
  int kh, kw, stride, pad, dilation;
  bool residual;
  int expand_pad_after = -1;  // of the first stage, below and to the right; -1: as above and to the left
};

// The distinct inverted residual blocks of MobileNetV2 1.0/224, the first also with the stem as its first
// stage, and three of EfficientNet-Lite0's with 5x5 filters; for timing.
inline const std::vector<BlockShape>& MobileNetBlocks() {
  static const std::vector<BlockShape> blocks = {
      {"stem_224x3_32_16", 1, 224, 224, 3, 32, 16, 3, 2, 3, 3, 1, 1, 1, false},
      {"112x32_32_16", 1, 112, 112, 32, 32, 16, 0, 1, 3, 3, 1, 1, 1, false},
      {"112x16_96_24s2", 1, 112, 112, 16, 96, 24, 1, 1, 3, 3, 2, 1, 1, false},
      {"56x24_144_24_residual", 1, 56, 56, 24, 144, 24, 1, 1, 3, 3, 1, 1, 1, true},
      {"56x24_144_32s2", 1, 56, 56, 24, 144, 32, 1, 1, 3, 3, 2, 1, 1, false},
      {"28x32_192_32_residual", 1, 28, 28, 32, 192, 32, 1, 1, 3, 3, 1, 1, 1, true},
      {"28x32_192_64s2", 1, 28, 28, 32, 192, 64, 1, 1, 3, 3, 2, 1, 1, false},
      {"14x64_384_64_residual", 1, 14, 14, 64, 384, 64, 1, 1, 3, 3, 1, 1, 1, true},
      {"14x64_384_96", 1, 14, 14, 64, 384, 96, 1, 1, 3, 3, 1, 1, 1, false},
      {"14x96_576_96_residual", 1, 14, 14, 96, 576, 96, 1, 1, 3, 3, 1, 1, 1, true},
      {"14x96_576_160s2", 1, 14, 14, 96, 576, 160, 1, 1, 3, 3, 2, 1, 1, false},
      {"7x160_960_160_residual", 1, 7, 7, 160, 960, 160, 1, 1, 3, 3, 1, 1, 1, true},
      {"7x160_960_320", 1, 7, 7, 160, 960, 320, 1, 1, 3, 3, 1, 1, 1, false},
      {"5x5_56x24_144_40s2", 1, 56, 56, 24, 144, 40, 1, 1, 5, 5, 2, 2, 1, false},
      {"5x5_28x40_240_40_residual", 1, 28, 28, 40, 240, 40, 1, 1, 5, 5, 1, 2, 1, true},
      {"5x5_14x112_672_112_residual", 1, 14, 14, 112, 672, 112, 1, 1, 5, 5, 1, 2, 1, true},
  };
  return blocks;
}

// Extents around the edges of all register widths: 1 .. 70, and around 128.
inline std::vector<int> LaneEdges() {
  std::vector<int> sizes;
  for (int i = 1; i <= 70; ++i) sizes.push_back(i);
  for (int i = 126; i <= 130; ++i) sizes.push_back(i);
  return sizes;
}

}  // namespace qrun::kernels

#endif  // QRUN_TESTS_KERNELS_SHAPES_H_
