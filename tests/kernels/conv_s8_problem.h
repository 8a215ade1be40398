// A random int8 convolution, packed for and run on any ISA.
#ifndef QRUN_TESTS_KERNELS_CONV_S8_PROBLEM_H_
#define QRUN_TESTS_KERNELS_CONV_S8_PROBLEM_H_

#include <string>
#include <vector>

#include "tests/kernels/harness.h"

namespace qrun::kernels {

// Activations, weights, bias and scales of `shape` as `output` wants them.
struct ConvS8Problem {
  ConvShape shape;
  Output output;
  std::vector<int8_t> src, wei;
  std::vector<int32_t> bia;
  std::vector<float> scale;

  ConvS8Problem(const ConvShape& s, const Output& o, uint32_t seed, bool depthwise = false)
      : shape(s), output(o) {
    Random random(seed);
    const size_t taps = static_cast<size_t>(s.kernel[0] * s.kernel[1]);
    const size_t k = depthwise ? taps : taps * static_cast<size_t>(s.ic / s.groups);
    const int limit = o.ties ? 2 : 127;
    src = random.Bytes(static_cast<size_t>(s.n * s.in[0] * s.in[1] * s.ic), o.ties ? -9 : -128,
                       o.ties ? 9 : 127);
    wei = random.Bytes(k * static_cast<size_t>(s.oc), -limit, limit);
    if (o.saturated) {
      for (int8_t& v : src) v = v < 90 ? -128 : 127;
      for (size_t i = 0; i < wei.size(); ++i) wei[i] = (depthwise ? i % s.oc : i / k) % 2 == 0 ? -127 : 127;
    }
    for (int c = 0; c < s.oc; ++c) {
      bia.push_back(o.ties ? random.Int(-3, 3) : random.Int(-20000, 20000));
      scale.push_back(o.ties ? o.scale : o.scale * random.Float(0.5f, 2.0f));
    }
    if (o.saturated) {
      // A large bias of the sign opposite to the products: the sum stays inside of int32, but folding wraps.
      for (int c = 0; c < s.oc; ++c) {
        const bool grows = (c % 2 == 0) == (o.src_zp == 127);  // sign of (src - zp) * wei
        bia[static_cast<size_t>(c)] = grows ? -2000000000 : 2000000000;
      }
    }
  }

  std::string Name(const KernelTable& table) const {
    return std::string(table.isa) + " " + shape.name + " " + output.name + " ic " + std::to_string(shape.ic) +
           " oc " + std::to_string(shape.oc);
  }

  template <class Args>
  void Fill(Args* args) const {
    args->window = shape.ToWindow();
    args->src_zp = output.src_zp;
    args->dst_zp = output.dst_zp;
    args->lo = output.lo;
    args->hi = output.hi;
  }
};

}  // namespace qrun::kernels

#endif  // QRUN_TESTS_KERNELS_CONV_S8_PROBLEM_H_
