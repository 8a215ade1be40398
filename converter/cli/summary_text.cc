#include "converter/cli/summary_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "runtime/cli/terminal.h"

namespace qrun::converter {
namespace {

using cli::BytesText;
using cli::CountText;

constexpr size_t kListedAtMost = 8, kFindingsShown = 5, kWorstLayers = 3;

std::string Plural(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string TensorText(const TensorInfo& info) {
  std::string text = fmt::format("{} [{}] ", info.name, fmt::join(info.extents, ","));
  if (info.dtype == DType::kInt8) {
    text += fmt::format("int8, real = (q {} {}) * {:.6g}", info.zero_point > 0 ? '-' : '+',
                        std::abs(info.zero_point), info.scale);
    if (!info.channel_offset.empty()) text += ", real = value * scale[c] + offset[c]: pixels";
  } else {
    text += "float32";
  }
  if (info.source_is_nchw) text += " (NCHW in the source)";
  return text;
}

std::string PreprocessingText(const Preprocessing& p) {
  std::string text = p.preset + ": ";
  if (p.rule == Preprocessing::Rule::kShortSide)
    text += fmt::format("short side {}, centre {}x{}", p.resize, p.crop_h, p.crop_w);
  if (p.rule == Preprocessing::Rule::kStretch) text += fmt::format("stretched to {}x{}", p.crop_h, p.crop_w);
  if (p.rule == Preprocessing::Rule::kNone) text += fmt::format("images must be {}x{}", p.crop_h, p.crop_w);
  const char* colors[] = {"rgb", "bgr", "gray"};
  return text + fmt::format(", {}, mean {:.4g}, std {:.4g}", colors[static_cast<int>(p.color)],
                            fmt::join(p.mean, " "), fmt::join(p.std, " "));
}

bool TakesImages(const std::vector<TensorInfo>& inputs) {
  if (inputs.size() != 1 || inputs[0].extents.size() != 4) return false;
  return inputs[0].extents[3] == 1 || inputs[0].extents[3] == 3;
}

// Lines "label    text"; further lines of one label are indented.
class Lines {
 public:
  void Add(std::string_view label, std::string_view text) {
    fmt::format_to(std::back_inserter(text_), "{:<12}{}\n", label == last_ ? "" : label, text);
    last_ = label;
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_, last_;
};

void AddQuantization(const QuantizeReport& q, Lines& lines) {
  std::string text =
      fmt::format("{} in int8, {} weight channels", Plural(static_cast<size_t>(q.int8_operators), "operator"),
                  q.weight_channels);
  if (q.lookup_tables)
    text += fmt::format(", {}", Plural(static_cast<size_t>(q.lookup_tables), "lookup table"));
  if (q.zero_channels) text += fmt::format(", {} of zeros", q.zero_channels);
  if (q.widened_channels) text += fmt::format(", {} with a widened scale", q.widened_channels);
  lines.Add("quantised", text);
  if (!q.activations.empty()) {
    const auto [narrowest, widest] =
        std::minmax_element(q.activations.begin(), q.activations.end(),
                            [](const auto& a, const auto& b) { return a.max - a.min < b.max - b.min; });
    lines.Add("ranges",
              fmt::format("narrowest [{:.4g}, {:.4g}] {}", narrowest->min, narrowest->max, narrowest->name));
    lines.Add("ranges", fmt::format("widest    [{:.4g}, {:.4g}] {}", widest->min, widest->max, widest->name));
  }
  if (q.kept_float.empty()) lines.Add("kept float", "none");
  for (size_t i = 0; i < q.kept_float.size(); ++i) {
    if (i == kListedAtMost) {
      lines.Add("kept float", fmt::format("and {} more (--json lists all)", q.kept_float.size() - i));
      break;
    }
    const auto& kept = q.kept_float[i];
    lines.Add("kept float", fmt::format("{} '{}': {}", kept.op, kept.name, kept.reason));
  }
  if (q.quantize_inserted || q.dequantize_inserted) {
    lines.Add("conversions",
              fmt::format("{} to int8, {} to float", q.quantize_inserted, q.dequantize_inserted));
  }
}

void AddLayers(const LayerReport& report, Lines& lines) {
  int channels = 0, pair_safe = 0, layers = 0, accumulator_safe = 0;
  for (const LayerFacts& layer : report.layers) {
    if (!layer.saturation) continue;
    ++layers;
    accumulator_safe += layer.saturation->accumulator_safe();
    channels += layer.saturation->channels;
    pair_safe += layer.saturation->pair_safe_channels;
  }
  if (layers != 0) {
    lines.Add(
        "saturation",
        fmt::format("{} of {} proved free of int32 overflow; sums of two at 16 bits safe in {} of {} "
                    "channels",
                    accumulator_safe, Plural(static_cast<size_t>(layers), "layer"), pair_safe, channels));
  }
  std::vector<const LayerFacts*> worst;
  for (const LayerFacts& layer : report.layers) {
    if (layer.int8 && std::isfinite(layer.sqnr_db)) worst.push_back(&layer);
  }
  std::stable_sort(worst.begin(), worst.end(), [](auto a, auto b) { return a->sqnr_db < b->sqnr_db; });
  worst.resize(std::min(worst.size(), kWorstLayers));
  for (const LayerFacts* layer : worst) {
    lines.Add("worst",
              fmt::format("{} ({}): SQNR {:.2f} dB{}, cosine {:.5f}, {:.2g} % clipped, {:.0f} % of the "
                          "range used",
                          layer->name, layer->op, layer->sqnr_db,
                          layer->local_sqnr_db ? fmt::format(" ({:.2f} alone)", *layer->local_sqnr_db) : "",
                          layer->cosine, 100 * layer->ClippedShare(), 100 * layer->RangeUse()));
  }
  const auto& findings = report.findings;
  if (findings.empty()) lines.Add("findings", "none");
  for (size_t i = 0; i < findings.size(); ++i) {
    if (i == kFindingsShown) {
      lines.Add("findings", fmt::format("and {} more (--json and --report list all)", findings.size() - i));
      break;
    }
    lines.Add("findings", FindingText(findings[i]));
  }
}

// The layers that cost most, worst first.
void AddSensitivity(const SensitivityReport& report, Lines& lines) {
  const Sensitivity& sensitivity = report.sensitivity;
  lines.Add("sensitivity", fmt::format("all {} in int8: SQNR {:.2f} dB, {} of {} answers changed",
                                       Plural(sensitivity.layers.size(), "layer"), sensitivity.all.SqnrDb(),
                                       sensitivity.all.changed, Plural(sensitivity.all.samples, "sample")));
  std::vector<size_t> order(sensitivity.layers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return sensitivity.layers[a].alone.RelativeError() > sensitivity.layers[b].alone.RelativeError();
  });
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == kListedAtMost) {
      lines.Add("sensitivity", fmt::format("and {} more (--json lists all)", order.size() - i));
      break;
    }
    const LayerSensitivity& layer = sensitivity.layers[order[i]];
    const TimedPair& time = report.times[order[i]];
    std::string text = fmt::format("{} '{}': alone {:.2f} dB, {} changed", layer.op, layer.unit.name,
                                   layer.alone.SqnrDb(), layer.alone.changed);
    if (layer.without.samples != 0) {
      text +=
          fmt::format("; all but it {:.2f} dB, {} changed", layer.without.SqnrDb(), layer.without.changed);
    }
    lines.Add("sensitivity",
              text + fmt::format("; {:.1f} us in float, {:.1f} in int8 here", time.float_us, time.int8_us));
  }
}

void AddPrecision(const PrecisionReport& report, Lines& lines) {
  const SearchResult& search = report.search;
  lines.Add("precision",
            fmt::format("{}: {} of {} kept float, {} tried in {:.1f} s", report.goal, search.kept.size(),
                        Plural(report.layers.size(), "layer"),
                        Plural(static_cast<size_t>(search.conversions), "conversion"), report.seconds));
  lines.Add("precision", "all in int8: " + JudgementText(search.before));
  if (!search.kept.empty()) lines.Add("precision", "as written: " + JudgementText(search.after));
  if (search.out_of_time) {
    lines.Add("precision",
              "the time budget ended the search: fewer layers may do, and another run may keep others");
  }
}

}  // namespace

std::string SummaryText(const ConversionReport& report) {
  Lines lines;
  const auto& source = report.source;
  lines.Add("source", fmt::format("{}: {}, {}, opset {}{}", source.path, BytesText(source.bytes),
                                  Plural(static_cast<size_t>(source.operators), "operator"), source.opset,
                                  source.producer.empty() ? "" : ", " + source.producer));
  lines.Add("source", "sha256 " + source.sha256);
  for (const std::string& note : source.notes) lines.Add("note", note);
  for (const auto& pass : report.passes) {
    if (pass.count) lines.Add("passes", fmt::format("{:4} {}", pass.count, pass.what));
  }
  if (report.calibration) {
    const auto& c = *report.calibration;
    lines.Add("calibration", fmt::format("{}: {} used, {} failed; observer {}", c.path,
                                         Plural(c.samples_used, "sample"), c.failures.size(), c.observer));
  }
  for (size_t i = 0; i < report.steps.size(); ++i) {
    const RepairStep& step = report.steps[i];
    if (std::isnan(step.sqnr_db)) {
      lines.Add("steps", fmt::format("{:<15} not measured: {}", step.name, step.what));
      continue;
    }
    const std::string gain =
        i == 0 ? "" : fmt::format(" ({:+.2f})", step.sqnr_db - report.steps[i - 1].sqnr_db);
    lines.Add("steps", fmt::format("{:<15} SQNR {:.2f} dB{}: {}", step.name, step.sqnr_db, gain, step.what));
  }
  if (report.sensitivity) AddSensitivity(*report.sensitivity, lines);
  if (report.precision) AddPrecision(*report.precision, lines);
  if (report.quantization) AddQuantization(*report.quantization, lines);
  if (report.blocks_fused) {
    lines.Add("fused", Plural(static_cast<size_t>(report.blocks_fused), "inverted residual block"));
  }
  std::vector<std::string> kinds;
  int operators = 0;
  for (const auto& [kind, count] : report.operators) {
    kinds.push_back(fmt::format("{} {}", count, kind));
    operators += count;
  }
  lines.Add("operators", fmt::format("{}: {}", operators, fmt::join(kinds, ", ")));
  lines.Add("size", fmt::format("{} parameters, {} multiply-accumulates", CountText(report.parameters),
                                CountText(report.macs)));
  for (const TensorInfo& input : report.inputs) lines.Add("input", TensorText(input));
  for (const TensorInfo& output : report.outputs) lines.Add("output", TensorText(output));
  if (report.preprocessing) {
    lines.Add("images", PreprocessingText(*report.preprocessing));
  } else if (TakesImages(report.inputs)) {
    lines.Add("images", "no preprocessing stored: give --preprocess to let qrun read image files");
  }
  if (report.labels) lines.Add("labels", fmt::format("{}", report.labels));
  for (const OutputCheck& check : report.checks) {
    lines.Add("check", fmt::format("{}: SQNR {:.2f} dB, cosine {:.6f}, same top-1 on {} of {} against float",
                                   check.name, check.sqnr_db, check.cosine, check.same_top1,
                                   Plural(report.samples_checked, "sample")));
  }
  if (report.speed) {
    lines.Add(
        "speed",
        fmt::format("int8 {:.2f} times as fast as float32 ({:.0f} us against {:.0f} us, medians of "
                    "{} runs in turns, one thread); {} were required",
                    report.speed->measured.Speedup(), report.speed->measured.int8_us,
                    report.speed->measured.float_us, report.speed->measured.runs, report.speed->required));
  }
  if (report.layers) AddLayers(*report.layers, lines);
  std::vector<std::string> stages;
  for (const auto& stage : report.stages)
    stages.push_back(fmt::format("{} {:.2f}", stage.name, stage.seconds));
  lines.Add("seconds", fmt::format("{}", fmt::join(stages, ", ")));
  lines.Add("arena", fmt::format("{} for activations at batch 1", BytesText(report.arena_bytes)));
  lines.Add("written",
            fmt::format("{}: {} {}, {:.2f} times smaller than the source", report.output_path,
                        BytesText(report.file_bytes), report.dtype,
                        static_cast<double>(source.bytes) / static_cast<double>(report.file_bytes)));
  if (!report.qdq_path.empty()) {
    lines.Add("written", fmt::format("{}: {} ONNX, QDQ", report.qdq_path, BytesText(report.qdq_bytes)));
  }
  return lines.Take();
}

}  // namespace qrun::converter
