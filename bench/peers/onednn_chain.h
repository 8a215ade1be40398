// A network as a chain of oneDNN primitives, layer after layer: what one gets from that library without a
// runtime.
#ifndef QRUN_BENCH_PEERS_ONEDNN_CHAIN_H_
#define QRUN_BENCH_PEERS_ONEDNN_CHAIN_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/qrun.h"

namespace qrun::bench {

// Thread safety: one thread at a time, the one that built it (OpenMP's number of threads is per thread).
class OnednnChain {
 public:
  struct Layer {
    std::string name, kind, implementation;
    bool multiplies = false;  // a convolution or a fully connected layer
    bool int8 = false;        // u8 times s8 in integers: neither float, nor oneDNN's reference loops
  };

  // Builds the chain from an unfused .qfb file (qconvert --no-fuse), float or int8, with one input and one
  // output. As fast as the library allows:
  //  - every layout is the library's choice; weights are packed here, activations stay in blocked layouts;
  //  - activations, and in int8 rescaling and saturation, are post-operators; an addition that can be is a
  //  sum
  //    post-operator in place;
  //  - int8 is u8 times s8 with scales per output channel; zero points are folded into the biases, but where
  //    padding forbids it;
  //  - int8 averages keep their input's scale, and the last layer writes real numbers: neither rounds again.
  // So int8 results may differ from qrun's by roundings. Errors: unsupported, naming the operator.
  static Result<std::unique_ptr<OnednnChain>> Build(const Model& model, int threads);
  ~OnednnChain();

  const std::vector<Layer>& layers() const;
  // Copies floats in the source model's layout in or out; reorders and quantises, which Run does not.
  // Precondition: as many values as the model's input or output has.
  void SetInput(std::span<const float> values);
  void GetOutput(std::span<float> values);
  void Run();

  // "2.6.3".
  static std::string Version();
  // The instruction set that the library uses here at most, "avx2_vnni": what ONEDNN_MAX_CPU_ISA allows of
  // what the CPU has.
  static std::string Isa();

 private:
  struct Impl;
  explicit OnednnChain(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrun::bench

#endif  // QRUN_BENCH_PEERS_ONEDNN_CHAIN_H_
