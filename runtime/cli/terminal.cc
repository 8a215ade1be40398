#include "runtime/cli/terminal.h"

#include <fmt/format.h>

#include <cstdio>

#include "runtime/qrun.h"

namespace qrun::cli {

int Fail(const std::string& tool, const Status& status) {
  std::fflush(stdout);
  fmt::print(stderr, "{}: error: {}\n", tool, status.message());
  return kExitError;
}

int Parse(CLI::App& app, int argc, char** argv) {
  app.set_version_flag("--version", std::string(Version()), "Print the version and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "{}: error: {}\nTry '{} --help'.\n", app.get_name(), error.what(), app.get_name());
    return kExitUsage;
  }
  return -1;
}

std::string CountText(int64_t count) {
  if (count >= 1'000'000'000) return fmt::format("{:.2f} G", static_cast<double>(count) / 1e9);
  if (count >= 1'000'000) return fmt::format("{:.2f} M", static_cast<double>(count) / 1e6);
  if (count >= 10'000) return fmt::format("{:.1f} k", static_cast<double>(count) / 1e3);
  return std::to_string(count);
}

std::string BytesText(uint64_t bytes) {
  if (bytes >= 10u << 20) return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
  if (bytes >= 1u << 20) return fmt::format("{:.2f} MiB", static_cast<double>(bytes) / (1 << 20));
  if (bytes >= 1u << 10) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / (1 << 10));
  return fmt::format("{} B", bytes);
}

std::string MillisecondsText(double milliseconds) {
  return milliseconds < 10 ? fmt::format("{:.3f} ms", milliseconds) : fmt::format("{:.1f} ms", milliseconds);
}

}  // namespace qrun::cli
