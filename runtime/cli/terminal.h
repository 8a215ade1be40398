// What all command line tools do alike: exit codes, error lines, numbers for people.
#ifndef QRUN_RUNTIME_CLI_TERMINAL_H_
#define QRUN_RUNTIME_CLI_TERMINAL_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "schema/status.h"

namespace qrun::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;  // the work failed, or part of it
inline constexpr int kExitUsage = 2;  // wrong arguments

// "tool: error: <message>" on stderr; returns kExitError.
int Fail(const std::string& tool, const Status& status);
// The same for a Status that came of the arguments alone; adds where to read more and returns kExitUsage.
int FailUsage(const std::string& tool, const Status& status);
// Either, for an error of Session::Create or CheckOutputPaths: what they call invalid is a wrong argument.
int FailSession(const std::string& tool, const Status& status);

// For CLI::Option::check: a whole number of at least 1.
CLI::Validator AtLeastOne();

// Parses the command line; --help and --version print and end with 0, wrong arguments explain themselves on
// stderr and end with kExitUsage. Returns -1 if the program should go on.
int Parse(CLI::App& app, int argc, char** argv);

// "3.5 M", "306 KiB", "1.25 ms".
std::string CountText(int64_t count);
std::string BytesText(uint64_t bytes);
std::string MillisecondsText(double milliseconds);

}  // namespace qrun::cli

#endif  // QRUN_RUNTIME_CLI_TERMINAL_H_
