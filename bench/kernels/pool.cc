// The global average of MobileNetV2, and 3x3 pooling of its early activations as other networks have it.
#include "bench/kernels/cases.inl.h"
#include "bench/kernels/shapes.h"

namespace qrun::bench {
namespace {

using namespace kernels;

constexpr ConvShape kGlobal = {
    .name = "global7x1280", .in = {7, 7}, .ic = 1280, .oc = 1280, .kernel = {7, 7}};
constexpr ConvShape kEarly = {.name = "3x3s2_112x64",
                              .in = {112, 112},
                              .ic = 64,
                              .oc = 64,
                              .kernel = {3, 3},
                              .stride = {2, 2},
                              .pad = {1, 1, 1, 1}};

constexpr ConvShape kHalving = {
    .name = "2x2s2_64x32", .in = {64, 64}, .ic = 32, .oc = 32, .kernel = {2, 2}, .stride = {2, 2}};

template <class Args, class T>
Call<Args, T> Prepare(const ConvShape& s) {
  std::shared_ptr<std::vector<T>> src;
  Call<Args, T> call;
  if constexpr (std::is_same_v<T, int8_t>) {
    src = std::make_shared<std::vector<T>>(RandomBytes(InputCount(s), 1));
    call.args.src_zp = kSrcZeroPoint;
    call.args.scale = 0.9f;
  } else {
    src = std::make_shared<std::vector<T>>(RandomFloats(InputCount(s), 1));
    call.args.lo = -INFINITY;
    call.args.hi = INFINITY;
  }
  call.args.window = s.ToWindow();
  call.args.c = s.ic;
  call.args.pad_bottom = s.pad[2];
  call.args.pad_right = s.pad[3];
  call.args.src = src->data();
  call.items = s.n * call.args.window.oh;
  call.dst_count = OutputCount(s);
  call.memory = src;
  return call;
}

template <class Args, class T>
void AddPool(const char* kernel, KernelMember<Args> member, std::vector<Row>& rows) {
  for (const ConvShape& s : {kGlobal, kEarly, kHalving}) {
    Case<Args, T> c;
    c.shape = s.name;
    c.bytes = static_cast<double>((InputCount(s) + OutputCount(s)) * sizeof(T));
    c.prepare = [s](const KernelTable&) { return Prepare<Args, T>(s); };
    AddRows(kernel, member, std::move(c), rows);
  }
}

}  // namespace

void Add_maxpool_s8(std::vector<Row>& rows) {
  AddPool<PoolS8Args, int8_t>("maxpool_s8", &KernelTable::maxpool_s8, rows);
}
void Add_avgpool_s8(std::vector<Row>& rows) {
  AddPool<PoolS8Args, int8_t>("avgpool_s8", &KernelTable::avgpool_s8, rows);
}
void Add_maxpool_f32(std::vector<Row>& rows) {
  AddPool<PoolF32Args, float>("maxpool_f32", &KernelTable::maxpool_f32, rows);
}
void Add_avgpool_f32(std::vector<Row>& rows) {
  AddPool<PoolF32Args, float>("avgpool_f32", &KernelTable::avgpool_f32, rows);
}

}  // namespace qrun::bench
