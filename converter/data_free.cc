#include "converter/data_free.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "converter/repair/absorb_biases.h"
#include "converter/repair/analytic_bias_correction.h"
#include "converter/repair/equalize.h"

namespace qrun::converter {
namespace {

constexpr double kPictureMean = 0.45, kPictureDeviation = 0.25;  // of pixels in 0..1
constexpr double kAbsorbSigmas = 3;  // a channel is taken not to fall below its mean less so many deviations

class Worker {
 public:
  Worker(const Graph& graph, const std::vector<ChannelMoments>& inputs, const Int8Options& options,
         const std::function<void(const char*)>& begin_stage)
      : inputs_(inputs), options_(options), begin_stage_(begin_stage), graph_(graph) {}

  Result<DataFreeConversion> Run() {
    begin_stage_("estimate");
    Estimate();
    QRUN_RETURN_IF_ERROR(
        Quantize("data-free", fmt::format("ranges from {} BatchNorms, {} linear operators without",
                                          estimates_.from_norm, estimates_.propagated)));
    if (options_.equalize) {
      begin_stage_("equalise");
      const EqualizeReport report =
          EqualizeChannels(graph_, Statistics(), options_.per_channel_weights, options_.weight_bits);
      QRUN_RETURN_IF_ERROR(TakeScales("equalise", report));
    }
    if (options_.smooth) {
      begin_stage_("smooth");
      const EqualizeReport report =
          SmoothChannels(graph_, Statistics(), options_.per_channel_weights, options_.weight_bits);
      if (report.channels != 0) QRUN_RETURN_IF_ERROR(TakeScales("smooth", report));
    }
    if (options_.absorb_biases) {
      const AbsorptionReport report = Absorb();
      Estimate();
      QRUN_RETURN_IF_ERROR(
          Quantize("absorb biases", fmt::format("{} channels of {} layers, ranges up to {:.0f} % narrower",
                                                report.channels, report.layers, 100 * report.largest_share)));
    }
    if (options_.correct_biases) {
      begin_stage_("correct biases");
      const BiasCorrectionReport report =
          CorrectBiasesAnalytically(graph_, result_.int8.graph, estimates_.values);
      AddStep("bias correction",
              fmt::format("analytic, {} channels of {} layers, by up to {:.3g} steps of the output",
                          report.channels, report.layers, report.largest_steps));
    }
    for (size_t id = 0; id < scales_.size(); ++id) {
      result_.int8.graph.values[id].channel_scale.assign(scales_[id].begin(), scales_[id].end());
    }
    result_.int8.float_graph = std::move(graph_);
    result_.warning = Warning();
    return std::move(result_);
  }

 private:
  void Estimate() {
    estimates_ = EstimateMoments(graph_, inputs_);
    result_.from_norm = estimates_.from_norm;
    result_.propagated = estimates_.propagated;
  }

  std::vector<ChannelStatistics> Statistics() const {
    std::vector<ChannelStatistics> statistics;
    for (const ChannelMoments& m : estimates_.values) {
      std::vector<double> squares;
      for (size_t c = 0; c < m.channels(); ++c) squares.push_back(m.variance[c] + m.mean[c] * m.mean[c]);
      statistics.push_back(m.known() ? ChannelStatistics::FromMoments(m.low, m.high, m.mean, squares)
                                     : ChannelStatistics());
    }
    return statistics;
  }

  Status TakeScales(std::string name, const EqualizeReport& report) {
    AddScales(report, scales_);
    Estimate();
    return Quantize(std::move(name), ScaledText(report));
  }

  AbsorptionReport Absorb() {
    std::vector<std::vector<double>> floor, ceiling;
    for (const ChannelMoments& m : estimates_.values) {
      std::vector<double> least;
      for (size_t c = 0; c < m.channels(); ++c) {
        least.push_back(std::max(0.0, m.mean[c] - kAbsorbSigmas * std::sqrt(m.variance[c])));
      }
      floor.push_back(std::move(least));
      ceiling.push_back(m.high);
    }
    return AbsorbHighBiases(graph_, floor, ceiling);
  }

  void AddStep(std::string name, std::string what) {
    result_.int8.steps.push_back(
        {std::move(name), std::move(what), std::numeric_limits<double>::quiet_NaN()});
  }

  Status Quantize(std::string name, std::string what) {
    begin_stage_("quantise");
    std::vector<Range> ranges(graph_.values.size());
    for (size_t id = 0; id < ranges.size(); ++id) {
      const ChannelMoments& m = estimates_.values[id];
      for (size_t c = 0; c < m.channels(); ++c) {
        ranges[id].Include({static_cast<float>(m.low[c]), static_cast<float>(m.high[c])});
      }
    }
    if (options_.input_range) ranges[graph_.inputs[0]] = *options_.input_range;
    const std::vector<ChannelStatistics> statistics = Statistics();
    QuantizeOptions options;
    options.keep_float = options_.keep_float;
    options.per_channel_weights = options_.per_channel_weights;
    options.least_error_weights = options_.least_error_weights;
    options.channels = statistics;
    options.weight_bits = options_.weight_bits;
    options.symmetric_activations = options_.symmetric_activations;
    result_.int8.graph = graph_;
    result_.int8.quantization = {};
    QRUN_RETURN_IF_ERROR(QuantizeGraph(result_.int8.graph, ranges, options, &result_.int8.quantization));
    AddStep(std::move(name), std::move(what));
    return Status::Ok();
  }

  std::string Warning() const {
    std::string text = fmt::format(
        "--data-free: no sample was seen and no accuracy was measured. Ranges rest on the statistics of {} "
        "BatchNorms",
        result_.from_norm);
    if (result_.propagated != 0) {
      text += fmt::format(
          "; {} operators have none{} and were given what their inputs make likely, which is a guess",
          result_.propagated, result_.from_norm == 0 ? " (folded by the exporter)" : "");
    }
    return text + ". Expect less accuracy than with --calibrate, and measure it (qeval)";
  }

  const std::vector<ChannelMoments>& inputs_;
  const Int8Options& options_;
  const std::function<void(const char*)>& begin_stage_;
  Graph graph_;  // float, repaired so far
  MomentEstimates estimates_;
  std::vector<std::vector<double>> scales_;  // EqualizeReport::scales, of all steps
  DataFreeConversion result_;
};

}  // namespace

ChannelMoments ExpectedInput(const Value& input, const std::optional<fb::PreprocessingT>& preprocessing) {
  ChannelMoments moments;
  const auto channels = static_cast<size_t>(input.shape.back());
  for (size_t c = 0; c < channels; ++c) {
    double mean = 0, deviation = 1, low = -kDataFreeSigmas, high = kDataFreeSigmas;
    if (preprocessing) {
      const double shift = preprocessing->mean[c], scale = preprocessing->std[c];
      mean = (kPictureMean - shift) / scale;
      deviation = kPictureDeviation / scale;
      low = (0 - shift) / scale;
      high = (1 - shift) / scale;
    }
    moments.mean.push_back(mean);
    moments.variance.push_back(deviation * deviation);
    moments.low.push_back(low);
    moments.high.push_back(high);
  }
  return moments;
}

Result<DataFreeConversion> ConvertWithoutData(const Graph& graph, const std::vector<ChannelMoments>& inputs,
                                              const Int8Options& options,
                                              const std::function<void(const char*)>& begin_stage) {
  return Worker(graph, inputs, options, begin_stage).Run();
}

}  // namespace qrun::converter
