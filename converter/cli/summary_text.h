// A conversion's report for people.
#ifndef QRUN_CONVERTER_CLI_SUMMARY_TEXT_H_
#define QRUN_CONVERTER_CLI_SUMMARY_TEXT_H_

#include <string>

#include "converter/report.h"

namespace qrun::converter {

// Aligned lines for a terminal, ending in a newline.
std::string SummaryText(const ConversionReport& report);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_CLI_SUMMARY_TEXT_H_
