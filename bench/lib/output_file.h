// Where tools write their results.
#ifndef QRUN_BENCH_LIB_OUTPUT_FILE_H_
#define QRUN_BENCH_LIB_OUTPUT_FILE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "schema/status.h"

namespace qrun::bench {

// Whether `path` could be written: its folder exists and may be written to, and it is no folder itself. ""
// and
// "-" (stdout) always can. To be asked before hours of work, not after. Errors: io, naming the path.
Status CheckOutputPath(const std::string& path);

// Replaces the file in one step.
Status WriteText(const std::string& path, std::string_view text);

// Indented, to stdout if path is "-". Invalid UTF-8 (names in models) becomes U+FFFD.
Status WriteJson(const std::string& path, const nlohmann::json& json);

// A field of a CSV file, in quotes if it needs them (RFC 4180).
std::string CsvField(std::string_view text);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_OUTPUT_FILE_H_
