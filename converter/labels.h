// Class names from a text file.
#ifndef QRUN_CONVERTER_LABELS_H_
#define QRUN_CONVERTER_LABELS_H_

#include <string>
#include <vector>

#include "schema/status.h"

namespace qrun::converter {

// One label per line, in the order of the output's elements; a carriage return before the line's end and
// empty lines at the end are dropped. Errors: io; invalid_argument for a file without labels, with an empty
// line between them, or that is not text.
Result<std::vector<std::string>> ReadLabels(const std::string& path);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_LABELS_H_
