#include "converter/image_source.h"

#include "runtime/image/decode.h"

namespace qrun::converter {

Status ImageSource::Load(size_t i, std::span<const std::span<float>> inputs) const {
  QRUN_ASSIGN_OR_RETURN(const image::Image decoded, image::ReadImage(paths_[i]));
  const Result<image::Image> fitted = image::Geometry(decoded, spec_);
  if (!fitted.ok()) return fitted.error().Annotate("'" + paths_[i] + "'");
  image::NormalizeF32(*fitted, spec_, inputs[0].data());
  return Status::Ok();
}

}  // namespace qrun::converter
