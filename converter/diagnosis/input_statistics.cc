#include "converter/diagnosis/input_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "converter/emit.h"
#include "converter/observers/channel_statistics.h"
#include "converter/passes/passes.h"
#include "converter/preprocessing.h"
#include "runtime/qrun.h"

namespace qrun::converter {
namespace {

constexpr size_t kMostStemNodes = 4;
// Another preparation must fit this much better before the one in use is called wrong.
constexpr double kLeastDivergence = 0.02, kLeastRatio = 2.5;

// x'[c] = factor[c] * x[from[c]] + offset[c]
struct Preparation {
  std::string name;  // how to ask for it
  std::vector<double> factor, offset;
  bool reversed = false;
};

Preparation Named(std::string name, size_t channels, bool reversed, auto&& factor_and_offset) {
  Preparation preparation{std::move(name), {}, {}, reversed};
  for (size_t c = 0; c < channels; ++c) {
    const auto [factor, offset] = factor_and_offset(c, reversed ? channels - 1 - c : c);
    preparation.factor.push_back(factor);
    preparation.offset.push_back(offset);
  }
  return preparation;
}

using Affine = std::pair<double, double>;

constexpr double kTorchMean[] = {0.485, 0.456, 0.406}, kTorchStd[] = {0.229, 0.224, 0.225};

// Means and deviations for pixels in 0..1.
struct Constants {
  const char* option;
  std::vector<double> mean, std;
};

std::vector<Constants> KnownConstants(size_t channels) {
  if (channels == 1) {
    return {{"--preprocess torch", {0.449}, {0.226}},
            {"--preprocess tf", {0.5}, {0.5}},
            {"--preprocess raw", {0}, {1.0 / 255}},
            {"--mean 0 --std 1", {0}, {1}}};
  }
  const auto three = [](double x) { return std::vector<double>(3, x); };
  const std::vector<double> torch_mean(kTorchMean, kTorchMean + 3), torch_std(kTorchStd, kTorchStd + 3);
  return {{"--preprocess torch", torch_mean, torch_std},
          {"--preprocess tf", three(0.5), three(0.5)},
          {"--preprocess raw", three(0), three(1.0 / 255)},
          {"--mean 0 --std 1", three(0), three(1)},
          {"--mean 0.485,0.456,0.406 --std 0.00392157", torch_mean, three(1.0 / 255)}};
}

// Presets and channel orders, undoing what was done to the pixels.
std::vector<Preparation> ForImages(const fb::PreprocessingT& used, size_t channels) {
  std::vector<Preparation> list;
  const bool is_bgr = used.color == fb::ColorOrder::Bgr;
  for (const Constants& constants : KnownConstants(channels)) {
    for (bool bgr : {false, true}) {
      if (bgr && channels == 1) continue;
      std::string name = constants.option;
      // Constants given by hand are in the model's order; those of a preset are turned round by --color.
      if (bgr && name.starts_with("--mean 0.")) name = "--mean 0.406,0.456,0.485 --std 0.00392157";
      if (channels == 3) name += bgr ? " --color bgr" : " --color rgb";
      list.push_back(Named(std::move(name), channels, bgr != is_bgr, [&](size_t c, size_t from) {
        const size_t k = bgr ? channels - 1 - c : c;
        return Affine{used.std[from] / constants.std[k],
                      (used.mean[from] - constants.mean[k]) / constants.std[k]};
      }));
    }
  }
  return list;
}

// Arrays are taken as they are: what may have been left out, or done twice.
std::vector<Preparation> ForArrays(size_t channels) {
  std::vector<Preparation> list;
  for (bool reversed : {false, true}) {
    if (reversed && channels == 1) continue;
    const auto add = [&](const char* name, auto&& affine) {
      list.push_back(Named(std::string(name) + (reversed ? ", channels reversed" : ""), channels, reversed,
                           [&](size_t c, size_t) { return affine(channels == 1 ? 1 : c); }));
    };
    add("values as they are", [](size_t) { return Affine{1, 0}; });
    add("values / 255", [](size_t) { return Affine{1.0 / 255, 0}; });
    add("values * 255", [](size_t) { return Affine{255, 0}; });
    add("values / 127.5 - 1", [](size_t) { return Affine{1 / 127.5, -1}; });
    add("values * 2 - 1", [](size_t) { return Affine{2, -1}; });
    add("(values - mean) / std with torch's constants", [](size_t c) {
      return Affine{1 / kTorchStd[c], -kTorchMean[c] / kTorchStd[c]};
    });
    add("(values / 255 - mean) / std with torch's constants", [](size_t c) {
      return Affine{1 / (255 * kTorchStd[c]), -kTorchMean[c] / kTorchStd[c]};
    });
    add("values * std + mean with torch's constants", [](size_t c) {
      return Affine{kTorchStd[c], kTorchMean[c]};
    });
  }
  return list;
}

// Runs the stem over samples in different preparations.
class Fitter {
 public:
  Fitter(const InputStem& stem, Session session) : stem_(stem), session_(std::move(session)) {}

  // Keeps up to kFitSamples inputs, evenly spread.
  void Load(const CalibrationSource& samples) {
    const size_t count = std::min(samples.size(), kFitSamples);
    for (size_t k = 0; k < count; ++k) {
      std::vector<float> input(static_cast<size_t>(session_.inputs()[0].ElementCount()));
      const std::span<float> spans[] = {input};
      if (samples.Load(k * samples.size() / count, spans).ok()) inputs_.push_back(std::move(input));
    }
  }
  size_t samples() const { return inputs_.size(); }

  // Divergence, and by how much the median channel is off.
  struct Fit {
    double divergence = 0, shift = 0, spread = 0;  // |m - M| / sqrt(V), sqrt(v / V)
  };
  Result<Fit> Try(const Preparation& preparation) {
    const size_t channels = preparation.factor.size();
    ChannelStatistics seen(stem_.mean.size());
    std::vector<float> prepared, output(static_cast<size_t>(session_.outputs()[0].ElementCount()));
    for (const std::vector<float>& input : inputs_) {
      prepared.resize(input.size());
      for (size_t k = 0; k < input.size(); ++k) {
        const size_t c = k % channels;
        const double x = input[preparation.reversed ? k - c + channels - 1 - c : k];
        prepared[k] = static_cast<float>(preparation.factor[c] * x + preparation.offset[c]);
      }
      QRUN_RETURN_IF_ERROR(session_.SetInput(0, prepared));
      session_.Run();
      QRUN_RETURN_IF_ERROR(session_.GetOutput(0, output));
      seen.Observe(output);
    }
    Fit fit;
    std::vector<double> shifts, spreads;
    for (size_t c = 0; c < stem_.mean.size(); ++c) {
      const double trained = std::max(static_cast<double>(stem_.variance[c]), 1e-12);
      const double mean = seen.Mean(c);
      const double variance = std::max(seen.MeanSquare(c) - mean * mean, 1e-12);
      const double shift = mean - stem_.mean[c], ratio = variance / trained;
      fit.divergence +=
          std::min(InputFit::kMostDivergence, (ratio - 1 - std::log(ratio) + shift * shift / trained) / 2);
      shifts.push_back(std::abs(shift) / std::sqrt(trained));
      spreads.push_back(std::sqrt(ratio));
    }
    fit.divergence /= static_cast<double>(stem_.mean.size());
    const auto median = [](std::vector<double>& values) {
      std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                       values.end());
      return values[values.size() / 2];
    };
    fit.shift = median(shifts);
    fit.spread = median(spreads);
    return fit;
  }

 private:
  const InputStem& stem_;
  Session session_;
  std::vector<std::vector<float>> inputs_;
};

}  // namespace

std::optional<InputStem> FindInputStem(const Graph& source) {
  const auto norm = std::find_if(source.nodes.begin(), source.nodes.end(), [](const Node& node) {
    return std::holds_alternative<BatchNorm>(node.options);
  });
  const auto before = static_cast<size_t>(norm - source.nodes.begin());
  if (norm == source.nodes.end() || before == 0 || before > kMostStemNodes || source.inputs.size() != 1) {
    return {};
  }
  const ValueId src = norm->inputs[0];
  InputStem stem;
  stem.graph = source;
  stem.graph.nodes.assign(source.nodes.begin(), norm);
  stem.graph.outputs = {src};
  if (source.values[src].shape.size() != 4 || stem.graph.nodes.back().outputs[0] != src) return {};
  const auto mean = Floats(source.values[norm->inputs[3]]), variance = Floats(source.values[norm->inputs[4]]);
  stem.mean.assign(mean.begin(), mean.end());
  stem.variance.assign(variance.begin(), variance.end());
  if (!RunPasses(stem.graph, {}, nullptr).ok() || stem.graph.nodes.empty()) return {};
  const Graph& graph = stem.graph;
  if (!IsImageInput(graph.values[graph.inputs[0]])) return {};
  if (graph.values[graph.outputs[0]].shape.back() != static_cast<int64_t>(stem.mean.size())) return {};
  stem.layer = graph.nodes.back().name;
  stem.op = OperatorKind(graph.nodes.back());
  return stem;
}

Result<std::optional<InputFit>> FitInput(const InputStem& stem, const CalibrationSource& samples,
                                         const fb::PreprocessingT* preprocessing) {
  QRUN_ASSIGN_OR_RETURN(const EmittedModel file, EmitModel(stem.graph, {}));
  QRUN_ASSIGN_OR_RETURN(const Model model, Model::FromBytes(file.bytes));
  SessionOptions options;
  options.reproducible_float = true;
  QRUN_ASSIGN_OR_RETURN(Session session, Session::Create(model, options));
  const auto channels = static_cast<size_t>(session.inputs()[0].extents[3]);
  Fitter fitter(stem, std::move(session));
  fitter.Load(samples);
  if (fitter.samples() == 0) return std::optional<InputFit>();

  const Preparation used = Named("as given", channels, false, [](size_t, size_t) { return Affine{1, 0}; });
  QRUN_ASSIGN_OR_RETURN(const auto fit, fitter.Try(used));
  InputFit result{fit.divergence, fitter.samples(), {}};
  if (fit.divergence < kLeastDivergence) return std::optional(std::move(result));
  double least = fit.divergence;
  std::string best;
  for (const Preparation& other :
       preprocessing != nullptr ? ForImages(*preprocessing, channels) : ForArrays(channels)) {
    QRUN_ASSIGN_OR_RETURN(const auto tried, fitter.Try(other));
    if (tried.divergence >= least) continue;
    least = tried.divergence;
    best = other.name;
  }
  if (fit.divergence >= kLeastRatio * least) {
    Finding& finding = result.finding.emplace();
    finding.layer = stem.layer;
    finding.op = stem.op;
    finding.cause = kCausePreprocessing;
    finding.evidence = fmt::format(
        "the samples do not match the BatchNorm behind it: the median channel's mean is off by {:.2g} of its "
        "standard deviations, and the deviation is {:.3g} times the trained one (divergence {:.3g})",
        fit.shift, fit.spread, fit.divergence);
    finding.cure = fmt::format("of what was tried, {} fits best (divergence {:.3g})", best, least);
  }
  return std::optional(std::move(result));
}

}  // namespace qrun::converter
