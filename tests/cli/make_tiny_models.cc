// Writes the small models that the tests of the command line tools use: make_tiny_models <folder>.
//
// tiny.qfb: int8, 4x4 images of one colour, classes red, green and blue; its class is the channel with the
// largest mean. plain.qfb: the same network in float32, without labels and preprocessing.
#include <cstdio>
#include <span>
#include <string>

#include "runtime/file.h"
#include "tests/model_builder.h"

namespace {

using qrun::tests::ModelBuilder;

// Average pooling over the whole image, then the scores.
void AddHead(ModelBuilder& b, int mixed, int pooled, int scores) {
  qrun::fb::Pool2DT pool;
  pool.kind = qrun::fb::PoolKind::Average;
  pool.kernel_h = pool.kernel_w = 4;
  b.Op(pool, {mixed}, pooled);
  b.Op(qrun::fb::ReshapeT(), {pooled}, scores);
}

std::vector<std::byte> TinyModel() {
  ModelBuilder b;
  const int src = b.Int8("src", {1, 4, 4, 3}, 0.01f, 0);
  const int wei =
      b.Int8Constant("wei", {3, 1, 1, 3}, {100, 0, 0, 0, 100, 0, 0, 0, 100}, {0.01f, 0.01f, 0.01f}, 0);
  const int mixed = b.Int8("mixed", {1, 4, 4, 3}, 0.01f, 3);
  const int pooled = b.Int8("pooled", {1, 1, 1, 3}, 0.01f, 3);
  const int scores = b.Int8("scores", {1, 3}, 0.01f, 3);
  b.model.tensors[src]->source_layout = qrun::fb::SourceLayout::Nchw;
  b.Op(qrun::fb::Conv2DT(), {src, wei}, mixed);
  AddHead(b, mixed, pooled, scores);
  b.model.labels = {"red", "green", "blue"};
  auto& pre = b.model.preprocessing = std::make_unique<qrun::fb::PreprocessingT>();
  pre->rule = qrun::fb::ResizeRule::Stretch;
  pre->crop_h = pre->crop_w = 4;
  pre->mean = pre->std = {0.5f, 0.5f, 0.5f};
  return b.Finish({src}, {scores});
}

std::vector<std::byte> PlainModel() {
  ModelBuilder b;
  const int src = b.Float("src", {1, 4, 4, 3});
  const int wei = b.FloatConstant("wei", {3, 1, 1, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  const int mixed = b.Float("mixed", {1, 4, 4, 3});
  const int pooled = b.Float("pooled", {1, 1, 1, 3});
  const int scores = b.Float("scores", {1, 3});
  b.model.tensors[src]->source_layout = qrun::fb::SourceLayout::Nchw;
  b.Op(qrun::fb::Conv2DT(), {src, wei}, mixed);
  AddHead(b, mixed, pooled, scores);
  return b.Finish({src}, {scores});
}

bool Write(const std::string& path, const std::vector<std::byte>& bytes) {
  const qrun::Status status = qrun::WriteFile(path, {std::span(bytes)});
  if (!status.ok()) std::fprintf(stderr, "make_tiny_models: error: %s\n", status.message().c_str());
  return status.ok();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_tiny_models <folder>\n");
    return 2;
  }
  const std::string folder = argv[1];
  return Write(folder + "/tiny.qfb", TinyModel()) && Write(folder + "/plain.qfb", PlainModel()) ? 0 : 1;
}
