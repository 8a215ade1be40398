#include <optional>

#include "runtime/cli/input.h"
#include "runtime/image/decode.h"
#include "runtime/image/golden.h"
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

image::InputQuantization QuantizationOf(const TensorInfo& info) {
  return {info.scale, info.zero_point, info.channel_scale, info.channel_offset};
}

Status CheckPreprocessing(const Model& model) {
  if (model.preprocessing() != nullptr) return Status::Ok();
  return Status::InvalidArgument(
      "the model says nothing about images (it was converted without --preprocess); give raw values with "
      "--input");
}

}  // namespace

Result<image::Image> FitImage(const Model& model, const image::Image& decoded) {
  QRUN_RETURN_IF_ERROR(CheckPreprocessing(model));
  return image::Geometry(decoded, ToSpec(*model.preprocessing()));
}

Status SetFittedImage(Session& session, const Model& model, const image::Image& fitted, int item) {
  QRUN_RETURN_IF_ERROR(CheckPreprocessing(model));
  const image::PreprocessSpec spec = ToSpec(*model.preprocessing());
  const TensorInfo& info = session.inputs()[0];
  std::byte* bytes = session.InputBytes(0).data() + info.Bytes() / info.extents[0] * item;
  if (info.dtype == DType::kInt8) {
    image::NormalizeS8(fitted, spec, QuantizationOf(info), reinterpret_cast<int8_t*>(bytes));
  } else if (info.dtype == DType::kFloat32) {
    image::NormalizeF32(fitted, spec, reinterpret_cast<float*>(bytes));
  } else {
    return Status::Unsupported("images need a float32 or int8 model input");
  }
  return Status::Ok();
}

Status SetImage(Session& session, const Model& model, const std::string& path, int item) {
  QRUN_RETURN_IF_ERROR(CheckPreprocessing(model));
  QRUN_ASSIGN_OR_RETURN(const image::Image decoded, image::ReadImage(path));
  auto fitted = FitImage(model, decoded);
  if (!fitted.ok()) return fitted.error().Annotate("'" + path + "'");
  return SetFittedImage(session, model, *fitted, item);
}

Status CheckGolden(const Model& model) {
  if (model.preprocessing() == nullptr || model.preprocessing()->golden_hash == 0) return Status::Ok();
  const TensorInfo& info = model.inputs()[0];
  std::optional<image::InputQuantization> quantization;
  if (info.dtype == DType::kInt8) quantization = QuantizationOf(info);
  QRUN_ASSIGN_OR_RETURN(const uint64_t hash, image::GoldenHash(ToSpec(*model.preprocessing()), quantization));
  const uint64_t stored = model.preprocessing()->golden_hash;
  if (hash == stored) return Status::Ok();
  return Status::Internal(Cat(
      "preprocessing here makes other bytes of the golden image than the converter's (hash ", hash,
      ", the model stores ", stored, "): answers would differ; use the build that the model was made with"));
}

}  // namespace qrun::cli
