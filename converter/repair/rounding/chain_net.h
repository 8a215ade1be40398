// A chain as int8 will run it, in float: forwards, backwards, and one step of learning.
#ifndef QRUN_CONVERTER_REPAIR_ROUNDING_CHAIN_NET_H_
#define QRUN_CONVERTER_REPAIR_ROUNDING_CHAIN_NET_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "converter/quant_math.h"
#include "converter/repair/rounding/adam.h"
#include "converter/repair/rounding/chain.h"
#include "converter/repair/rounding/matmul.h"
#include "converter/repair/rounding/soft_weights.h"
#include "converter/repair/rounding/tiles.h"

namespace qrun::converter {

// What the int8 form of a layer starts from.
struct LayerForm {
  std::span<const float> wei;    // float's
  std::vector<int8_t> integers;  // rounded as before
  std::vector<float> scale;      // per output channel
  int levels = 127;
  std::vector<float> bia;  // per output channel
  AffineParams dst;
  bool learn_range = false;
};

// Tiles of a chain's inputs and of what float makes of them.
struct TileData {
  TilePlan plan;
  AffineParams src;
  std::vector<int8_t> inputs;  // [tile][h][w][channels], the window that the first layer reads
  std::vector<float> targets;  // [tile][h][w][channels], less what the residual adds in int8
};

// What learning found.
struct LearnedForm {
  std::vector<int8_t> integers;
  std::vector<float> bia;
  AffineParams dst;
};

class ChainNet {
 public:
  // Runs work(task) for every task in [0, tasks), in any order and on any threads.
  using ParallelFor = std::function<void(int tasks, const std::function<void(int)>& work)>;

  ChainNet(const Chain& chain, std::vector<LayerForm> layers, const TileData& data, ParallelFor parallel);

  // Mean over the pixels of tiles [begin, end) of the squared error of the target, summed over its channels,
  // for int8's integers: those rounded as before, or those that the weights lean to now.
  double Error(size_t begin, size_t end, const std::vector<LearnedForm>& forms);
  std::vector<LearnedForm> PlainForms() const;
  std::vector<LearnedForm> LearnedForms() const;

  struct Rates {
    float wei = 0, bia = 0, range = 0;  // bia: in steps of the layer's output; range: relative
    float loss = 0;                     // factor of the squared error
    SoftWeights::Regularizer regularizer;
  };
  // One step on these tiles. The result does not depend on who runs the tasks, nor on the CPU.
  void Step(std::span<const size_t> tiles, const Rates& rates);

 private:
  // Weights in the two orders that products need.
  struct Operand {
    std::vector<float> columns;  // [group][k][oc of the group]; not for depthwise layers
    std::vector<float> rows;     // as in the graph
  };
  struct Layer {
    Layer(const ChainLayer& layer, LayerForm form);
    size_t Groups() const { return linear.depthwise ? 1 : linear.oc / linear.oc_per_group; }
    size_t SrcChannels() const { return geometry.channels; }
    bool NeedsColumns() const;
    AffineParams Dst() const;
    Operand MakeOperand(std::span<const float> rows) const;

    LinearView linear;
    PatchGeometry geometry;
    LayerForm form;
    SoftWeights soft;
    AdamParameters bia, range;  // range: what the scale grew by, relative
    Operand now;                // of the soft weights
  };
  // What one task keeps of its tiles.
  struct Work {
    std::vector<std::vector<float>> values;  // [l]: input of layer l; the last one: the output
    std::vector<std::vector<float>> columns, sums, sum_gradients;  // per layer
    std::vector<std::vector<float>> bia_gradients;
    std::vector<float> range_gradients;
    double error = 0;
    size_t tiles = 0;
  };

  // `tiles` through all layers; what the windows hold beyond the edges is 0.
  void Forward(std::span<const size_t> tiles, const std::vector<const Operand*>& operands,
               const std::vector<std::span<const float>>& biases, const std::vector<AffineParams>& params,
               Work& work) const;
  void Linear(const Layer& layer, const Operand& operand, size_t l, Work& work) const;
  void Backward(std::span<const size_t> tiles, float loss, Work& work) const;
  void BackwardActivation(size_t l, std::span<const size_t> tiles, std::vector<float>& gradient,
                          Work& work) const;
  std::vector<float> BackwardLinear(size_t l, const Work& work) const;
  void UpdateWeights(size_t l, int task, const Rates& rates);
  int UpdateTasks(size_t l) const;

  std::vector<Window> Windows(size_t tile) const;
  // The pixel of the tiles' windows l that tap (ky, kx) of layer l reads for pixel p of their windows l + 1.
  size_t SourcePixel(size_t l, size_t p, int64_t ky, int64_t kx) const;
  // Calls visit(pixel of the tile's window l) for the pixels beyond the tensor's edges.
  void ForEachOutside(size_t l, std::span<const size_t> tiles,
                      const std::function<void(size_t)>& visit) const;

  const Chain& chain_;
  const TileData& data_;
  const ParallelFor parallel_;
  std::vector<Layer> layers_;
  std::vector<Window> shape_;  // of a tile's windows
  std::vector<Work> work_;
  AdamStep adam_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_REPAIR_ROUNDING_CHAIN_NET_H_
