#include "converter/diagnosis/finding.h"

#include <fmt/format.h>

namespace qrun::converter {

std::string FindingText(const Finding& finding) {
  std::string text = fmt::format("{}: {}; {}", finding.layer, finding.evidence, finding.cure);
  if (finding.sqnr_db && finding.gain_db) {
    text += fmt::format(" {} {:.1f} dB ({:.1f} to {:.1f})", finding.repaired ? "gained" : "gains",
                        *finding.gain_db, *finding.sqnr_db, *finding.sqnr_db + *finding.gain_db);
  } else if (finding.sqnr_db) {
    text += fmt::format(" (SQNR behind it {:.1f} dB)", *finding.sqnr_db);
  }
  return text;
}

}  // namespace qrun::converter
