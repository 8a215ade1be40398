// What looks harmful in a model's statistics; trials decide whether it is.
#ifndef QRUN_CONVERTER_DIAGNOSIS_SUSPICION_H_
#define QRUN_CONVERTER_DIAGNOSIS_SUSPICION_H_

#include <span>
#include <string>
#include <vector>

#include "converter/diagnosis/layer_trials.h"
#include "converter/graph.h"

namespace qrun::converter {

struct Suspicion {
  struct Cure {
    std::string what;  // "--observer mse"
    TrialSetting setting;
  };
  const char* cause = "";
  size_t node = 0;  // the float graph's node at fault
  ValueId value = kNoValue;
  std::string evidence;
  std::vector<size_t> measured;  // nodes that show the harm
  std::vector<Cure> cures;       // to be tried
  std::string advice;            // where no cure gains: what to do without a figure; empty: say nothing then
  double least_gain_db = 1.5;    // a cure that gains less is none
  // Without a cure that gains, the finding stands if the SQNR measured is below this.
  double tolerable_db = 0;
  bool harmless = false;  // costs no accuracy: nothing is measured
};

// What a step that scales channels would scale with.
struct ScalingCure {
  const char* option;  // that switches it on
  ChannelScales scales;
};

// A model and the ways in which its values flow.
class Inspection {
 public:
  Inspection(const TrialModel& model, const LayerTrials& trials, std::span<const ScalingCure> scalings);

  const TrialModel& model;
  const LayerTrials& trials;
  const std::span<const ScalingCure> scalings;  // to be proposed

  const Graph& graph() const { return model.float_graph; }
  int producer(ValueId id) const { return producer_[id]; }  // node index; -1: none
  const std::vector<size_t>& readers(ValueId id) const { return readers_[id]; }
  const ChannelStatistics& channels(ValueId id) const { return model.calibration.channels[id]; }
  // Appends the scaling that changes the value's channels at all, if there is one.
  void AddScaling(ValueId id, std::vector<Suspicion::Cure>& cures) const;
  // Readers that sum products, where the value has any; else all readers; else the value's own producer.
  std::vector<size_t> MeasuringNodes(ValueId id) const;

 private:
  std::vector<int> producer_;
  std::vector<std::vector<size_t>> readers_;
};

// The rules. Each looks at the whole model and appends what it suspects.
using Suspicions = std::vector<Suspicion>;
void SuspectChannels(const Inspection& inspection, Suspicions& found);  // outliers and spread, by channel
void SuspectSwishes(const Inspection& inspection, Suspicions& found);
void SuspectRanges(const Inspection& inspection, Suspicions& found);   // long and clipped tails
void SuspectJoins(const Inspection& inspection, Suspicions& found);    // Add and Concat
void SuspectWeights(const Inspection& inspection, Suspicions& found);  // one scale for unlike weights
void SuspectDeadChannels(const Inspection& inspection, Suspicions& found);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_DIAGNOSIS_SUSPICION_H_
