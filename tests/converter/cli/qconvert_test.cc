// qconvert as a user runs it: exit codes, messages, files.
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <png.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "converter/html/page.h"
#include "converter/sha256.h"
#include "kernels/dispatch.h"
#include "runtime/model_impl.h"
#include "runtime/qrun.h"
#include "tests/converter/temp_folder.h"

namespace qrun::converter {
namespace {

using Strings = std::vector<std::string>;

std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// Builds ONNX files node by node.
class OnnxFile {
 public:
  OnnxFile() {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(13);
    model_.set_producer_name("test");
    graph().set_name("graph");
  }
  void Input(const std::string& name, const std::vector<int64_t>& shape) {
    Describe(*graph().add_input(), name, shape);
  }
  void Output(const std::string& name, const std::vector<int64_t>& shape) {
    Describe(*graph().add_output(), name, shape);
  }
  // Weights that differ from one another and have a standard deviation that suits `fan_in`.
  void Weights(const std::string& name, const std::vector<int64_t>& shape, double fan_in) {
    auto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    int64_t count = 1;
    for (int64_t extent : shape) {
      tensor.add_dims(extent);
      count *= extent;
    }
    for (int64_t i = 0; i < count; ++i) {
      tensor.add_float_data(
          static_cast<float>(std::sin(1.7 * static_cast<double>(i) + 0.3) / std::sqrt(fan_in)));
    }
  }
  onnx::NodeProto& Node(const std::string& type, const Strings& inputs, const std::string& output) {
    auto& node = *graph().add_node();
    node.set_op_type(type);
    node.set_name(output + "_" + type);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(output);
    return node;
  }
  static void Ints(onnx::NodeProto& node, const std::string& name, const std::vector<int64_t>& values) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INTS);
    for (int64_t value : values) attribute.add_ints(value);
  }
  std::string Save(const TempFolder& folder, const std::string& name) const {
    return folder.Write(name, model_.SerializeAsString());
  }

 private:
  onnx::GraphProto& graph() { return *model_.mutable_graph(); }
  static void Describe(onnx::ValueInfoProto& value, const std::string& name,
                       const std::vector<int64_t>& shape) {
    value.set_name(name);
    auto& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    for (int64_t extent : shape) type.mutable_shape()->add_dim()->set_dim_value(extent);
  }
  onnx::ModelProto model_;
};

// conv 3x3 -> relu -> global average -> fully connected: [1,3,8,8] -> [1,5].
OnnxFile Classifier() {
  OnnxFile file;
  file.Input("image", {1, 3, 8, 8});
  file.Output("scores", {1, 5});
  file.Weights("w0", {4, 3, 3, 3}, 27);
  file.Weights("b0", {4}, 1);
  file.Weights("w1", {5, 4}, 4);
  file.Weights("b1", {5}, 1);
  OnnxFile::Ints(file.Node("Conv", {"image", "w0", "b0"}, "conv"), "pads", {1, 1, 1, 1});
  file.Node("Relu", {"conv"}, "relu");
  file.Node("GlobalAveragePool", {"relu"}, "pooled");
  file.Node("Flatten", {"pooled"}, "flat");
  auto& gemm = file.Node("Gemm", {"flat", "w1", "b1"}, "scores");
  auto& transpose = *gemm.add_attribute();
  transpose.set_name("transB");
  transpose.set_type(onnx::AttributeProto::INT);
  transpose.set_i(1);
  return file;
}

// A 12x10 picture; different seeds give different ones.
void WritePng(const std::string& path, int seed) {
  std::vector<uint8_t> pixels(12 * 10 * 3);
  for (size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<uint8_t>(i * static_cast<size_t>(seed * 2 + 1) * 37 >> 3);
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = 12;
  image.height = 10;
  image.format = PNG_FORMAT_RGB;
  ASSERT_NE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr), 0) << image.message;
}

struct Outcome {
  int code = -1;
  std::string out, err;
};

class QconvertTest : public testing::Test {
 protected:
  QconvertTest() : model_(Classifier().Save(folder_, "classifier.onnx")), output_(folder_.File("out.qfb")) {
    std::filesystem::create_directory(folder_.File("photos"));
    for (int i = 0; i < 6; ++i) WritePng(folder_.File("photos/" + std::to_string(i) + ".png"), i);
  }

  Outcome Run(const Strings& arguments) const {
    std::string command = "'" QRUN_BINARY_DIR "/bin/qconvert'";
    for (const std::string& argument : arguments) command += " '" + argument + "'";
    const std::string out = folder_.File(".stdout"), err = folder_.File(".stderr");
    command += " >'" + out + "' 2>'" + err + "'";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadText(out), ReadText(err)};
  }
  // The usual conversion with further arguments.
  Outcome Convert(const Strings& more = {}) const {
    Strings arguments = {model_,         "-o",   output_, "--calibrate", folder_.File("photos"),
                         "--preprocess", "torch"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }
  // Fails with `code`, says every one of `words` on stderr, prints nothing else and leaves no file.
  void ExpectFailure(const Outcome& outcome, int code, const Strings& words) const {
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.starts_with("qconvert: error: ")) << outcome.err;
    for (const std::string& word : words)
      EXPECT_NE(outcome.err.find(word), std::string::npos) << word << " in " << outcome.err;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      EXPECT_FALSE(entry.path().filename().string().starts_with("out.qfb")) << entry.path();
    }
  }

  const TempFolder folder_;
  const std::string model_, output_;
};

TEST_F(QconvertTest, ConvertsToInt8) {
  const std::string labels = folder_.Write("labels.txt", "a\nb\nc\nd\ne\n");
  const Outcome outcome = Convert({"--labels", labels});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_NE(outcome.out.find("6 samples used, 0 failed"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("SQNR"), std::string::npos);

  const auto model = Model::Open(output_);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->name(), "classifier");
  EXPECT_EQ(model->labels(), (Strings{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(model->inputs()[0].dtype, DType::kInt8);
  EXPECT_EQ(model->inputs()[0].extents, (std::vector<int>{1, 8, 8, 3}));
  EXPECT_TRUE(model->inputs()[0].source_is_nchw);
  EXPECT_EQ(model->outputs()[0].dtype, DType::kInt8);
  ASSERT_NE(model->preprocessing(), nullptr);
  EXPECT_EQ(model->preprocessing()->resize, 9);
  EXPECT_EQ(model->preprocessing()->preset, "torch");
}

TEST_F(QconvertTest, WritesTheSummaryAsJson) {
  const Outcome outcome = Convert({"--json", "-", "--mean", "0.5,0.25,0.75", "--no-fold-preprocessing"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["dtype"], "int8");
  const std::string source = ReadText(model_);
  EXPECT_EQ(json["source"]["sha256"], Sha256Hex(std::as_bytes(std::span(source))));
  EXPECT_EQ(json["output"]["bytes"], std::filesystem::file_size(output_));
  EXPECT_EQ(json["calibration"]["samples_used"], 6);
  ASSERT_EQ(json["repairs"].size(), 4u);  // min-max, equalise, observer, bias correction
  EXPECT_EQ(json["repairs"][0]["name"], "min-max");
  EXPECT_EQ(json["repairs"][3]["sqnr_db"], json["check"]["outputs"][0]["sqnr_db"]);
  EXPECT_EQ(json["preprocessing"]["mean"], (std::vector<float>{0.5f, 0.25f, 0.75f}));
  EXPECT_EQ(json["quantization"]["kept_float"].size(), 0u);
  EXPECT_EQ(json["parameters"], 4 * 27 + 4 + 20 + 5);
  EXPECT_EQ(json["macs"], 64 * 4 * 27 + 20);
  EXPECT_EQ(json["check"]["samples"], 6);
  EXPECT_GT(json["check"]["outputs"][0]["sqnr_db"], 25.0);
  EXPECT_GT(json["check"]["outputs"][0]["cosine"], 0.998);
  ASSERT_TRUE(json["findings"].is_array());
  EXPECT_TRUE(json["input_fit"].is_null());  // there is no BatchNorm
  const auto& conv = json["layers"]["rows"][1];
  EXPECT_EQ(conv["op"], "Conv2D");
  EXPECT_GT(conv["local_sqnr_db"], 20);
  EXPECT_EQ(conv["saturation"]["channels"], 4);
  EXPECT_TRUE(conv["saturation"]["accumulator_safe"]);
  EXPECT_GE(conv["clip"]["range_use"], 0.9);
  EXPECT_LE(conv["clip"]["range_use"], 1.01);

  const std::string file = folder_.File("summary.json");
  const Outcome quiet = Convert({"--json", file, "--quiet"});
  EXPECT_EQ(quiet.code, 0);
  EXPECT_EQ(quiet.out + quiet.err, "");
  EXPECT_EQ(nlohmann::json::parse(ReadText(file))["dtype"], "int8");
}

TEST_F(QconvertTest, GivesTheSameBytesEveryTime) {
  std::string first;
  for (const char* threads : {"1", "1", "2", "7"}) {
    ASSERT_EQ(Convert({"--threads", threads}).code, 0);
    const std::string bytes = ReadText(output_);
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << threads << " threads";
  }
  ASSERT_EQ(Convert({"--limit", "2"}).code, 0);
  EXPECT_FALSE(ReadText(output_) == first);
}

TEST_F(QconvertTest, EveryRepairHasASwitchAndARecord) {
  struct Case {
    Strings options, steps;
  };
  const Case cases[] = {
      {{}, {"min-max", "equalise", "observer", "bias correction"}},
      {{"--no-equalize"}, {"min-max", "observer", "bias correction"}},
      {{"--no-bias-correction"}, {"min-max", "equalise", "observer"}},
      {{"--observer", "minmax"}, {"min-max", "equalise", "bias correction"}},
      {{"--observer", "minmax", "--no-equalize", "--no-bias-correction"}, {"min-max"}},
      {{"--weight-scale", "mse", "--weights", "per-tensor"},
       {"min-max", "equalise", "observer", "weight scales", "bias correction"}},
      {{"--learn-rounding", "layers", "--learn-steps", "5"},
       {"min-max", "equalise", "observer", "learned rounding"}},
      {{"--activations", "symmetric"}, {"min-max", "equalise", "observer", "bias correction"}},
      {{"--observer", "entropy", "--no-equalize", "--no-bias-correction"}, {"min-max", "observer"}},
  };
  std::set<std::string> files;
  for (const Case& c : cases) {
    Strings arguments = c.options;
    arguments.insert(arguments.end(), {"--json", "-"});
    const Outcome outcome = Convert(arguments);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    Strings steps, recipe;
    for (const auto& step : json["repairs"]) {
      steps.push_back(step["name"]);
      recipe.push_back(std::string(step["name"]) + ": " + std::string(step["what"]));
    }
    EXPECT_EQ(steps, c.steps);
    const auto model = Model::Open(output_);
    ASSERT_TRUE(model.ok());
    const fb::Provenance& provenance = *model->impl().file->provenance();
    ASSERT_NE(provenance.calibration_sha256(), nullptr);
    EXPECT_EQ(provenance.calibration_sha256()->size(), 64u);
    ASSERT_NE(provenance.recipe(), nullptr);
    Strings stored;
    for (const auto* step : *provenance.recipe()) stored.push_back(step->str());
    EXPECT_EQ(stored, recipe);
    files.insert(ReadText(output_));
  }
  EXPECT_EQ(files.size(), std::size(cases));
}

TEST_F(QconvertTest, ConvertsWithoutDataAndWarns) {
  const Strings arguments = {model_, "-o", output_, "--data-free", "--preprocess", "torch"};
  const Outcome outcome = Run(arguments);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("no sample was seen and no accuracy was measured"), std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("2 operators have none"), std::string::npos);  // there is no BatchNorm
  EXPECT_NE(outcome.out.find("not measured"), std::string::npos);
  EXPECT_EQ(outcome.out.find("nan"), std::string::npos);
  const auto model = Model::Open(output_);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->inputs()[0].dtype, DType::kInt8);
  ASSERT_NE(model->preprocessing(), nullptr);

  Strings with_json = arguments;
  with_json.insert(with_json.end(), {"--json", "-"});
  const auto json = nlohmann::json::parse(Run(with_json).out);
  EXPECT_TRUE(json["repairs"][0]["sqnr_db"].is_null());
  EXPECT_TRUE(json["calibration"].is_null());
  EXPECT_TRUE(json["layers"].is_null());
  EXPECT_EQ(json["check"]["samples"], 0);
  std::filesystem::remove(output_);
  ExpectFailure(Convert({"--data-free"}), 2, {"leave out --calibrate"});
  Strings learnt = arguments;
  learnt.insert(learnt.end(), {"--learn-rounding", "layers"});
  ExpectFailure(Run(learnt), 2, {"has no samples", "--learn-rounding"});
  Strings observed = arguments;
  observed.insert(observed.end(), {"--observer", "auto"});
  ExpectFailure(Run(observed), 2, {"has no samples", "--observer"});
}

TEST_F(QconvertTest, GivesTheSameBytesOnEveryIsa) {
  std::string first;
  for (const kernels::KernelTable* table : kernels::CompiledTables()) {
    if (!kernels::CanRun(*table)) continue;
    ASSERT_EQ(setenv("QRUN_ISA", table->isa, 1), 0);
    const Outcome outcome = Convert({});
    unsetenv("QRUN_ISA");
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const std::string bytes = ReadText(output_);
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << table->isa;
  }
}

TEST_F(QconvertTest, ConvertsToFloatWithoutCalibration) {
  const Outcome outcome = Run({model_, "-o", output_, "--dtype", "fp32"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto model = Model::Open(output_);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->inputs()[0].dtype, DType::kFloat32);
  EXPECT_EQ(model->preprocessing(), nullptr);
  EXPECT_NE(outcome.out.find("no preprocessing stored"), std::string::npos);
}

TEST_F(QconvertTest, KeepsNamedNodesFloat) {
  const Outcome outcome = Convert({"--keep-float", "^scores"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("asked for by --keep-float"), std::string::npos) << outcome.out;
  const auto model = Model::Open(output_);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->outputs()[0].dtype, DType::kFloat32);
}

TEST_F(QconvertTest, SkipsBrokenImagesByName) {
  folder_.Write("photos/broken.png", "not a picture");
  const Outcome outcome = Convert();
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.err.find("warning: skipped"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("photos/broken.png"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("6 samples used, 1 failed"), std::string::npos) << outcome.out;
}

TEST_F(QconvertTest, SaysWhichPreprocessingItAssumed) {
  const Outcome outcome = Run({model_, "-o", output_, "--calibrate", folder_.File("photos")});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.err.find("no --preprocess given"), std::string::npos) << outcome.err;
}

TEST_F(QconvertTest, ListsEveryNodeItCannotConvert) {
  OnnxFile file = Classifier();
  file.Node("Hardmax", {"scores"}, "first");
  file.Node("Einsum", {"first"}, "second");
  const std::string path = file.Save(folder_, "odd.onnx");
  ExpectFailure(Run({path, "-o", output_, "--dtype", "fp32"}), 1,
                {"odd.onnx", "first_Hardmax", "second_Einsum"});
}

TEST_F(QconvertTest, RefusesFilesThatAreNotOnnx) {
  const std::string text = folder_.Write("notes.onnx", "Dear diary, today I trained a network.\n");
  ExpectFailure(Run({text, "-o", output_, "--dtype", "fp32"}), 1, {"notes.onnx"});
  ExpectFailure(Run({folder_.File("absent.onnx"), "-o", output_, "--dtype", "fp32"}), 1,
                {"absent.onnx", "No such file"});
  const std::string whole = ReadText(model_);
  const std::string cut = folder_.Write("cut.onnx", whole.substr(0, whole.size() / 2));
  ExpectFailure(Run({cut, "-o", output_, "--dtype", "fp32"}), 1, {"cut.onnx"});
}

TEST_F(QconvertTest, AsksForCalibrationData) {
  ExpectFailure(Run({model_, "-o", output_}), 2, {"--calibrate", "--dtype fp32"});
  std::filesystem::create_directory(folder_.File("empty"));
  ExpectFailure(Run({model_, "-o", output_, "--calibrate", folder_.File("empty")}), 1,
                {"empty", "holds no PNG"});
  ExpectFailure(Run({model_, "-o", output_, "--calibrate", folder_.File("nowhere")}), 1, {"nowhere"});
  folder_.Write("bad/1.png", "x");
  ExpectFailure(Run({model_, "-o", output_, "--calibrate", folder_.File("bad"), "--preprocess", "tf"}), 1,
                {"none of the 1 calibration samples is usable", "bad/1.png"});
}

TEST_F(QconvertTest, ChecksTheNumberOfLabels) {
  const std::string labels = folder_.Write("labels.txt", "a\nb\n");
  ExpectFailure(Convert({"--labels", labels}), 1, {"labels.txt", "2 labels", "5 elements"});
}

TEST_F(QconvertTest, ReportsAnUnwritableOutput) {
  const Outcome folder = Run({model_, "-o", folder_.path(), "--dtype", "fp32"});
  ExpectFailure(folder, 1, {folder_.path()});
  ExpectFailure(Run({model_, "-o", folder_.File("no/such/out.qfb"), "--dtype", "fp32"}), 1,
                {"no/such", "there is no folder"});
  ExpectFailure(Run({model_, "-o", model_, "--dtype", "fp32"}), 2, {"is the source itself"});
}

// Nothing is converted for a result that could not be written.
TEST_F(QconvertTest, ChecksEveryResultBeforeItBegins) {
  for (const char* option : {"--json", "--report"}) {
    ExpectFailure(Convert({option, folder_.File("no/such/result")}), 1, {"no/such", "there is no folder"});
    ExpectFailure(Convert({option, folder_.path()}), 1, {"is a folder"});
    ExpectFailure(Convert({option, "/dev/full"}), 1, {"/dev/full", "not a regular file"});
    ExpectFailure(Convert({option, output_}), 2, {"one file", "out.qfb"});
  }
  ExpectFailure(Convert({"--report", "-"}), 2, {"--report wants a file"});
  const std::string both = folder_.File("both");
  ExpectFailure(Convert({"--json", both, "--report", folder_.File("photos/../both")}), 2, {"one file"});
  EXPECT_FALSE(std::filesystem::exists(both));
}

TEST_F(QconvertTest, DescribesEveryLayer) {
  const Outcome outcome = Convert({"--json", "-", "--keep-float", "^scores"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["tool"], "qconvert");
  EXPECT_EQ(json["version"], Version());
  EXPECT_EQ(json["options"],
            "--dtype int8 --observer auto --weights per-channel --weight-scale max --preprocess torch "
            "--keep-float ^scores");
  const std::string file = ReadText(output_);
  EXPECT_EQ(json["output"]["sha256"], Sha256Hex(std::as_bytes(std::span(file))));
  EXPECT_GT(json["output"]["float32_bytes"], 4 * json["parameters"].get<int64_t>());

  ASSERT_EQ(json["layers"]["samples"], 6);
  const auto& rows = json["layers"]["rows"];
  ASSERT_GE(rows.size(), 4u);
  EXPECT_EQ(rows[0]["op"], "Input");
  int64_t macs = 0, parameters = 0;
  for (const auto& row : rows) {
    macs += row["macs"].get<int64_t>();
    parameters += row["parameters"].get<int64_t>();
    const bool int8 = row["dtype"] == "int8";
    EXPECT_EQ(row["clip"].is_null(), !int8) << row["name"];
    EXPECT_GT(row["sqnr_db"], 15.0) << row["name"];
    EXPECT_GT(row["cosine"], 0.98) << row["name"];
    const auto& spread = row["activations"];
    ASSERT_EQ(spread["edges"].size(), spread["counts"].size() + 1);
    uint64_t values = 0;
    for (const auto& count : spread["counts"]) values += count.get<uint64_t>();
    EXPECT_EQ(values, spread["values"]);
    int64_t elements = 6;
    for (const auto& extent : row["shape"]) elements *= extent.get<int64_t>();
    EXPECT_EQ(values, elements) << row["name"];
    EXPECT_LE(spread["edges"].front(), spread["min"]);
    EXPECT_GE(spread["edges"].back(), spread["max"]);
    // All samples were calibrated on, with the smallest and largest value as the range.
    if (int8) {
      EXPECT_EQ(row["clip"]["clipped"], 0) << row["name"];
    }
  }
  // The last layer is the output, and its error the model's.
  // Rows compare with the repaired float model, the check with the one that came: they differ by rounding.
  EXPECT_NEAR(double{rows.back()["sqnr_db"]}, double{json["check"]["outputs"][0]["sqnr_db"]}, 0.01);
  EXPECT_NEAR(double{rows.back()["cosine"]}, double{json["check"]["outputs"][0]["cosine"]}, 1e-9);
  EXPECT_EQ(macs, json["macs"]);
  EXPECT_EQ(parameters, json["parameters"]);

  const auto& weights = rows[1]["weights"];
  EXPECT_EQ(rows[1]["op"], "Conv2D");
  ASSERT_EQ(weights["channel_limit"].size(), 4u);
  double smallest = 1e9;
  for (size_t c = 0; c < 4; ++c) {
    smallest = std::min(smallest, weights["channel_min"][c].get<double>());
    EXPECT_LE(weights["channel_min"][c], weights["channel_max"][c]);
    EXPECT_GE(weights["channel_limit"][c].get<double>() * 1.0001, -weights["channel_min"][c].get<double>());
    EXPECT_GE(weights["channel_limit"][c].get<double>() * 1.0001, weights["channel_max"][c].get<double>());
  }
  EXPECT_EQ(weights["histogram"]["min"], smallest);
  EXPECT_EQ(weights["histogram"]["values"], 4 * 27);
  EXPECT_EQ(rows.back()["dtype"], "float32");
  EXPECT_TRUE(rows.back()["weights"].is_null());

  for (const char* type : {"float32", "int8"}) {
    const auto& plan = json["plans"][type];
    uint64_t most = 0;
    for (const auto& step : plan["steps"]) most = std::max(most, step["live_bytes"].get<uint64_t>());
    EXPECT_GT(most, 0u);
    EXPECT_LE(most, plan["arena_bytes"]);
  }
}

TEST_F(QconvertTest, ReportsTheFloatModelAlone) {
  const Outcome outcome = Run({model_, "-o", output_, "--dtype", "fp32", "--json", "-"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_TRUE(json["layers"].is_null());
  EXPECT_TRUE(json["plans"]["int8"].is_null());
  EXPECT_TRUE(json["output"]["float32_bytes"].is_null());
  EXPECT_FALSE(json["plans"]["float32"]["steps"].empty());
}

TEST_F(QconvertTest, WritesTheReport) {
  const std::string report = folder_.File("report.html"), summary = folder_.File("summary.json");
  const Outcome outcome = Convert({"--report", report, "--json", summary});
  if (!html::CheckAvailable().ok()) {
    ExpectFailure(outcome, 1, {"libjs-chart.js"});
    GTEST_SKIP() << "this build has no Chart.js (package libjs-chart.js)";
  }
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string page = ReadText(report), begin = "id=\"data\">";
  const size_t from = page.find(begin) + begin.size();
  EXPECT_EQ(nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from)),
            nlohmann::json::parse(ReadText(summary)));
}

TEST_F(QconvertTest, LeavesAnExistingFileAloneWhenItFails) {
  folder_.Write("kept.qfb", "precious");
  const Outcome outcome =
      Run({model_, "-o", folder_.File("kept.qfb"), "--calibrate", folder_.File("nowhere")});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(ReadText(folder_.File("kept.qfb")), "precious");
}

TEST_F(QconvertTest, RefusesWrongArguments) {
  ExpectFailure(Run({}), 2, {"model"});
  ExpectFailure(Run({model_}), 2, {"--output"});
  ExpectFailure(Convert({"--dtype", "int4"}), 2, {"int4"});
  ExpectFailure(Convert({"--threads", "0"}), 2, {"--threads"});
  ExpectFailure(Convert({"--observer", "median"}), 2, {"median", "minmax"});
  ExpectFailure(Convert({"--input-shape", "1,3,x"}), 2, {"--input-shape '1,3,x'"});
  ExpectFailure(Convert({"--unknown"}), 2, {"--unknown"});
  ExpectFailure(Convert({"--crop", "7"}), 1, {"--crop 7", "image"});
  ExpectFailure(Convert({"--mean", "0.5,0.5"}), 1, {"--mean has 2 values"});
  ExpectFailure(Convert({"--std", "0.5,"}), 2, {"--std '0.5,'"});
  ExpectFailure(Convert({"--std", "grey"}), 2, {"--std 'grey'"});
  ExpectFailure(Convert({"--keep-float", "nothing like it"}), 1, {"matches no operator"});
}

TEST_F(QconvertTest, ExplainsItself) {
  const Outcome help = Run({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("--calibrate"), std::string::npos);
  const Outcome version = Run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, std::string(Version()) + "\n");
}

}  // namespace
}  // namespace qrun::converter
