#include "bench/lib/samples.h"

#include <cstring>
#include <optional>

#include "converter/label_list.h"
#include "converter/sha256.h"
#include "runtime/cli/input.h"
#include "runtime/image/decode.h"
#include "schema/cat.h"

namespace qrun::bench {
namespace {

using Models = std::vector<const Model*>;

// One image as each model wants it.
Result<Sample> FitForAll(const image::Image& decoded, const Models& models) {
  Sample sample;
  for (const Model* model : models) {
    QRUN_ASSIGN_OR_RETURN(image::Image fitted, cli::FitImage(*model, decoded));
    sample.images.push_back(std::move(fitted));
  }
  return sample;
}

Status RequirePreprocessing(const Models& models) {
  for (const Model* model : models) {
    if (model->preprocessing() == nullptr) {
      return Status::InvalidArgument(Cat(
          "model '", model->name(),
          "' says nothing about images (it was converted without --preprocess); give arrays with --input"));
    }
  }
  return Status::Ok();
}

class ImageList : public SampleSource {
 public:
  ImageList(converter::LabelList list, std::string path, std::string root, Models models)
      : list_(std::move(list)), path_(std::move(path)), root_(std::move(root)), models_(std::move(models)) {}

  size_t size() const override { return list_.files.size(); }
  std::string Name(size_t i) const override { return list_.files[i].name; }
  int Label(size_t i) const override { return list_.files[i].label; }
  std::string LabelPlace(size_t i) const override { return Cat("'", path_, "' line ", list_.files[i].line); }
  std::string Fingerprint() const override { return Cat(list_.sha256, " root '", root_, "'"); }
  Result<Sample> Load(size_t i) const override {
    const std::string& path = list_.files[i].path;
    QRUN_ASSIGN_OR_RETURN(const image::Image decoded, image::ReadImage(path));
    auto sample = FitForAll(decoded, models_);
    if (!sample.ok()) return sample.error().Annotate("'" + path + "'");
    return sample;
  }

 private:
  const converter::LabelList list_;
  const std::string path_, root_;
  const Models models_;
};

class ArrayRows : public SampleSource {
 public:
  ArrayRows(std::vector<NpyArray> arrays, std::vector<int> labels, const SampleOptions& options,
            Models models, bool as_images)
      : arrays_(std::move(arrays)),
        labels_(std::move(labels)),
        path_(options.inputs[0]),
        labels_path_(options.labels),
        models_(std::move(models)),
        as_images_(as_images) {}

  size_t size() const override { return static_cast<size_t>(arrays_[0].shape[0]); }
  std::string Name(size_t i) const override { return Cat(path_, "[", i, "]"); }
  int Label(size_t i) const override { return labels_.empty() ? -1 : labels_[i]; }
  std::string LabelPlace(size_t i) const override { return Cat("'", labels_path_, "' element ", i); }
  std::string Fingerprint() const override {
    converter::Sha256 hash;
    for (const NpyArray& array : arrays_) hash.Update(array.data);
    hash.Update(std::as_bytes(std::span(labels_)));
    return hash.HexDigest();
  }
  Result<Sample> Load(size_t i) const override {
    if (as_images_) return FitForAll(RowAsImage(i), models_);
    Sample sample;
    for (const NpyArray& array : arrays_) sample.arrays.push_back(Row(array, i));
    return sample;
  }

  static NpyArray Row(const NpyArray& array, size_t i) {
    const size_t bytes = array.data.size() / static_cast<size_t>(array.shape[0]);
    NpyArray row;
    row.dtype = array.dtype;
    row.shape = array.shape;
    row.shape[0] = 1;
    const auto begin = array.data.begin() + static_cast<ptrdiff_t>(bytes * i);
    row.data.assign(begin, begin + static_cast<ptrdiff_t>(bytes));
    return row;
  }

 private:
  image::Image RowAsImage(size_t i) const {
    const NpyArray& array = arrays_[0];
    image::Image image;
    image.height = static_cast<int>(array.shape[1]);
    image.width = static_cast<int>(array.shape[2]);
    image.channels = static_cast<int>(array.shape[3]);
    image.pixels.resize(array.data.size() / static_cast<size_t>(array.shape[0]));
    std::memcpy(image.pixels.data(), array.data.data() + image.pixels.size() * i, image.pixels.size());
    return image;
  }

  const std::vector<NpyArray> arrays_;
  const std::vector<int> labels_;
  const std::string path_, labels_path_;
  const Models models_;
  const bool as_images_;
};

template <class T>
bool CopyLabels(const NpyArray& array, std::vector<int>& labels) {
  std::vector<T> values(array.data.size() / sizeof(T));
  std::memcpy(values.data(), array.data.data(), array.data.size());
  for (T value : values) {
    if (value < 0 || static_cast<int64_t>(value) > INT32_MAX) return false;
    labels.push_back(static_cast<int>(value));
  }
  return true;
}

Result<std::vector<int>> ReadLabels(const std::string& path, int64_t count) {
  QRUN_ASSIGN_OR_RETURN(const NpyArray array, ReadNpy(path));
  int64_t elements = 1;
  for (int64_t extent : array.shape) elements *= extent;
  if (array.shape.empty() || array.shape[0] != count || elements != count) {
    return Status::InvalidArgument(
        Cat("'", path, "' holds ", elements, " labels, expected ", count, ": one per item of the input"));
  }
  std::vector<int> labels;
  bool ok = false;
  if (array.dtype == "u1") ok = CopyLabels<uint8_t>(array, labels);
  if (array.dtype == "i1") ok = CopyLabels<int8_t>(array, labels);
  if (array.dtype == "i4") ok = CopyLabels<int32_t>(array, labels);
  if (array.dtype == "i8") ok = CopyLabels<int64_t>(array, labels);
  if (!ok) {
    return Status::InvalidArgument("'" + path +
                                   "' does not hold class indices; expected integers of 0 or more");
  }
  return labels;
}

// One row of each array must fit each model.
Status CheckRows(const std::vector<NpyArray>& arrays, const SampleOptions& options, const Models& models) {
  for (const Model* model : models) {
    if (arrays.size() != model->inputs().size()) {
      return Status::InvalidArgument(Cat("model '", model->name(), "' has ", model->inputs().size(),
                                         " input(s), --input was given ", arrays.size(), " time(s)"));
    }
    for (size_t i = 0; i < arrays.size(); ++i) {
      const auto fits = cli::BatchOf(*model, static_cast<int>(i), ArrayRows::Row(arrays[i], 0));
      if (!fits.ok()) return fits.error().Annotate("'" + options.inputs[i] + "'");
    }
  }
  return Status::Ok();
}

Result<std::unique_ptr<SampleSource>> OpenArrays(const SampleOptions& options, const Models& models) {
  std::vector<NpyArray> arrays;
  for (const std::string& path : options.inputs) {
    QRUN_ASSIGN_OR_RETURN(NpyArray array, ReadNpy(path));
    if (array.shape.empty() || array.data.empty()) {
      return Status::InvalidArgument("'" + path + "' holds no items; expected an array [N, ...]");
    }
    if (!arrays.empty() && array.shape[0] != arrays[0].shape[0]) {
      return Status::InvalidArgument(Cat("'", path, "' holds ", array.shape[0], " items, '",
                                         options.inputs[0], "' ", arrays[0].shape[0]));
    }
    arrays.push_back(std::move(array));
  }
  const NpyArray& first = arrays[0];
  bool as_images = arrays.size() == 1 && first.dtype == "u1" && first.shape.size() == 4 &&
                   (first.shape[3] == 1 || first.shape[3] == 3);
  for (const Model* model : models) as_images = as_images && model->preprocessing() != nullptr;
  if (!as_images) QRUN_RETURN_IF_ERROR(CheckRows(arrays, options, models));
  std::vector<int> labels;
  if (!options.labels.empty() && !options.ignore_labels) {
    QRUN_ASSIGN_OR_RETURN(labels, ReadLabels(options.labels, first.shape[0]));
  }
  return std::unique_ptr<SampleSource>(
      new ArrayRows(std::move(arrays), std::move(labels), options, models, as_images));
}

}  // namespace

Result<std::unique_ptr<SampleSource>> OpenSamples(const SampleOptions& options,
                                                  std::span<const Model* const> models) {
  if (options.list.empty() == options.inputs.empty()) {
    return Status::InvalidArgument("give images with --list, or arrays with --input, and not both");
  }
  const Models all(models.begin(), models.end());
  if (!options.inputs.empty()) return OpenArrays(options, all);
  QRUN_RETURN_IF_ERROR(RequirePreprocessing(all));
  QRUN_ASSIGN_OR_RETURN(converter::LabelList list, converter::ReadLabelList(options.list, options.root));
  if (options.ignore_labels) {
    for (converter::LabelledFile& file : list.files) file.label = -1;
    list.labelled = false;
  }
  return std::unique_ptr<SampleSource>(new ImageList(std::move(list), options.list, options.root, all));
}

Status SetSample(Session& session, const Model& model, const Sample& sample, size_t which) {
  if (!sample.images.empty()) return cli::SetFittedImage(session, model, sample.images[which]);
  for (size_t i = 0; i < sample.arrays.size(); ++i) {
    QRUN_RETURN_IF_ERROR(cli::SetArray(session, static_cast<int>(i), sample.arrays[i]));
  }
  return Status::Ok();
}

}  // namespace qrun::bench
