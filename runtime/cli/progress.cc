#include "runtime/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

namespace qrun::cli {
namespace {

constexpr size_t kBarWidth = 30;
constexpr double kSecondsBetweenDraws = 0.1;

double Seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

ProgressBar::ProgressBar(std::string label, bool quiet)
    : label_(std::move(label)), enabled_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

void ProgressBar::Update(size_t done, size_t total) {
  if (!enabled_ || total == 0) return;
  const auto now = Clock::now();
  if (drawn_ && done < total && Seconds(now - drawn_at_) < kSecondsBetweenDraws) return;
  const double left =
      done == 0 ? -1 : Seconds(now - begin_) / static_cast<double>(done) * static_cast<double>(total - done);
  fmt::print(stderr, "\r{}\x1b[K", ProgressLine(label_, done, total, left));
  std::fflush(stderr);
  drawn_at_ = now;
  drawn_ = true;
}

std::string ProgressLine(const std::string& label, size_t done, size_t total, double seconds_left) {
  const size_t filled = total == 0 ? 0 : kBarWidth * done / total;
  std::string line =
      fmt::format("{} [{}{}] {:>{}}/{}", label, std::string(filled, '#'),
                  std::string(kBarWidth - filled, '-'), done, std::to_string(total).size(), total);
  if (seconds_left < 0) return line;
  const auto seconds = static_cast<long>(std::ceil(seconds_left));
  if (seconds < 60) return line + fmt::format(", {} s left", seconds);
  return line + fmt::format(", {}:{:02} min left", seconds / 60, seconds % 60);
}

}  // namespace qrun::cli
