#include "converter/observers/channel_statistics.h"

#include <algorithm>

namespace qrun::converter {

ChannelStatistics ChannelStatistics::FromMoments(std::span<const double> min, std::span<const double> max,
                                                 std::span<const double> mean,
                                                 std::span<const double> mean_square) {
  ChannelStatistics statistics(min.size());
  for (size_t c = 0; c < min.size(); ++c) {
    statistics.min_[c] = static_cast<float>(min[c]);
    statistics.max_[c] = static_cast<float>(max[c]);
  }
  statistics.sum_.assign(mean.begin(), mean.end());
  statistics.squares_.assign(mean_square.begin(), mean_square.end());
  statistics.pixels_ = 1;
  return statistics;
}

void ChannelStatistics::Observe(std::span<const float> values) {
  const size_t channels = min_.size();
  if (values.empty() || channels == 0) return;
  if (!seen()) {
    std::copy_n(values.begin(), channels, min_.begin());
    std::copy_n(values.begin(), channels, max_.begin());
  }
  for (size_t begin = 0; begin < values.size(); begin += channels) {
    const float* x = values.data() + begin;
    for (size_t c = 0; c < channels; ++c) {
      min_[c] = std::min(min_[c], x[c]);
      max_[c] = std::max(max_[c], x[c]);
      sum_[c] += x[c];
      squares_[c] += static_cast<double>(x[c]) * x[c];
    }
  }
  pixels_ += values.size() / channels;
}

void ChannelStatistics::Merge(const ChannelStatistics& later) {
  if (!later.seen()) return;
  if (!seen()) {
    *this = later;
    return;
  }
  for (size_t c = 0; c < min_.size(); ++c) {
    min_[c] = std::min(min_[c], later.min_[c]);
    max_[c] = std::max(max_[c], later.max_[c]);
    sum_[c] += later.sum_[c];
    squares_[c] += later.squares_[c];
  }
  pixels_ += later.pixels_;
}

}  // namespace qrun::converter
