#include "converter/repair/rounding/chain_net.h"

#include <algorithm>
#include <cmath>

#include "converter/repair/rounding/lanes.h"

namespace qrun::converter {
namespace {

constexpr int kGroups = 8;          // tasks that a batch is cut into, whatever the number of threads
constexpr size_t kRowsOfTask = 24;  // output channels whose weights are updated at a time

// The integers, less the zero point, that int8 reaches.
struct StepBounds {
  explicit StepBounds(AffineParams params)
      : low(static_cast<float>(-128 - params.zero_point)),
        high(static_cast<float>(127 - params.zero_point)) {}
  float low, high;
};

}  // namespace

ChainNet::Layer::Layer(const ChainLayer& layer, LayerForm f)
    : linear(layer.linear),
      geometry(layer.geometry),
      form(std::move(f)),
      soft(
          form.wei,
          [&] {
            std::vector<float> scale(form.wei.size());
            for (size_t i = 0; i < scale.size(); ++i) {
              scale[i] = form.scale[linear.depthwise ? i % linear.oc : i / linear.Reduction()];
            }
            return scale;
          }(),
          form.levels),
      bia(form.bia),
      range({0.0f}),
      now(MakeOperand(soft.values())) {}

bool ChainNet::Layer::NeedsColumns() const {
  return !linear.depthwise && (geometry.taps() != 1 || geometry.stride_h != 1 || geometry.stride_w != 1);
}

AffineParams ChainNet::Layer::Dst() const { return {form.dst.scale * (1 + range[0]), form.dst.zero_point}; }

ChainNet::Operand ChainNet::Layer::MakeOperand(std::span<const float> rows) const {
  Operand operand;
  operand.rows.assign(rows.begin(), rows.end());
  if (linear.depthwise) return operand;
  operand.columns.resize(rows.size());
  const size_t k = linear.Reduction(), per_group = linear.oc_per_group;
  for (size_t o = 0; o < linear.oc; ++o) {
    float* group = operand.columns.data() + o / per_group * k * per_group;
    for (size_t i = 0; i < k; ++i) group[i * per_group + o % per_group] = rows[o * k + i];
  }
  return operand;
}

ChainNet::ChainNet(const Chain& chain, std::vector<LayerForm> layers, const TileData& data,
                   ParallelFor parallel)
    : chain_(chain),
      data_(data),
      parallel_(std::move(parallel)),
      shape_(ChainWindows(chain, {0, 0, data.plan.h, data.plan.w})),
      work_(kGroups) {
  for (size_t l = 0; l < layers.size(); ++l) layers_.emplace_back(chain.layers[l], std::move(layers[l]));
  for (Work& work : work_) {
    work.values.resize(layers_.size() + 1);
    for (auto* list : {&work.columns, &work.sums, &work.sum_gradients, &work.bia_gradients}) {
      list->resize(layers_.size());
    }
    work.range_gradients.resize(layers_.size());
  }
}

std::vector<Window> ChainNet::Windows(size_t tile) const {
  return ChainWindows(chain_, data_.plan.tiles[tile].dst);
}

void ChainNet::ForEachOutside(size_t l, std::span<const size_t> tiles,
                              const std::function<void(size_t)>& visit) const {
  const PatchGeometry& made_by = layers_[l - 1].geometry;
  for (size_t t = 0; t < tiles.size(); ++t) {
    const Window window = Windows(tiles[t])[l];
    size_t pixel = t * window.pixels();
    for (int64_t y = window.y; y < window.y + window.h; ++y) {
      for (int64_t x = window.x; x < window.x + window.w; ++x, ++pixel) {
        if (y < 0 || y >= made_by.oh || x < 0 || x >= made_by.ow) visit(pixel);
      }
    }
  }
}

size_t ChainNet::SourcePixel(size_t l, size_t p, int64_t ky, int64_t kx) const {
  const PatchGeometry& g = layers_[l].geometry;
  const Window src = shape_[l], dst = shape_[l + 1];
  const size_t tile = p / dst.pixels();
  const auto in_tile = static_cast<int64_t>(p - tile * dst.pixels());
  const int64_t y = in_tile / dst.w * g.stride_h + ky * g.dilation_h;
  const int64_t x = in_tile % dst.w * g.stride_w + kx * g.dilation_w;
  return tile * src.pixels() + static_cast<size_t>(y * src.w + x);
}

void ChainNet::Linear(const Layer& layer, const Operand& operand, size_t l, Work& work) const {
  const PatchGeometry& g = layer.geometry;
  const size_t ic = layer.SrcChannels(), oc = layer.linear.oc, pixels = work.tiles * shape_[l + 1].pixels();
  const std::vector<float>& in = work.values[l];
  std::vector<float>& sums = work.sums[l];
  if (layer.linear.depthwise) {
    for (size_t p = 0; p < pixels; ++p) {
      const float* wei = operand.rows.data();
      for (int64_t ky = 0; ky < g.kh; ++ky) {
        for (int64_t kx = 0; kx < g.kw; ++kx, wei += oc) {
          const float* pixel = in.data() + SourcePixel(l, p, ky, kx) * ic;
          for (size_t c = 0; c < oc; ++c) sums[p * oc + c] += pixel[c] * wei[c];
        }
      }
    }
    return;
  }
  const size_t groups = layer.Groups(), k = layer.linear.Reduction(), per_group = layer.linear.ic_per_group;
  const float* columns = in.data();
  if (layer.NeedsColumns()) {
    std::vector<float>& gathered = work.columns[l];
    gathered.resize(pixels * groups * k);
    for (size_t p = 0; p < pixels; ++p) {
      size_t tap = 0;
      for (int64_t ky = 0; ky < g.kh; ++ky) {
        for (int64_t kx = 0; kx < g.kw; ++kx, ++tap) {
          const float* pixel = in.data() + SourcePixel(l, p, ky, kx) * ic;
          for (size_t group = 0; group < groups; ++group) {
            std::copy_n(pixel + group * per_group, per_group,
                        gathered.data() + (p * groups + group) * k + tap * per_group);
          }
        }
      }
    }
    columns = gathered.data();
  }
  const size_t oc_per_group = layer.linear.oc_per_group;
  for (size_t group = 0; group < groups; ++group) {
    AddProduct({columns + group * k, groups * k, 1}, operand.columns.data() + group * k * oc_per_group,
               oc_per_group, sums.data() + group * oc_per_group, oc, pixels, oc_per_group, k);
  }
}

void ChainNet::Forward(std::span<const size_t> tiles, const std::vector<const Operand*>& operands,
                       const std::vector<std::span<const float>>& biases,
                       const std::vector<AffineParams>& params, Work& work) const {
  work.tiles = tiles.size();
  const size_t input_size = shape_[0].pixels() * layers_[0].SrcChannels();
  work.values[0].resize(tiles.size() * input_size);
  const auto zero = static_cast<float>(data_.src.zero_point);
  for (size_t t = 0; t < tiles.size(); ++t) {
    const int8_t* input = data_.inputs.data() + tiles[t] * input_size;
    float* value = work.values[0].data() + t * input_size;
    for (size_t i = 0; i < input_size; ++i) {
      value[i] = (static_cast<float>(input[i]) - zero) * data_.src.scale;
    }
  }
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const size_t oc = layer.linear.oc, pixels = tiles.size() * shape_[l + 1].pixels();
    work.sums[l].resize(pixels * oc);
    for (size_t p = 0; p < pixels; ++p) std::copy_n(biases[l].data(), oc, work.sums[l].data() + p * oc);
    Linear(layer, *operands[l], l, work);

    const StepBounds bounds(params[l]);
    const float scale = params[l].scale, low = layer.linear.clamp.min(), high = layer.linear.clamp.max();
    std::vector<float>& out = work.values[l + 1];
    out.resize(pixels * oc);
    for (size_t i = 0; i < out.size(); ++i) {
      const float y = Between(work.sums[l][i], low, high);
      out[i] = Nearest(Between(y / scale, bounds.low, bounds.high)) * scale;
    }
    if (l + 1 == layers_.size()) break;
    ForEachOutside(l + 1, tiles, [&](size_t pixel) { std::fill_n(out.data() + pixel * oc, oc, 0.0f); });
  }
  const size_t target_size = shape_.back().pixels() * layers_.back().linear.oc;
  work.error = 0;
  for (size_t t = 0; t < tiles.size(); ++t) {
    const float* target = data_.targets.data() + tiles[t] * target_size;
    const float* out = work.values.back().data() + t * target_size;
    for (size_t i = 0; i < target_size; ++i) {
      const double difference = static_cast<double>(out[i]) - target[i];
      work.error += difference * difference;
    }
  }
}

void ChainNet::BackwardActivation(size_t l, std::span<const size_t> tiles, std::vector<float>& gradient,
                                  Work& work) const {
  const Layer& layer = layers_[l];
  const size_t oc = layer.linear.oc, pixels = gradient.size() / oc;
  if (l + 1 != layers_.size()) {
    ForEachOutside(l + 1, tiles, [&](size_t pixel) { std::fill_n(gradient.data() + pixel * oc, oc, 0.0f); });
  }
  const AffineParams params = layer.Dst();
  const StepBounds bounds(params);
  const float scale = params.scale, low = layer.linear.clamp.min(), high = layer.linear.clamp.max();
  std::vector<float> of_range(oc);  // per channel, then summed up: in one order, and many lanes at a time
  std::vector<float>& bia = work.bia_gradients[l];
  bia.assign(oc, 0);
  for (size_t p = 0; p < pixels; ++p) {
    float* g = gradient.data() + p * oc;
    const float* sum = work.sums[l].data() + p * oc;
    for (size_t c = 0; c < oc; ++c) {
      // Rounding passes the gradient on as if it were not there; the scale gets what it changes itself
      // (Esser et al., "Learned step size quantization", 2020).
      const float steps = Between(sum[c], low, high) / scale;
      const bool inside = steps >= bounds.low && steps <= bounds.high;
      const float nearest = Nearest(Between(steps, bounds.low, bounds.high));
      of_range[c] += g[c] * (inside ? nearest - steps : nearest);
      g[c] = inside && sum[c] >= low && sum[c] <= high ? g[c] : 0.0f;
      bia[c] += g[c];
    }
  }
  float total = 0;
  for (float x : of_range) total += x;
  work.range_gradients[l] = total * layer.form.dst.scale;
}

std::vector<float> ChainNet::BackwardLinear(size_t l, const Work& work) const {
  const Layer& layer = layers_[l];
  const PatchGeometry& g = layer.geometry;
  const size_t ic = layer.SrcChannels(), oc = layer.linear.oc, pixels = work.tiles * shape_[l + 1].pixels();
  const std::vector<float>& gradient = work.sum_gradients[l];
  std::vector<float> result(work.values[l].size());
  const size_t groups = layer.Groups(), k = layer.linear.Reduction(), per_group = layer.linear.ic_per_group;
  const size_t oc_per_group = layer.linear.oc_per_group;
  std::vector<float> columns;
  if (!layer.linear.depthwise) {
    const bool direct = !layer.NeedsColumns();
    if (!direct) columns.resize(pixels * groups * k);
    for (size_t group = 0; group < groups; ++group) {
      AddProduct({gradient.data() + group * oc_per_group, oc, 1},
                 layer.now.rows.data() + group * oc_per_group * k, k,
                 (direct ? result : columns).data() + group * k, groups * k, pixels, k, oc_per_group);
    }
    if (direct) return result;
  }
  for (size_t p = 0; p < pixels; ++p) {
    size_t tap = 0;
    for (int64_t ky = 0; ky < g.kh; ++ky) {
      for (int64_t kx = 0; kx < g.kw; ++kx, ++tap) {
        float* pixel = result.data() + SourcePixel(l, p, ky, kx) * ic;
        if (layer.linear.depthwise) {
          const float* wei = layer.now.rows.data() + tap * oc;
          for (size_t c = 0; c < oc; ++c) pixel[c] += gradient[p * oc + c] * wei[c];
          continue;
        }
        for (size_t group = 0; group < groups; ++group) {
          const float* column = columns.data() + (p * groups + group) * k + tap * per_group;
          for (size_t c = 0; c < per_group; ++c) pixel[group * per_group + c] += column[c];
        }
      }
    }
  }
  return result;
}

void ChainNet::Backward(std::span<const size_t> tiles, float loss, Work& work) const {
  const size_t target_size = shape_.back().pixels() * layers_.back().linear.oc;
  std::vector<float> gradient(work.values.back().size());
  for (size_t t = 0; t < tiles.size(); ++t) {
    const float* target = data_.targets.data() + tiles[t] * target_size;
    for (size_t i = 0; i < target_size; ++i) {
      gradient[t * target_size + i] = 2 * loss * (work.values.back()[t * target_size + i] - target[i]);
    }
  }
  for (size_t l = layers_.size(); l-- > 0;) {
    BackwardActivation(l, tiles, gradient, work);
    work.sum_gradients[l] = std::move(gradient);
    if (l > 0) gradient = BackwardLinear(l, work);
  }
}

int ChainNet::UpdateTasks(size_t l) const {
  const Layer& layer = layers_[l];
  if (layer.linear.depthwise) return static_cast<int>(layer.linear.taps);
  const size_t rows = std::min(kRowsOfTask, layer.linear.oc_per_group);
  return static_cast<int>(layer.Groups() * ((layer.linear.oc_per_group + rows - 1) / rows));
}

void ChainNet::UpdateWeights(size_t l, int task, const Rates& rates) {
  Layer& layer = layers_[l];
  const size_t oc = layer.linear.oc, at = static_cast<size_t>(task);
  if (layer.linear.depthwise) {
    const int64_t ky = task / layer.geometry.kw, kx = task % layer.geometry.kw;
    std::vector<float> gradient(oc);
    for (const Work& work : work_) {
      for (size_t p = 0; p < work.tiles * shape_[l + 1].pixels(); ++p) {
        const float* in = work.values[l].data() + SourcePixel(l, p, ky, kx) * oc;
        const float* sum_gradient = work.sum_gradients[l].data() + p * oc;
        for (size_t c = 0; c < oc; ++c) gradient[c] += sum_gradient[c] * in[c];
      }
    }
    layer.soft.Update(adam_, at * oc, (at + 1) * oc, gradient, rates.wei, rates.regularizer);
    std::copy_n(layer.soft.values().data() + at * oc, oc, layer.now.rows.data() + at * oc);
    return;
  }
  const size_t k = layer.linear.Reduction(), per_group = layer.linear.oc_per_group, groups = layer.Groups();
  const size_t rows = std::min(kRowsOfTask, per_group), tasks = (per_group + rows - 1) / rows;
  const size_t group = at / tasks, first = at % tasks * rows, count = std::min(rows, per_group - first);
  const size_t begin = group * per_group + first;  // the first output channel
  std::vector<float> gradient(count * k);
  for (const Work& work : work_) {
    const std::vector<float>& columns = layer.NeedsColumns() ? work.columns[l] : work.values[l];
    AddProduct({work.sum_gradients[l].data() + begin, 1, oc}, columns.data() + group * k, groups * k,
               gradient.data(), k, count, k, work.tiles * shape_[l + 1].pixels());
  }
  layer.soft.Update(adam_, begin * k, (begin + count) * k, gradient, rates.wei, rates.regularizer);
  std::copy_n(layer.soft.values().data() + begin * k, count * k, layer.now.rows.data() + begin * k);
  float* columns = layer.now.columns.data() + group * k * per_group;
  for (size_t i = 0; i < k; ++i) {
    for (size_t o = 0; o < count; ++o) {
      columns[i * per_group + first + o] = layer.now.rows[(begin + o) * k + i];
    }
  }
}

void ChainNet::Step(std::span<const size_t> tiles, const Rates& rates) {
  std::vector<const Operand*> operands;
  std::vector<std::span<const float>> biases;
  std::vector<AffineParams> params;
  for (const Layer& layer : layers_) {
    operands.push_back(&layer.now);
    biases.push_back(layer.bia.values());
    params.push_back(layer.Dst());
  }
  const float loss = rates.loss / static_cast<float>(tiles.size() * shape_.back().pixels());
  parallel_(kGroups, [&](int task) {
    const size_t group = static_cast<size_t>(task);
    const size_t begin = tiles.size() * group / kGroups, end = tiles.size() * (group + 1) / kGroups;
    Forward(tiles.subspan(begin, end - begin), operands, biases, params, work_[group]);
    Backward(tiles.subspan(begin, end - begin), loss, work_[group]);
  });
  adam_.Next();
  std::vector<std::pair<size_t, int>> tasks;
  for (size_t l = 0; l < layers_.size(); ++l) {
    for (int task = 0; task < UpdateTasks(l); ++task) tasks.emplace_back(l, task);
  }
  parallel_(static_cast<int>(tasks.size()), [&](int task) {
    UpdateWeights(tasks[static_cast<size_t>(task)].first, tasks[static_cast<size_t>(task)].second, rates);
  });
  for (size_t l = 0; l < layers_.size(); ++l) {
    Layer& layer = layers_[l];
    for (size_t o = 0; o < layer.linear.oc; ++o) {
      float gradient = 0;
      for (const Work& work : work_) gradient += work.bia_gradients[l][o];
      layer.bia.Update(adam_, o, gradient, rates.bia * layer.form.dst.scale);
    }
    if (!layer.form.learn_range) continue;
    float gradient = 0;
    for (const Work& work : work_) gradient += work.range_gradients[l];
    layer.range.Update(adam_, 0, gradient, rates.range);
  }
}

double ChainNet::Error(size_t begin, size_t end, const std::vector<LearnedForm>& forms) {
  std::vector<Operand> made;
  std::vector<const Operand*> operands;
  std::vector<std::span<const float>> biases;
  std::vector<AffineParams> params;
  made.reserve(layers_.size());
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    std::vector<float> rows(forms[l].integers.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      const size_t o = layer.linear.depthwise ? i % layer.linear.oc : i / layer.linear.Reduction();
      rows[i] = static_cast<float>(forms[l].integers[i]) * layer.form.scale[o];
    }
    made.push_back(layer.MakeOperand(rows));
    operands.push_back(&made.back());
    biases.push_back(forms[l].bia);
    params.push_back(forms[l].dst);
  }
  constexpr size_t kTilesAtOnce = 16;  // of a task: memory stays small
  const size_t count = end - begin, parts = (count + kTilesAtOnce - 1) / kTilesAtOnce;
  std::vector<double> errors(parts);
  parallel_(kGroups, [&](int task) {
    for (size_t part = static_cast<size_t>(task); part < parts; part += kGroups) {
      std::vector<size_t> tiles;
      for (size_t i = part * kTilesAtOnce; i < std::min(count, (part + 1) * kTilesAtOnce); ++i) {
        tiles.push_back(begin + i);
      }
      Work& work = work_[static_cast<size_t>(task)];
      Forward(tiles, operands, biases, params, work);
      errors[part] = work.error;
    }
  });
  double sum = 0;
  for (double error : errors) sum += error;
  return sum / static_cast<double>(count * shape_.back().pixels());
}

std::vector<LearnedForm> ChainNet::PlainForms() const {
  std::vector<LearnedForm> forms;
  for (const Layer& layer : layers_) forms.push_back({layer.form.integers, layer.form.bia, layer.form.dst});
  return forms;
}

std::vector<LearnedForm> ChainNet::LearnedForms() const {
  std::vector<LearnedForm> forms;
  for (const Layer& layer : layers_) forms.push_back({layer.soft.Harden(), layer.bia.values(), layer.Dst()});
  return forms;
}

}  // namespace qrun::converter
