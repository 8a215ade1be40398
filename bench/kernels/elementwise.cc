// Kernels that work value by value, on activations of MobileNetV2: the residual sums, the largest expanded
// tensor, the image and the scores.
#include "bench/kernels/cases.inl.h"
#include "bench/kernels/shapes.h"
#include "kernels/movement.h"

namespace qrun::bench {
namespace {

using namespace kernels;

struct Extent {
  const char* name;
  int count;
};
constexpr Extent kResiduals[] = {{"56x24", 56 * 56 * 24},
                                 {"28x32", 28 * 28 * 32},
                                 {"14x64", 14 * 14 * 64},
                                 {"14x96", 14 * 14 * 96},
                                 {"7x160", 7 * 7 * 160}};
// Squeeze-and-excitation in MobileNetV3-Large and EfficientNet-B0.
struct Scaling {
  const char* name;
  int pixels, channels;
};
constexpr Scaling kScalings[] = {{"scale28x16", 28 * 28, 16},
                                 {"scale28x120", 28 * 28, 120},
                                 {"scale14x240", 14 * 14, 240},
                                 {"scale14x480", 14 * 14, 480},
                                 {"scale7x960", 7 * 7, 960}};
constexpr Extent kExpanded = {"112x96", 112 * 112 * 96}, kImage = {"224x3", 224 * 224 * 3},
                 kScores = {"1000", 1000};

template <class T>
std::vector<T> RandomValues(int count, uint32_t seed) {
  if constexpr (std::is_same_v<T, int8_t>) {
    return RandomBytes(static_cast<size_t>(count), seed);
  } else {
    return RandomFloats(static_cast<size_t>(count), seed);
  }
}

// dst = f(src): Src values to Dst values with the other arguments as `args` has them.
template <class Args, class Src, class Dst>
void AddMap(const char* kernel, KernelMember<Args> member, const Extent& extent, const std::string& suffix,
            const Args& args, double tolerance, std::vector<Row>& rows) {
  Case<Args, Dst> c;
  c.shape = extent.name + suffix;
  c.bytes = extent.count * static_cast<double>(sizeof(Src) + sizeof(Dst));
  c.tolerance = tolerance;
  c.prepare = [=](const KernelTable&) {
    auto src = std::make_shared<std::vector<Src>>(RandomValues<Src>(extent.count, 1));
    Call<Args, Dst> call;
    call.args = args;
    call.args.src = src->data();
    call.items = extent.count;
    call.dst_count = static_cast<size_t>(extent.count);
    call.memory = src;
    return call;
  };
  AddRows(kernel, member, std::move(c), rows);
}

// Squeeze-and-excite scales the channels of an image: b is a row of `channels`, the same for all pixels.
template <class Args, class T>
void AddScaling(const char* kernel, KernelMember<Args> member, const Args& args, const Scaling& scaling,
                std::vector<Row>& rows) {
  const int pixels = scaling.pixels, channels = scaling.channels;
  Case<Args, T> c;
  c.shape = scaling.name;
  c.bytes = pixels * channels * 2.0 * sizeof(T);
  c.prepare = [=](const KernelTable&) {
    struct Memory {
      std::vector<T> a, b;
    };
    auto memory =
        std::make_shared<Memory>(Memory{RandomValues<T>(pixels * channels, 1), RandomValues<T>(channels, 2)});
    Call<Args, T> call;
    call.args = args;
    call.args.outer = pixels;
    call.args.inner = channels;
    call.args.a = memory->a.data();
    call.args.b = memory->b.data();
    call.items = pixels;
    call.dst_count = static_cast<size_t>(pixels) * static_cast<size_t>(channels);
    call.memory = memory;
    return call;
  };
  AddRows(kernel, member, std::move(c), rows);
}

template <class Args, class T>
void AddBinary(const char* kernel, KernelMember<Args> member, const Args& args, std::vector<Row>& rows) {
  for (const Extent& extent : kResiduals) {
    Case<Args, T> c;
    c.shape = extent.name;
    c.bytes = extent.count * 3.0 * sizeof(T);
    c.prepare = [=](const KernelTable&) {
      struct Memory {
        std::vector<T> a, b;
      };
      auto memory = std::make_shared<Memory>(
          Memory{RandomValues<T>(extent.count, 1), RandomValues<T>(extent.count, 2)});
      Call<Args, T> call;
      call.args = args;
      call.args.inner = extent.count;
      call.args.a = memory->a.data();
      call.args.b = memory->b.data();
      call.items = 1;
      call.dst_count = static_cast<size_t>(extent.count);
      call.memory = memory;
      return call;
    };
    AddRows(kernel, member, std::move(c), rows);
  }
}

BinaryS8Args BinaryArgs(float a_scale, float b_scale) {
  BinaryS8Args args;
  args.a_zp = 3;
  args.b_zp = -7;
  args.dst_zp = 5;
  args.a_scale = a_scale;
  args.b_scale = b_scale;
  return args;
}

}  // namespace

void Add_add_s8(std::vector<Row>& rows) {
  AddBinary<BinaryS8Args, int8_t>("add_s8", &KernelTable::add_s8, BinaryArgs(0.6f, 0.9f), rows);
}
void Add_mul_s8(std::vector<Row>& rows) {
  AddBinary<BinaryS8Args, int8_t>("mul_s8", &KernelTable::mul_s8, BinaryArgs(0.01f, 1), rows);
  for (const Scaling& s : kScalings) {
    AddScaling<BinaryS8Args, int8_t>("mul_s8", &KernelTable::mul_s8, BinaryArgs(0.01f, 1), s, rows);
  }
}
void Add_binary_f32(std::vector<Row>& rows) {
  BinaryF32Args args;
  args.lo = -INFINITY;
  args.hi = INFINITY;
  AddBinary<BinaryF32Args, float>("binary_f32", &KernelTable::binary_f32, args, rows);
  args.op = BinaryOp::kMul;
  for (const Scaling& s : kScalings) {
    AddScaling<BinaryF32Args, float>("binary_f32", &KernelTable::binary_f32, args, s, rows);
  }
}

// ShuffleNetV2's channel shuffle, its concatenation with another scale, and an image from planes to pixels.
void Add_strided_copy(std::vector<Row>& rows) {
  struct Copy {
    const char* name;
    int64_t extent[3], src_stride[3], dst_stride[3];
    bool table;
  };
  static const std::vector<int8_t> table = RandomBytes(256, 3);
  for (const Copy& copy : {Copy{"shuffle28x116", {784, 58, 2}, {116, 1, 58}, {116, 2, 1}, false},
                           Copy{"concat28x58", {784, 1, 58}, {58, 58, 1}, {116, 58, 1}, true},
                           Copy{"nchw_nhwc14x64", {1, 196, 64}, {12544, 1, 196}, {12544, 64, 1}, false}}) {
    const int64_t count = copy.extent[0] * copy.extent[1] * copy.extent[2];
    Case<StridedCopyArgs, int8_t> c;
    c.shape = copy.name;
    c.bytes = 2.0 * static_cast<double>(count);
    c.prepare = [=](const KernelTable&) {
      auto src = std::make_shared<std::vector<int8_t>>(RandomBytes(static_cast<size_t>(count), 1));
      Call<StridedCopyArgs, int8_t> call;
      call.args.axes = 3;
      std::copy_n(copy.extent, 3, call.args.extent);
      std::copy_n(copy.src_stride, 3, call.args.src_stride);
      std::copy_n(copy.dst_stride, 3, call.args.dst_stride);
      CoalesceAxes(call.args);
      call.args.table = copy.table ? table.data() : nullptr;
      call.args.src = src->data();
      call.items = static_cast<int>(call.args.extent[0]);
      call.dst_count = static_cast<size_t>(copy.extent[0] * copy.dst_stride[0]);
      call.memory = src;
      return call;
    };
    AddRows("strided_copy", &KernelTable::strided_copy, std::move(c), rows);
  }
}

void Add_table_s8(std::vector<Row>& rows) {
  static const std::vector<int8_t> table = RandomBytes(256, 3);
  TableS8Args args;
  args.table = table.data();
  AddMap<TableS8Args, int8_t, int8_t>("table_s8", &KernelTable::table_s8, kExpanded, "", args, 0, rows);
}
void Add_quantize_f32_s8(std::vector<Row>& rows) {
  QuantizeArgs args;
  args.inv_scale = 63;
  args.zp = 2;
  AddMap<QuantizeArgs, float, int8_t>("quantize_f32_s8", &KernelTable::quantize_f32_s8, kImage, "", args, 0,
                                      rows);
}
void Add_dequantize_s8_f32(std::vector<Row>& rows) {
  DequantizeArgs args;
  args.scale = 0.1f;
  args.zp = 2;
  AddMap<DequantizeArgs, int8_t, float>("dequantize_s8_f32", &KernelTable::dequantize_s8_f32, kScores, "",
                                        args, 0, rows);
}
void Add_unary_f32(std::vector<Row>& rows) {
  struct Function {
    UnaryOp op;
    const char* name;
    double tolerance;  // a few units in the last place, as in the tests; results are up to 1
  };
  for (const Function& f :
       {Function{UnaryOp::kClamp, "_clamp", 0}, Function{UnaryOp::kHardSwish, "_hard_swish", 4e-6},
        Function{UnaryOp::kSigmoid, "_sigmoid", 4e-6}}) {
    UnaryF32Args args;
    args.op = f.op;
    args.beta = 6;
    AddMap<UnaryF32Args, float, float>("unary_f32", &KernelTable::unary_f32, kExpanded, f.name, args,
                                       f.tolerance, rows);
  }
}

}  // namespace qrun::bench
