// A trained network whose channels were rescaled, so that float answers as before: the default conversion
// repairs it.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "converter/compare.h"
#include "converter/import/onnx.h"
#include "converter/int8_conversion.h"
#include "converter/passes/passes.h"
#include "converter/preprocessing.h"
#include "converter/repair/linear_view.h"
#include "tests/converter/repair/repair_problem.h"

namespace qrun::converter {
namespace {

constexpr size_t kSamples = 24;
const std::string kFolder = std::string(QRUN_SOURCE_DIR) + "/tests/zoo/rps/";

// Multiplies the channels of every activation between two linear operators by random factors in [1/100, 1],
// and the reader's weights by their inverses. Behind a cap only channels that stay clear of it: the cap would
// move. Returns how many channels were touched.
int Damage(Graph& graph, const Calibration& calibration, unsigned seed) {
  std::mt19937 random(seed);
  std::map<ValueId, std::vector<size_t>> readers;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue) readers[id].push_back(i);
    }
  }
  const auto scale = [&](ValueId id, auto factor) {
    const auto old = Floats(graph.values[id]);
    std::vector<float> elements(old.begin(), old.end());
    factor(elements);
    graph.values[id] = FloatConstant(graph.values[id].name, graph.values[id].shape, elements);
  };
  int touched = 0;
  for (const Node& node : graph.nodes) {
    const auto producer = AsLinear(graph, node);
    if (!producer || readers[producer->dst].size() != 1) continue;
    const auto reader = AsLinear(graph, graph.nodes[readers[producer->dst][0]]);
    if (!reader || reader->src != producer->dst) continue;
    std::vector<float> factor(producer->oc, 1.0f);
    for (size_t c = 0; c < producer->oc; ++c) {
      const bool capped = calibration.channels[producer->dst].Max(c) * 2 > producer->clamp.max();
      if (capped || random() % 2 == 0) continue;
      factor[c] = static_cast<float>(std::pow(0.01, static_cast<double>(random()) * 0x1p-32));
      ++touched;
    }
    scale(producer->wei, [&](std::vector<float>& wei) {
      for (size_t o = 0; o < producer->oc; ++o) {
        for (size_t tap = 0; tap < producer->taps; ++tap) {
          for (size_t i = 0; i < producer->ic_per_group; ++i) wei[producer->Index(o, tap, i)] *= factor[o];
        }
      }
    });
    if (producer->bia != kNoValue) {
      scale(producer->bia, [&](std::vector<float>& bia) {
        for (size_t o = 0; o < producer->oc; ++o) bia[o] *= factor[o];
      });
    }
    scale(reader->wei, [&](std::vector<float>& wei) {
      for (size_t o = 0; o < reader->oc; ++o) {
        for (size_t tap = 0; tap < reader->taps; ++tap) {
          for (size_t i = 0; i < reader->ic_per_group; ++i) {
            wei[reader->Index(o, tap, i)] /= factor[reader->Channel(o, i)];
          }
        }
      }
    });
  }
  return touched;
}

class DamagedModel : public testing::Test {
 protected:
  void SetUp() override {
    auto imported = ImportOnnx(kFolder + "mobilenet_v2_rps.onnx", {}, nullptr);
    ASSERT_TRUE(imported.ok()) << imported.error().message();
    graph_ = std::move(*imported);
    ASSERT_TRUE(RunPasses(graph_, {}, nullptr).ok());
    PreprocessingOptions torch;
    torch.preset = "torch";
    const Value* const inputs[] = {&graph_.values[graph_.inputs[0]]};
    const auto preprocessing = MakePreprocessing(torch, *inputs[0]);
    ASSERT_TRUE(preprocessing.ok());
    auto source = OpenCalibrationSource(kFolder + "calib.csv", inputs, *preprocessing);
    ASSERT_TRUE(source.ok());
    source_ = std::move(*source);
  }

  Int8Conversion Convert(const Graph& graph, bool repair) {
    Int8Options options;
    options.limit = kSamples;
    options.equalize = repair;
    if (!repair) options.observer = "minmax";
    auto converted = ConvertToInt8(graph, *source_, options, [](const char*) {}, {});
    EXPECT_TRUE(converted.ok());
    return std::move(*converted);
  }

  Graph graph_;
  std::unique_ptr<CalibrationSource> source_;
};

TEST_F(DamagedModel, IsRepairedByDefault) {
  const SubsetSource few(*source_, {0, 20, 40, 60, 80, 100});
  Graph damaged = graph_;
  ASSERT_GT(Damage(damaged, CalibrateToy(graph_, few), 7), 1000);
  const auto original_file = EmitModel(graph_, {}), damaged_file = EmitModel(damaged, {});
  const auto original = Model::FromBytes(original_file->bytes),
             rescaled = Model::FromBytes(damaged_file->bytes);
  EXPECT_GT(CompareModels(*original, *rescaled, few, 6)->outputs[0].sqnr_db, 70);  // float answers as before

  const double undamaged = Convert(graph_, true).steps.back().sqnr_db;
  const double repaired = Convert(damaged, true).steps.back().sqnr_db;
  const double unrepaired = Convert(damaged, false).steps.back().sqnr_db;
  std::cout << "SQNR undamaged " << undamaged << " dB, damaged " << unrepaired << " dB, repaired " << repaired
            << " dB\n";
  EXPECT_GT(repaired, undamaged - 1.5);
  EXPECT_LT(unrepaired, repaired - 3);
}

}  // namespace
}  // namespace qrun::converter
