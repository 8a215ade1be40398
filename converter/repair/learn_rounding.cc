#include "converter/repair/learn_rounding.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "converter/int8_plan.h"
#include "converter/repair/node_walk.h"
#include "converter/repair/rounding/chain_net.h"
#include "converter/repair/rounding/parallel.h"
#include "converter/repair/rounding/sample_probe.h"
#include "converter/subset_source.h"

namespace qrun::converter {
namespace {

// Found on MobileNetV2 with weights of 4 bits; all are relative, so that they suit other networks.
constexpr float kWeightRate = 0.05f;  // of v, see SoftWeights
constexpr float kBiasRate = 0.01f;    // steps of the output
constexpr float kRangeRate = 0.0003f;
constexpr float kPull =
    0.3f;  // the regulariser's weight, summed over all weights of a chain; the loss starts at 1
constexpr int kFirstBeta = 20, kLastBeta = 2;
constexpr double kFreeShare = 0.2;  // of the steps, before the regulariser sets in
constexpr size_t kBatchPixels = 256, kMostPixels = 8192;
constexpr size_t kCheckpoints = 20;  // of the steps, where held-out tiles are looked at
constexpr size_t kPatience = 3;      // checkpoints that may be worse than the best one

template <class T>
std::span<const T> ElementsOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

AffineParams ParamsOf(const Value& value) { return {value.quant->scale[0], value.quant->zero_point[0]}; }

class Learner {
 public:
  Learner(const Graph& graph, const std::vector<Range>& ranges, const QuantizeOptions& quantize,
          const LearnOptions& options, const ProgressFunction& progress)
      : graph_(graph),
        quantize_(quantize),
        options_(options),
        progress_(progress),
        parallel_(options.threads) {
    result_.ranges = ranges;
  }

  Result<LearnedRounding> Run(const CalibrationSource& source) {
    QRUN_RETURN_IF_ERROR(Plan());
    QRUN_RETURN_IF_ERROR(Requantize());
    if (chains_.empty()) return std::move(result_);
    StartFromPlainRounding();
    const SubsetSource samples(source, UsableSamples(source));
    NodeWalk inputs(int8_, options_.threads);
    QRUN_RETURN_IF_ERROR(inputs.Load(samples));
    result_.report.samples = inputs.samples();
    PlanAllTiles(inputs.samples());
    QRUN_RETURN_IF_ERROR(CollectTargets(samples));
    for (size_t i = 0; i < chains_.size(); ++i) {
      QRUN_RETURN_IF_ERROR(CollectInputs(i, inputs));
      LearnChain(i);
      QRUN_RETURN_IF_ERROR(Requantize());
    }
    if (result_.report.chains != 0) result_.report.gain_db /= result_.report.chains;
    return std::move(result_);
  }

 private:
  Status Plan() {
    QRUN_ASSIGN_OR_RETURN(plan_, PlanInt8(graph_, result_.ranges, {quantize_.keep_float}));
    std::vector<bool> runs_int8;
    for (const std::string& reason : plan_.float_reason) runs_int8.push_back(reason.empty());
    chains_ = FindChains(graph_, runs_int8, options_.kind);
    data_.resize(chains_.size());
    levels_ = WeightLevels(graph_, quantize_.weight_bits);
    return Status::Ok();
  }

  // int8_ as everything learnt so far makes it.
  Status Requantize() {
    QuantizeOptions options = quantize_;
    options.rounded = result_.rounded;
    int8_ = graph_;
    QRUN_RETURN_IF_ERROR(QuantizeGraph(int8_, result_.ranges, options, nullptr));
    int8_node_.assign(graph_.values.size(), -1);
    for (size_t i = 0; i < int8_.nodes.size(); ++i) {
      for (ValueId id : int8_.nodes[i].outputs) {
        if (static_cast<size_t>(id) < int8_node_.size()) int8_node_[id] = static_cast<int>(i);
      }
    }
    return Status::Ok();
  }

  const Node& Int8Node(ValueId written) const {
    return int8_.nodes[static_cast<size_t>(int8_node_[written])];
  }

  void StartFromPlainRounding() {
    for (const Chain& chain : chains_) {
      for (const ChainLayer& layer : chain.layers) {
        const Value& wei = int8_.values[Int8Node(layer.linear.dst).inputs[1]];
        RoundedLinear& rounded = result_.rounded[layer.linear.dst];
        const auto integers = ElementsOf<int8_t>(*wei.data);
        rounded.wei.assign(integers.begin(), integers.end());
        rounded.scale = wei.quant->scale;
        if (wei.quant->axis < 0) rounded.scale.assign(layer.linear.oc, wei.quant->scale[0]);
        rounded.bia.assign(layer.linear.oc, 0.0f);
        if (layer.linear.bia == kNoValue) continue;
        const auto bia = Floats(graph_.values[layer.linear.bia]);
        rounded.bia.assign(bia.begin(), bia.end());
      }
    }
  }

  // Spread evenly, without those that cannot be loaded.
  std::vector<size_t> UsableSamples(const CalibrationSource& source) const {
    size_t bytes = 0;
    for (ValueId id : int8_.inputs) {
      const Value& input = int8_.values[id];
      bytes += static_cast<size_t>(ElementCount(input.shape)) * ElementBytes(input.type);
    }
    const size_t count = std::clamp<size_t>(kSampleBytes / bytes, 1, source.size());
    std::vector<size_t> candidates(count);
    for (size_t i = 0; i < count; ++i) candidates[i] = i * source.size() / count;
    std::vector<char> usable(count);
    parallel_.Run(options_.threads, [&](int worker) {
      std::vector<std::vector<float>> inputs;
      std::vector<std::span<float>> spans;
      for (ValueId id : graph_.inputs)
        inputs.emplace_back(static_cast<size_t>(ElementCount(graph_.values[id].shape)));
      for (std::vector<float>& input : inputs) spans.emplace_back(input);
      for (size_t i = static_cast<size_t>(worker); i < count; i += static_cast<size_t>(options_.threads)) {
        usable[i] = source.Load(candidates[i], spans).ok();
      }
    });
    std::vector<size_t> samples;
    for (size_t i = 0; i < count; ++i) {
      if (usable[i]) samples.push_back(candidates[i]);
    }
    return samples;
  }

  size_t TargetChannels(const Chain& chain) const { return chain.layers.back().linear.oc; }

  void PlanAllTiles(size_t samples) {
    size_t channels = 0;
    for (const Chain& chain : chains_) channels += TargetChannels(chain);
    const size_t pixels = std::min(kMostPixels, kTargetBytes / (channels * sizeof(float)));
    for (size_t i = 0; i < chains_.size(); ++i) {
      data_[i].plan = PlanTiles(chains_[i], samples, pixels, static_cast<uint32_t>(i + 1));
      data_[i].targets.resize(data_[i].plan.tiles.size() * TileSize(i));
    }
  }

  // Elements of one tile of a chain's target.
  size_t TileSize(size_t chain) const {
    const TilePlan& plan = data_[chain].plan;
    return static_cast<size_t>(plan.h * plan.w) * TargetChannels(chains_[chain]);
  }

  Status CollectTargets(const CalibrationSource& samples) {
    std::vector<ValueId> targets;
    for (const Chain& chain : chains_) targets.push_back(chain.target);
    return ProbeSamples(
        graph_, targets, samples.size(), options_.threads,
        [&](size_t sample, Session& session) {
          std::vector<std::vector<float>> scratch;
          return LoadSample(samples, sample, session, scratch);
        },
        [&](size_t sample, size_t k, std::span<const std::byte> bytes) {
          const PatchGeometry& g = chains_[k].layers.back().geometry;
          for (size_t t = 0; t < data_[k].plan.tiles.size(); ++t) {
            const Tile& tile = data_[k].plan.tiles[t];
            if (tile.sample != sample) continue;
            CopyWindow<float>(ElementsOf<float>(bytes), g.oh, g.ow, TargetChannels(chains_[k]), tile.dst,
                              nullptr, data_[k].targets.data() + t * TileSize(k));
          }
        });
  }

  // What int8 gives the chain to read; what it adds to the chain's output leaves the targets.
  Status CollectInputs(size_t chain_index, const NodeWalk& inputs) {
    const Chain& chain = chains_[chain_index];
    TileData& data = data_[chain_index];
    const ValueId src = Int8Node(chain.layers.front().linear.dst).inputs[0];
    data.src = ParamsOf(int8_.values[src]);
    const PatchGeometry& first = chain.layers.front().geometry;
    const Window shape = ChainWindows(chain, {0, 0, data.plan.h, data.plan.w}).front();
    const size_t input_size = shape.pixels() * first.channels, target_size = TileSize(chain_index);
    data.inputs.resize(data.plan.tiles.size() * input_size);
    std::vector<int8_t> outside(first.channels, static_cast<int8_t>(data.src.zero_point));
    const auto* conv = std::get_if<fb::Conv2DT>(&graph_.nodes[chain.layers.front().node].options);
    if (conv != nullptr && !conv->pad_values.empty()) {
      outside = QuantizeValues(conv->pad_values, data.src);
    }
    std::vector<ValueId> values = {src};
    if (chain.residual != kNoValue) {
      const Node& add = Int8Node(chain.target);
      values.push_back(add.inputs[0] == chain.layers.back().linear.dst ? add.inputs[1] : add.inputs[0]);
    }
    const auto see = [&](size_t sample, size_t k, std::span<const std::byte> bytes) {
      const auto activation = ElementsOf<int8_t>(bytes);
      std::vector<int8_t> residual(target_size);
      for (size_t t = 0; t < data.plan.tiles.size(); ++t) {
        const Tile& tile = data.plan.tiles[t];
        if (tile.sample != sample) continue;
        if (k == 0) {
          CopyWindow<int8_t>(activation, first.ih, first.iw, first.channels,
                             ChainWindows(chain, tile.dst).front(), outside.data(),
                             data.inputs.data() + t * input_size);
          continue;
        }
        const PatchGeometry& last = chain.layers.back().geometry;
        const AffineParams params = ParamsOf(int8_.values[values[1]]);
        CopyWindow<int8_t>(activation, last.oh, last.ow, TargetChannels(chain), tile.dst, nullptr,
                           residual.data());
        for (size_t i = 0; i < target_size; ++i) {
          data.targets[t * target_size + i] -=
              static_cast<float>(residual[i] - params.zero_point) * params.scale;
        }
      }
    };
    const auto is_input = [&](ValueId id) {
      return std::find(int8_.inputs.begin(), int8_.inputs.end(), id) != int8_.inputs.end();
    };
    std::vector<ValueId> made;
    std::vector<size_t> index;
    for (size_t k = 0; k < values.size(); ++k) {
      if (is_input(values[k])) {
        for (size_t s = 0; s < inputs.samples(); ++s) see(s, k, inputs.Activation(s, values[k]));
      } else {
        made.push_back(values[k]);
        index.push_back(k);
      }
    }
    if (made.empty()) return Status::Ok();
    return ProbeSamples(
        int8_, made, inputs.samples(), options_.threads,
        [&](size_t sample, Session& session) {
          for (size_t k = 0; k < int8_.inputs.size(); ++k) {
            const auto bytes = inputs.Activation(sample, int8_.inputs[k]);
            std::copy(bytes.begin(), bytes.end(), session.InputBytes(static_cast<int>(k)).begin());
          }
          return Status::Ok();
        },
        [&](size_t sample, size_t k, std::span<const std::byte> bytes) { see(sample, index[k], bytes); });
  }

  // Nothing but the layer and operators that move its bytes has a say in the parameters of its output.
  bool OwnsRange(ValueId dst) const {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (ValueId id : graph_.nodes[i].outputs) {
        const bool follows = id == dst || Int8FormOf(graph_.nodes[i]) == Int8Form::kMovesBytes;
        if (plan_.group[id] == plan_.group[dst] && !follows) return false;
      }
    }
    return std::none_of(graph_.inputs.begin(), graph_.inputs.end(),
                        [&](ValueId id) { return plan_.group[id] == plan_.group[dst]; });
  }

  std::vector<LayerForm> Forms(const Chain& chain) const {
    std::vector<LayerForm> forms;
    for (const ChainLayer& layer : chain.layers) {
      const RoundedLinear& rounded = result_.rounded.at(layer.linear.dst);
      LayerForm form;
      form.wei = Floats(graph_.values[layer.linear.wei]);
      form.integers = rounded.wei;
      form.scale = rounded.scale;
      form.levels = levels_[layer.node];
      form.bia = rounded.bia;
      form.dst = ParamsOf(int8_.values[layer.linear.dst]);
      form.learn_range = OwnsRange(layer.linear.dst);
      forms.push_back(std::move(form));
    }
    return forms;
  }

  void LearnChain(size_t chain_index) {
    const Chain& chain = chains_[chain_index];
    TileData data = std::move(data_[chain_index]);
    const size_t learn = data.plan.learn, all = data.plan.tiles.size();
    const auto count_steps = [&](size_t step) {
      if (progress_) progress_(chain_index * options_.steps + step, chains_.size() * options_.steps);
    };
    if (learn == 0 || learn == all) return count_steps(options_.steps);
    ChainNet net(chain, Forms(chain), data,
                 [&](int tasks, const std::function<void(int)>& work) { parallel_.Run(tasks, work); });
    const std::vector<LearnedForm> plain = net.PlainForms();
    const double error = net.Error(0, learn, plain), held_out = net.Error(learn, all, plain);
    if (!(error > 0 && held_out > 0)) return count_steps(options_.steps);

    size_t weights = 0;
    for (const LearnedForm& form : plain) weights += form.integers.size();
    ChainNet::Rates rates{kWeightRate, kBiasRate, kRangeRate, static_cast<float>(1 / error), {}};
    rates.regularizer.weight = kPull / static_cast<float>(weights);
    const size_t tile_pixels = static_cast<size_t>(data.plan.h * data.plan.w);
    const size_t batch = std::max<size_t>(1, kBatchPixels / tile_pixels);
    const size_t every = std::max<size_t>(1, options_.steps / kCheckpoints);
    const auto free_steps = static_cast<size_t>(kFreeShare * static_cast<double>(options_.steps));
    std::mt19937 random(static_cast<uint32_t>(chain_index + 1));
    std::vector<LearnedForm> best = plain;
    double least = held_out;
    size_t worse = 0;
    for (size_t step = 0; step < options_.steps; ++step) {
      std::vector<size_t> tiles(batch);
      for (size_t& tile : tiles) tile = random() % learn;
      if (step >= free_steps) {
        const size_t gone = step - free_steps, annealed = std::max<size_t>(1, options_.steps - free_steps);
        rates.regularizer.beta =
            kFirstBeta - static_cast<int>(static_cast<size_t>(kFirstBeta - kLastBeta) * gone / annealed);
      }
      net.Step(tiles, rates);
      count_steps(step + 1);
      if ((step + 1) % every != 0 && step + 1 != options_.steps) continue;
      std::vector<LearnedForm> now = net.LearnedForms();
      const double error_now = net.Error(learn, all, now);
      if (error_now < least) {
        least = error_now;
        best = std::move(now);
        worse = 0;
      } else if (2 * step > options_.steps && ++worse > kPatience) {
        break;
      }
    }
    count_steps(options_.steps);
    Keep(chain, plain, best, held_out, least);
  }

  void Keep(const Chain& chain, const std::vector<LearnedForm>& plain, const std::vector<LearnedForm>& best,
            double before, double after) {
    LearnReport& report = result_.report;
    ++report.chains;
    report.gain_db += 10 * std::log10(before / after);
    if (!(after < before)) return;
    ++report.better;
    for (size_t l = 0; l < chain.layers.size(); ++l) {
      const ValueId dst = chain.layers[l].linear.dst;
      RoundedLinear& rounded = result_.rounded[dst];
      ++report.layers;
      report.weights += static_cast<int64_t>(rounded.wei.size());
      for (size_t i = 0; i < rounded.wei.size(); ++i) report.turned += rounded.wei[i] != best[l].integers[i];
      rounded.wei = best[l].integers;
      rounded.bia = best[l].bia;
      if (best[l].dst == plain[l].dst) continue;
      for (size_t id = 0; id < plan_.group.size(); ++id) {
        if (plan_.group[id] == plan_.group[dst] && !graph_.values[id].is_constant()) {
          result_.ranges[id] = RangeOf(best[l].dst);
        }
      }
    }
  }

  const Graph& graph_;
  const QuantizeOptions& quantize_;
  const LearnOptions& options_;
  const ProgressFunction& progress_;
  const Parallel parallel_;
  Int8Plan plan_;
  std::vector<int> levels_;     // per node
  Graph int8_;                  // graph_, quantised with what was learnt so far
  std::vector<int> int8_node_;  // of int8_, per value of graph_ that it writes
  std::vector<Chain> chains_;
  std::vector<TileData> data_;  // per chain
  LearnedRounding result_;
};

}  // namespace

Result<LearnedRounding> LearnRounding(const Graph& graph, const std::vector<Range>& ranges,
                                      const QuantizeOptions& quantize, const CalibrationSource& source,
                                      const LearnOptions& options, const ProgressFunction& progress) {
  return Learner(graph, ranges, quantize, options, progress).Run(source);
}

}  // namespace qrun::converter
