#include "converter/precision/labelled_samples.h"

#include <utility>

#include "converter/image_source.h"
#include "converter/label_list.h"
#include "converter/preprocessing.h"
#include "schema/cat.h"

namespace qrun::converter {

Result<std::shared_ptr<const LabelledSamples>> OpenLabelledSamples(const std::string& list,
                                                                   const std::string& root, int offset,
                                                                   const fb::PreprocessingT& preprocessing,
                                                                   int64_t classes) {
  QRUN_ASSIGN_OR_RETURN(LabelList files, ReadLabelList(list, root));
  if (!files.labelled) {
    return Status::InvalidArgument("'" + list + "' has no classes; expected lines 'filename,class_index'");
  }
  image::PreprocessSpec spec = ToSpec(preprocessing);
  QRUN_RETURN_IF_ERROR(image::ValidateSpec(spec));
  const auto samples = std::make_shared<LabelledSamples>();
  std::vector<std::string> paths;
  for (LabelledFile& file : files.files) {
    const int64_t index = int64_t{file.label} + offset;
    if (index < 0 || index >= classes) {
      return Status::InvalidArgument(Cat("'", list, "' line ", file.line, ": class ", index,
                                         ", but the model has ", classes, " (see --label-offset)"));
    }
    samples->classes.push_back(static_cast<int>(index));
    paths.push_back(std::move(file.path));
  }
  samples->source = std::make_unique<ImageSource>(std::move(paths), std::move(spec));
  return std::shared_ptr<const LabelledSamples>(samples);
}

}  // namespace qrun::converter
