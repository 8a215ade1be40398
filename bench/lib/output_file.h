// Where tools write their results.
#ifndef QRUN_BENCH_LIB_OUTPUT_FILE_H_
#define QRUN_BENCH_LIB_OUTPUT_FILE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "schema/status.h"

namespace qrun::bench {

// Replaces the file in one step.
Status WriteText(const std::string& path, std::string_view text);

// Invalid UTF-8 (names in models) becomes U+FFFD. indent: spaces per level, or -1 for everything on one line.
std::string JsonText(const nlohmann::json& json, int indent);

// JsonText indented, to stdout if path is "-".
Status WriteJson(const std::string& path, const nlohmann::json& json);

// A field of a CSV file, in quotes if it needs them (RFC 4180).
std::string CsvField(std::string_view text);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_OUTPUT_FILE_H_
