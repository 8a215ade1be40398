// Extremes and moments of every channel of an activation.
#ifndef QRUN_CONVERTER_OBSERVERS_CHANNEL_STATISTICS_H_
#define QRUN_CONVERTER_OBSERVERS_CHANNEL_STATISTICS_H_

#include <cstddef>
#include <span>
#include <vector>

namespace qrun::converter {

// Channels are the last extent. Thread safety: none.
class ChannelStatistics {
 public:
  explicit ChannelStatistics(size_t channels = 0)
      : min_(channels), max_(channels), sum_(channels), squares_(channels) {}

  // As if one pixel had been seen for which these hold: extremes, mean and mean square per channel.
  static ChannelStatistics FromMoments(std::span<const double> min, std::span<const double> max,
                                       std::span<const double> mean, std::span<const double> mean_square);

  // Precondition: values.size() is a multiple of the number of channels.
  void Observe(std::span<const float> values);
  // `later` has as many channels.
  void Merge(const ChannelStatistics& later);

  size_t channels() const { return min_.size(); }
  bool seen() const { return pixels_ != 0; }
  size_t pixels() const { return pixels_; }  // values per channel
  float Min(size_t c) const { return min_[c]; }
  float Max(size_t c) const { return max_[c]; }
  // Largest magnitude.
  float Reach(size_t c) const { return max_[c] > -min_[c] ? max_[c] : -min_[c]; }
  double Mean(size_t c) const { return sum_[c] / static_cast<double>(pixels_); }
  double MeanSquare(size_t c) const { return squares_[c] / static_cast<double>(pixels_); }

 private:
  size_t pixels_ = 0;
  std::vector<float> min_, max_;
  std::vector<double> sum_, squares_;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_OBSERVERS_CHANNEL_STATISTICS_H_
