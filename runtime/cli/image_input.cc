#include "runtime/cli/input.h"
#include "runtime/image/decode.h"
#include "runtime/image/preprocess.h"
#include "schema/cat.h"

namespace qrun::cli {
namespace {

image::PreprocessSpec ToSpec(const Preprocessing& pre) {
  image::PreprocessSpec spec;
  spec.rule = static_cast<image::PreprocessSpec::Rule>(pre.rule);
  spec.resize = pre.resize;
  spec.crop_h = pre.crop_h;
  spec.crop_w = pre.crop_w;
  spec.color = static_cast<image::PreprocessSpec::Color>(pre.color);
  spec.mean = pre.mean;
  spec.std = pre.std;
  return spec;
}

}  // namespace

Status SetImage(Session& session, const Model& model, const std::string& path, int item) {
  if (model.preprocessing() == nullptr) {
    return Status::InvalidArgument(
        "the model says nothing about images (it was converted without --preprocess); give raw values with "
        "--input");
  }
  const image::PreprocessSpec spec = ToSpec(*model.preprocessing());
  QRUN_ASSIGN_OR_RETURN(const image::Image decoded, image::ReadImage(path));
  auto fitted = image::Geometry(decoded, spec);
  if (!fitted.ok()) return fitted.error().Annotate("'" + path + "'");
  const TensorInfo& info = session.inputs()[0];
  std::byte* bytes = session.InputBytes(0).data() + info.Bytes() / info.extents[0] * item;
  if (info.dtype == DType::kInt8) {
    image::NormalizeS8(*fitted, spec, info.scale, info.zero_point, reinterpret_cast<int8_t*>(bytes));
  } else if (info.dtype == DType::kFloat32) {
    image::NormalizeF32(*fitted, spec, reinterpret_cast<float*>(bytes));
  } else {
    return Status::Unsupported("images need a float32 or int8 model input");
  }
  return Status::Ok();
}

}  // namespace qrun::cli
