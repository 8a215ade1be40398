#include "runtime/cli/terminal.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>

#include "runtime/qrun.h"

namespace qrun::cli {

int Fail(const std::string& tool, const Status& status) {
  std::fflush(stdout);
  fmt::print(stderr, "{}: error: {}\n", tool, status.message());
  return kExitError;
}

int FailUsage(const std::string& tool, const Status& status) {
  Fail(tool, status);
  fmt::print(stderr, "Try '{} --help'.\n", tool);
  return kExitUsage;
}

int FailSession(const std::string& tool, const Status& status) {
  return status.code() == StatusCode::kInvalidArgument ? FailUsage(tool, status) : Fail(tool, status);
}

CLI::Validator AtLeastOne() {
  const auto check = [](const std::string& text) -> std::string {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= 1) return {};
    return "expected a whole number of at least 1, got '" + text + "'";
  };
  return CLI::Validator(check, "");
}

int Parse(CLI::App& app, int argc, char** argv) {
  app.set_version_flag("--version", std::string(Version()), "Print the version and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    return FailUsage(app.get_name(), Status::InvalidArgument(error.what()));
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
