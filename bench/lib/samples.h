// What models are evaluated on: labelled images, or rows of .npy arrays.
#ifndef QRUN_BENCH_LIB_SAMPLES_H_
#define QRUN_BENCH_LIB_SAMPLES_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/npy.h"
#include "runtime/qrun.h"

namespace qrun::bench {

// One item, made ready for each of the models as far as that goes without a session.
struct Sample {
  std::vector<image::Image> images;  // one per model, decoded, resized and cropped; or
  std::vector<NpyArray> arrays;      // one per model input, with one item
};

// Thread safety: const functions may be called from several threads at once.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual size_t size() const = 0;
  virtual std::string Name(size_t i) const = 0;
  // As the list states it; -1 if there are no labels.
  virtual int Label(size_t i) const = 0;
  // Where Label(i) is stated, for messages.
  virtual std::string LabelPlace(size_t i) const = 0;
  // Errors: the item cannot be used; the message names it.
  virtual Result<Sample> Load(size_t i) const = 0;
  // Names the list: equal for equal lists and options.
  virtual std::string Fingerprint() const = 0;
};

struct SampleOptions {
  std::string list = {};  // CSV of images (converter/label_list.h), with `root`
  std::string root = {};
  std::vector<std::string> inputs = {};  // or .npy files, [N, ...], one per model input
  std::string labels = {};               // with inputs: .npy of N integers; empty: no labels
  bool ignore_labels = false;
};

// Opens what the options name, for all of the models. A uint8 array [N, H, W, 1 or 3] counts as images and is
// preprocessed if the models have preprocessing; other arrays are inputs as cli::SetArray takes them. Errors:
// io; invalid_argument if list and inputs are both or neither given, the arrays do not fit the models, or a
// model says nothing about images where it would have to.
Result<std::unique_ptr<SampleSource>> OpenSamples(const SampleOptions& options,
                                                  std::span<const Model* const> models);

// Writes the sample that was made ready for models[which] into the inputs of a session with batch 1.
Status SetSample(Session& session, const Model& model, const Sample& sample, size_t which);

}  // namespace qrun::bench

#endif  // QRUN_BENCH_LIB_SAMPLES_H_
