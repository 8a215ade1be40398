// A progress bar with the time left, for terminals.
#ifndef QRUN_RUNTIME_CLI_PROGRESS_H_
#define QRUN_RUNTIME_CLI_PROGRESS_H_

#include <chrono>
#include <cstddef>
#include <string>

namespace qrun::cli {

// "calibrate [#########---------------------]  61/200, 4 s left" on stderr, redrawn in place at most ten
// times a second and wiped out at the end. Writes nothing if stderr is not a terminal or `quiet` is set.
// Thread safety: one thread at a time.
class ProgressBar {
 public:
  ProgressBar(std::string label, bool quiet);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Update(size_t done, size_t total);

 private:
  using Clock = std::chrono::steady_clock;

  const std::string label_;
  const bool enabled_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_at_;
  bool drawn_ = false;
};

// What the bar shows; seconds_left is negative while unknown.
std::string ProgressLine(const std::string& label, size_t done, size_t total, double seconds_left);

}  // namespace qrun::cli

#endif  // QRUN_RUNTIME_CLI_PROGRESS_H_
