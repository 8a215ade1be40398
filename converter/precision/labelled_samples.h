// Images whose classes are known.
#ifndef QRUN_CONVERTER_PRECISION_LABELLED_SAMPLES_H_
#define QRUN_CONVERTER_PRECISION_LABELLED_SAMPLES_H_

#include <memory>
#include <string>
#include <vector>

#include "converter/calibration_source.h"
#include "schema/qfb_generated.h"
#include "schema/status.h"

namespace qrun::converter {

struct LabelledSamples {
  std::unique_ptr<CalibrationSource> source;
  std::vector<int> classes;  // per sample: index in the model's output
};

// Opens the images of a list (label_list.h); `offset` is added to every class. `classes`: how many the
// model's output has. Errors: those of ReadLabelList; invalid_argument if the list has no classes, or one
// that the output has not.
Result<std::shared_ptr<const LabelledSamples>> OpenLabelledSamples(const std::string& list,
                                                                   const std::string& root, int offset,
                                                                   const fb::PreprocessingT& preprocessing,
                                                                   int64_t classes);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_PRECISION_LABELLED_SAMPLES_H_
