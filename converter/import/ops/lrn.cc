// LRN: known, and refused with advice.
#include "converter/import/importers.h"

namespace qrun::converter {

Status ImportLrn(const OnnxNode&, GraphBuilder&) {
  return Status::Unsupported(
      "local response normalisation has no int8 form here; retrain without it or use a network with "
      "BatchNorm");
}

}  // namespace qrun::converter
