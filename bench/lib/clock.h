// The clock that all measurements use: monotonic, nanoseconds.
#ifndef QRUN_BENCH_LIB_CLOCK_H_
#define QRUN_BENCH_LIB_CLOCK_H_

#include <chrono>

namespace qrun::bench {

class Stopwatch {
 public:
  // Milliseconds since the construction or the last lap.
  double LapMs() {
    const auto now = std::chrono::steady_clock::now();
    const double ms = std::chrono::duration<double, std::milli>(now - start_).count();
    start_ = now;
    return ms;
  }
  // Seconds since then, without starting a new lap.
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_CLOCK_H_
