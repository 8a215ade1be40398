// Image input of a build without decoders (QRUN_IMAGE=OFF).
#include "runtime/cli/input.h"

namespace qrun::cli {

Status SetImage(Session&, const Model&, const std::string& path, int) {
  return Status::Unsupported("'" + path +
                             "': this build has no image decoders (QRUN_IMAGE=OFF); use --input x.npy");
}

}  // namespace qrun::cli
