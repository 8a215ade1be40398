// Image input of a build without decoders (QRUN_IMAGE=OFF).
#include "runtime/cli/input.h"

namespace qrun::cli {
namespace {

Status NoDecoders() {
  return Status::Unsupported("this build has no image decoders (QRUN_IMAGE=OFF); use --input x.npy");
}

}  // namespace

Result<image::Image> FitImage(const Model&, const image::Image&) { return NoDecoders(); }

Status SetFittedImage(Session&, const Model&, const image::Image&, int) { return NoDecoders(); }

Status SetImage(Session&, const Model&, const std::string& path, int) {
  return NoDecoders().Annotate("'" + path + "'");
}

Status CheckGolden(const Model&) { return NoDecoders(); }

}  // namespace qrun::cli
