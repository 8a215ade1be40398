// Operators run one by one on what float makes, with int8's rounding as converted or otherwise: what a layer
// loses by itself, and what a cure would gain.
#ifndef QRUN_CONVERTER_DIAGNOSIS_LAYER_TRIALS_H_
#define QRUN_CONVERTER_DIAGNOSIS_LAYER_TRIALS_H_

#include <map>
#include <optional>
#include <vector>

#include "converter/calibrate.h"
#include "converter/calibration_source.h"
#include "converter/graph.h"
#include "converter/quant_math.h"
#include "schema/status.h"

namespace qrun::converter {

// Per ValueId and channel: what the channel is multiplied with before it is rounded. Empty: 1.
using ChannelScales = std::vector<std::vector<double>>;

// How a trial differs from the conversion.
struct TrialSetting {
  std::map<ValueId, Range> ranges;        // of activations
  const ChannelScales* scales = nullptr;  // channels scaled before rounding; ranges from min to max
  bool per_channel_weights = false;       // a weight scale per output channel
};

// A float graph, what it was quantised into, and what calibration saw of the float one.
struct TrialModel {
  const Graph& float_graph;
  const Graph& quantised;
  const Calibration& calibration;
  bool ranges_by_answers = false;  // Int8Conversion::ranges_by_answers
};

// Thread safety: none.
class LayerTrials {
 public:
  explicit LayerTrials(const TrialModel& model);

  // int8 parameters of an activation as converted; nothing if it stays float.
  std::optional<AffineParams> Params(ValueId id) const;
  // The node of the quantised graph that writes the outputs of float node `i`; null if there is none.
  const Node* QuantisedNode(size_t i) const;

  // Asks for a trial of float node `i`; returns its number. Setting {} is the conversion as it is.
  size_t Add(size_t i, TrialSetting setting);

  // Runs all trials on all samples of `source` (those that can be loaded). The result does not depend on
  // `threads` nor on the CPU. Holds the float activations of all samples that are still read.
  Status Run(const CalibrationSource& source, int threads);

  // The mean over the output's channels of 10 log10(sum f^2 / sum (f - q)^2), each within 0 and kMostDb:
  // channels count alike, however large they are. f: the node in float on float inputs. q: the same with
  // inputs, weights and output rounded and clipped as int8 does (the bias is exact). Channels that are 0 are
  // left out. Nothing where no channel is left.
  std::optional<double> SqnrDb(size_t trial) const;

  static constexpr double kMostDb = 80;

 private:
  struct Trial {
    size_t node;
    TrialSetting setting;
    std::vector<double> error;  // per channel of the output
  };
  // Rounding of one activation in a trial.
  struct Rounding {
    AffineParams params;
    std::vector<double> scale;  // per channel; empty: 1
  };

  std::optional<Rounding> RoundingOf(ValueId id, const TrialSetting& setting) const;
  Graph TrialGraph(size_t i, const TrialSetting& setting) const;
  Status RunNode(const class NodeWalk& walk, size_t i, std::vector<Trial*>& trials);

  const TrialModel model_;
  std::vector<ValueId> int8_form_;               // per value: where its int8 parameters stand
  std::map<ValueId, const Node*> node_writing_;  // of the quantised graph, by first output
  std::vector<Trial> trials_;
  std::map<size_t, std::vector<double>> power_;  // per node: sum f^2 per channel of the output
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_DIAGNOSIS_LAYER_TRIALS_H_
