// Lists of labelled files.
#ifndef QRUN_CONVERTER_LABEL_LIST_H_
#define QRUN_CONVERTER_LABEL_LIST_H_

#include <string>
#include <vector>

#include "schema/status.h"

namespace qrun::converter {

struct LabelledFile {
  std::string name;  // as the list states it
  std::string path;  // below the root
  int label = -1;    // as the list states it; -1 if the list has no labels
  int line = 0;      // in the list, from 1
};

struct LabelList {
  std::vector<LabelledFile> files;
  bool labelled = false;
  std::string sha256;  // of the list's bytes
};

// Reads a CSV file (RFC 4180 quoting, UTF-8) with a line "filename,class_index" or just "filename" per file.
// The first line is a header, and left out, if its first field is "filename" or its second is no number.
// Empty lines are skipped. Names are relative to `root`, or to the list's folder if root is empty. Whether
// the files exist is not looked at. Errors: io; invalid_argument, naming the line, for more than two fields,
// an empty name, a label that is no number in 0..2^31-1 or is missing where others have one, or no file at
// all.
Result<LabelList> ReadLabelList(const std::string& path, const std::string& root);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_LABEL_LIST_H_
