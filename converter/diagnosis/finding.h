// What is wrong with a conversion, in words and numbers.
#ifndef QRUN_CONVERTER_DIAGNOSIS_FINDING_H_
#define QRUN_CONVERTER_DIAGNOSIS_FINDING_H_

#include <optional>
#include <string>

namespace qrun::converter {

struct Finding {
  std::string layer, op;  // the operator whose output (or weights) are at fault; op in the file's words
  std::string cause;      // one of the kCause names
  std::string evidence;   // what was seen, in numbers
  std::string cure;       // what to do about it
  // SQNR of the operators that read the layer's output, each run alone: see LayerTrials. Absent where nothing
  // was measured.
  std::optional<double> sqnr_db;
  std::optional<double> gain_db;  // what the cure adds to it
  bool repaired = false;          // the conversion has applied the cure
};

// Causes, as they stand in the JSON.
inline constexpr const char* kCausePreprocessing = "preprocessing-mismatch";
inline constexpr const char* kCauseOutlierChannel = "outlier-channel";
inline constexpr const char* kCauseDepthwiseSpread = "depthwise-range-spread";
inline constexpr const char* kCauseChannelSpread = "channel-range-spread";
inline constexpr const char* kCauseWeightSpread = "weight-range-spread";
inline constexpr const char* kCauseSwishTail = "swish-tail";
inline constexpr const char* kCauseLongTail = "long-tail";
inline constexpr const char* kCauseClippedTail = "clipped-tail";
inline constexpr const char* kCauseAddClash = "add-scale-clash";
inline constexpr const char* kCauseConcatClash = "concat-scale-clash";
inline constexpr const char* kCauseDeadChannels = "dead-channels";

// "blocks.3.expand: one channel has 40 times the median range; --equalize gains 4.1 dB (18.2 to 22.3)".
std::string FindingText(const Finding& finding);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_DIAGNOSIS_FINDING_H_
