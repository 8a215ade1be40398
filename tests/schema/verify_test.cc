// The verifier: a good model passes, and every way of spoiling it gives an error that names the place.
#include "schema/verify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <new>
#include <random>

#include "tests/model_builder.h"

namespace qrun {
namespace {

using tests::ModelBuilder;

// Bytes at an address aligned as the verifier demands.
class Aligned {
 public:
  explicit Aligned(const std::vector<std::byte>& bytes) : size_(bytes.size()) {
    data_ = static_cast<std::byte*>(::operator new (size_ + 1, std::align_val_t{64}));
    std::copy(bytes.begin(), bytes.end(), data_);
  }
  ~Aligned() { ::operator delete (data_, std::align_val_t{64}); }
  std::byte* data() { return data_; }
  std::span<const std::byte> span(size_t size) const { return {data_, size}; }
  std::span<const std::byte> span() const { return {data_, size_}; }

 private:
  std::byte* data_;
  size_t size_;
};

// x [1,4,4,2] -> 3x3 convolution to 3 channels -> maximum pool 2x2 -> reshape -> fully connected to 5.
ModelBuilder Good() {
  ModelBuilder b;
  const int x = b.Int8("x", {1, 4, 4, 2}, 0.5f, 3);
  const int w = b.Int8Constant("w", {3, 3, 3, 2}, std::vector<int8_t>(54, 1), {0.1f, 0.2f, 0.3f}, 0);
  const int bias = b.Int32Constant("b", {3}, {1, 2, 3});
  const int y = b.Int8("y", {1, 4, 4, 3}, 0.25f, -5);
  const int p = b.Int8("p", {1, 2, 2, 3}, 0.25f, -5);
  const int r = b.Int8("r", {1, 12}, 0.25f, -5);
  const int fw = b.Int8Constant("fw", {5, 12}, std::vector<int8_t>(60, -2), {0.1f});
  const int z = b.Int8("z", {1, 5}, 1.0f, 0);
  fb::Conv2DT conv;
  conv.pad_top = conv.pad_left = conv.pad_bottom = conv.pad_right = 1;
  b.Op(conv, {x, w, bias}, y);
  fb::Pool2DT pool;
  pool.kernel_h = pool.kernel_w = pool.stride_h = pool.stride_w = 2;
  b.Op(pool, {y}, p);
  b.Op(fb::ReshapeT(), {p}, r);
  b.Op(fb::FullyConnectedT(), {r, fw, -1}, z);
  b.model.inputs = {x};
  b.model.outputs = {z};
  return b;
}

Status Verify(ModelBuilder& b) {
  const Aligned bytes(b.Finish());
  auto model = VerifyModel(bytes.span());
  return model.ok() ? Status::Ok() : model.error();
}

TEST(Verify, AcceptsAGoodModel) {
  ModelBuilder b = Good();
  const Status status = Verify(b);
  EXPECT_TRUE(status.ok()) << status.message();
}

struct Spoil {
  const char* name;
  std::function<void(fb::ModelT&)> change;
  const char* message;  // a part of the expected text
};

class VerifySpoiled : public testing::TestWithParam<Spoil> {};

TEST_P(VerifySpoiled, IsRefusedWithAReason) {
  ModelBuilder b = Good();
  GetParam().change(b.model);
  const Status status = Verify(b);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos) << status.message();
}

fb::Conv2DT& Conv(fb::ModelT& m) { return *m.operators[0]->options.AsConv2D(); }
fb::Pool2DT& Pool(fb::ModelT& m) { return *m.operators[1]->options.AsPool2D(); }

const Spoil kSpoils[] = {
    {"NewerVersion", [](auto& m) { m.version = 2; }, "newer"},
    {"NoOutputs", [](auto& m) { m.outputs.clear(); }, "outputs are missing"},
    {"OutputNeverWritten", [](auto& m) { m.outputs = {99}; }, "never written"},
    {"InputTwice",
     [](auto& m) {
       m.inputs = {0, 0};
     },
     "listed twice"},
    {"InputMissing", [](auto& m) { m.inputs = {-1}; }, "does not exist"},
    {"BufferZeroFilled", [](auto& m) { m.buffers[0]->data = {1}; }, "buffer 0"},
    {"BufferIndex", [](auto& m) { m.tensors[1]->buffer = 77; }, "buffer 77"},
    {"BufferShort", [](auto& m) { m.buffers[1]->data.pop_back(); }, "needs 54"},
    {"RankZero", [](auto& m) { m.tensors[3]->shape.clear(); }, "rank"},
    {"RankSeven", [](auto& m) { m.tensors[3]->shape.assign(7, 1); }, "rank"},
    {"NegativeExtent", [](auto& m) { m.tensors[3]->shape[1] = -4; }, "extent -4"},
    {"HugeExtent",
     [](auto& m) {
       m.tensors[3]->shape = {1, 2147483647, 2147483647, 3};
     },
     "elements"},
    {"BatchInFile", [](auto& m) { m.tensors[0]->shape[0] = 2; }, "batch extent 2"},
    {"ElementType", [](auto& m) { m.tensors[3]->dtype = static_cast<fb::DType>(9); }, "element type"},
    {"NoScale", [](auto& m) { m.tensors[3]->quantization.reset(); }, "without a scale"},
    {"ZeroScale", [](auto& m) { m.tensors[3]->quantization->scale = {0}; }, "scale 0"},
    {"NegativeScale", [](auto& m) { m.tensors[3]->quantization->scale = {-1}; }, "scale -1"},
    {"NanScale", [](auto& m) { m.tensors[3]->quantization->scale = {NAN}; }, "scale nan"},
    {"InfiniteScale", [](auto& m) { m.tensors[3]->quantization->scale = {INFINITY}; }, "scale inf"},
    {"ChannelScaleCount",
     [](auto& m) {
       m.tensors[3]->channel_scale = {1, 2};
     },
     "2 channel scales"},
    {"ChannelScaleZero",
     [](auto& m) {
       m.tensors[3]->channel_scale = {1, 0, 2};
     },
     "channel scale 0"},
    {"ChannelOffsetAlone",
     [](auto& m) {
       m.tensors[0]->channel_offset = {1, 2};
     },
     "as many channel scales"},
    {"ChannelOffsetCount",
     [](auto& m) {
       m.tensors[0]->channel_scale = {1, 2};
       m.tensors[0]->channel_offset = {1};
     },
     "as many channel scales"},
    {"ChannelOffsetInfinite",
     [](auto& m) {
       m.tensors[0]->channel_scale = {1, 2};
       m.tensors[0]->channel_offset = {1, INFINITY};
     },
     "channel offset inf"},
    {"ChannelOffsetInside",
     [](auto& m) {
       m.tensors[3]->channel_scale = {1, 2, 3};
       m.tensors[3]->channel_offset = {1, 2, 3};
     },
     "for int8 model inputs"},
    {"PadValueCount", [](auto& m) { Conv(m).pad_values = {1}; }, "1 padding values for 2 input channels"},
    {"PadValueNan",
     [](auto& m) {
       Conv(m).pad_values = {1, NAN};
     },
     "padding value nan"},
    {"PadValueInGaps",
     [](auto& m) {
       Conv(m).pad_values = {1, 2};
       Conv(m).input_dilation_h = 2;
       Conv(m).pad_top = -2;
       Conv(m).pad_bottom = 1;
     },
     "do not go with input dilation"},
    {"ZeroPointRange", [](auto& m) { m.tensors[3]->quantization->zero_point = {128}; }, "zero point 128"},
    {"ActivationPerChannel",
     [](auto& m) {
       m.tensors[3]->quantization->scale = {1, 1, 1};
       m.tensors[3]->quantization->axis = 3;
     },
     "one scale"},
    {"WeightScaleCount",
     [](auto& m) {
       m.tensors[1]->quantization->scale = {1, 1};
     },
     "2 scales"},
    {"WeightZeroPoint",
     [](auto& m) {
       m.tensors[1]->quantization->zero_point = {0, 1, 0};
     },
     "zero point 1"},
    {"ReadBeforeWrite", [](auto& m) { std::swap(m.operators[0], m.operators[1]); }, "before it is written"},
    {"WrittenTwice", [](auto& m) { m.operators[1]->outputs = {3}; }, "second time"},
    {"WritesConstant", [](auto& m) { m.operators[1]->outputs = {1}; }, "second time"},
    {"InputIndex", [](auto& m) { m.operators[1]->inputs = {1000}; }, "does not exist"},
    {"NoInputs", [](auto& m) { m.operators[1]->inputs.clear(); }, "lacks"},
    {"TwoOutputs", [](auto& m) { m.operators[1]->outputs.push_back(4); }, "second time"},
    {"StrideZero", [](auto& m) { Conv(m).stride_h = 0; }, "stride is 0"},
    {"Padding", [](auto& m) { Conv(m).pad_top = 1 << 30; }, "padding"},
    {"DilatedExtent",
     [](auto& m) {
       m.tensors[0]->shape = {1, 1 << 20, 1, 2};
       Conv(m).input_dilation_h = 4096;
     },
     "dilated and padded extent"},
    {"OutputHeight", [](auto& m) { Conv(m).pad_top = 0; }, "output height is 4"},
    {"Groups", [](auto& m) { Conv(m).groups = 2; }, "groups"},
    {"GroupsNegative", [](auto& m) { Conv(m).groups = -1; }, "groups is -1"},
    {"Clamp", [](auto& m) { Conv(m).clamp = std::make_unique<fb::Clamp>(2.0f, 1.0f); }, "clamp"},
    {"BiasType", [](auto& m) { m.tensors[2]->dtype = fb::DType::Float32; }, "bias is Float32"},
    {"BiasShape", [](auto& m) { m.operators[0]->inputs[2] = 1; }, "bias"},
    {"WeightsNotConstant", [](auto& m) { m.operators[3]->inputs[1] = 5; }, "do not fit"},
    {"Accumulator",
     [](auto& m) {
       const int32_t huge = 2147483647;
       std::memcpy(m.buffers[2]->data.data() + 4, &huge, 4);
     },
     "channel 1 can overflow"},
    {"RequantScale",
     [](auto& m) {
       m.tensors[0]->quantization->scale = {1e30f};
       m.tensors[3]->quantization->scale = {1e-30f};
       m.tensors[4]->quantization->scale = {1e-30f};
       m.tensors[5]->quantization->scale = {1e-30f};
     },
     "requantisation scale"},
    {"PoolKernel", [](auto& m) { Pool(m).kernel_h = 0; }, "kernel is 0"},
    {"PoolPadding", [](auto& m) { Pool(m).pad_left = 2; }, "padding is 2"},
    {"PoolQuantisation", [](auto& m) { m.tensors[4]->quantization->scale = {0.5f}; },
     "keep the quantisation"},
    {"ResizeExtent",
     [](auto& m) {
       m.tensors[4]->shape = {1, 65537, 2, 3};
       m.operators[1]->options.Set(fb::Resize2DT());
     },
     "output height is 65537"},
    {"ReshapeElements",
     [](auto& m) {
       m.tensors[5]->shape = {1, 11};
     },
     "numbers of elements"},
    {"FullyConnected",
     [](auto& m) {
       m.tensors[7]->shape = {1, 6};
     },
     "do not fit"},
    {"NoOptions", [](auto& m) { m.operators[2]->options.Reset(); }, "lacks"},
    {"Preprocessing",
     [](auto& m) {
       m.preprocessing = std::make_unique<fb::PreprocessingT>();
       m.preprocessing->crop_h = 3;
     },
     "preprocessing"},
};

void PrintTo(const Spoil& spoil, std::ostream* out) { *out << spoil.name; }

INSTANTIATE_TEST_SUITE_P(All, VerifySpoiled, testing::ValuesIn(kSpoils),
                         [](const auto& info) { return std::string(info.param.name); });

// Expand, table, depthwise, table, project, add: inputs 7 and 8 of the operator are the tables; tensors from
// 0 on are x, e, ef, d, df, p, y.
ModelBuilder BlockWithTables() {
  ModelBuilder b;
  const int x = b.Int8("x", {1, 4, 4, 2}, 0.5f, 3), e = b.Int8("e", {1, 4, 4, 3}, 0.5f, 0),
            ef = b.Int8("ef", {1, 4, 4, 3}, 0.5f, 0), d = b.Int8("d", {1, 4, 4, 3}, 0.5f, 0),
            df = b.Int8("df", {1, 4, 4, 3}, 0.5f, 0), p = b.Int8("p", {1, 4, 4, 2}, 0.5f, 0),
            y = b.Int8("y", {1, 4, 4, 2}, 0.5f, 0);
  const int table = b.Int8Constant("table", {256}, std::vector<int8_t>(256, 1), {0.5f});
  fb::InvertedResidualT block;
  block.expand = std::make_unique<fb::Conv2DT>();
  block.depthwise = std::make_unique<fb::DepthwiseConv2DT>();
  block.depthwise->pad_top = block.depthwise->pad_left = 1;
  block.depthwise->pad_bottom = block.depthwise->pad_right = 1;
  block.project = std::make_unique<fb::Conv2DT>();
  block.residual = true;
  block.expanded = e;
  block.filtered = d;
  block.projected = p;
  block.expand_function = std::make_unique<fb::PartFunctionT>();
  block.expand_function->result = ef;
  block.depthwise_function = std::make_unique<fb::PartFunctionT>();
  block.depthwise_function->result = df;
  b.Op(std::move(block),
       {x, b.Int8Constant("we", {3, 1, 1, 2}, std::vector<int8_t>(6, 1), {0.1f}), -1,
        b.Int8Constant("wd", {3, 3, 3}, std::vector<int8_t>(27, 1), {0.1f}), -1,
        b.Int8Constant("wp", {2, 1, 1, 3}, std::vector<int8_t>(6, 1), {0.1f}), -1, table, table},
       y);
  b.model.inputs = {x};
  b.model.outputs = {y};
  return b;
}

fb::OperatorT& BlockOp(fb::ModelT& m) { return *m.operators[0]; }
fb::InvertedResidualT& TheBlock(fb::ModelT& m) { return *BlockOp(m).options.AsInvertedResidual(); }

const Spoil kBlockSpoils[] = {
    {"EightInputs", [](auto& m) { BlockOp(m).inputs.pop_back(); }, "has 8 inputs"},
    {"NoExpandTable", [](auto& m) { BlockOp(m).inputs[7] = -1; }, "must be a table, input 7"},
    {"NoTables", [](auto& m) { BlockOp(m).inputs.resize(7); }, "must be a table, input 7"},
    {"TableOfActivations", [](auto& m) { BlockOp(m).inputs[8] = 0; }, "256 Int8"},
    {"TableOfWeights", [](auto& m) { BlockOp(m).inputs[7] = BlockOp(m).inputs[1]; }, "256 Int8"},
    {"TableNotDefined", [](auto& m) { BlockOp(m).inputs[7] = 4; }, "before it is written"},
    {"TableMissing", [](auto& m) { BlockOp(m).inputs[7] = 4000; }, "does not exist"},
    {"ResultMissing", [](auto& m) { TheBlock(m).expand_function->result = -1; }, "names no result"},
    {"ResultIndex", [](auto& m) { TheBlock(m).depthwise_function->result = 4000; }, "does not exist"},
    {"ResultNegative", [](auto& m) { TheBlock(m).depthwise_function->result = -2; }, "does not exist"},
    {"ResultIsStored", [](auto& m) { TheBlock(m).depthwise_function->result = 6; }, "second time"},
    {"ResultIsItsSource", [](auto& m) { TheBlock(m).depthwise_function->result = 3; }, "second time"},
    {"ResultShape", [](auto& m) { m.tensors[2]->shape[3] = 4; }, "shapes differ"},
    {"ResultType", [](auto& m) { m.tensors[4]->dtype = fb::DType::Float32; }, "must be Int8"},
    {"TableWithoutFunction", [](auto& m) { TheBlock(m).depthwise_function.reset(); }, "no function"},
    {"FloatFunction", [](auto& m) { TheBlock(m).expand_function->function = std::make_unique<fb::UnaryT>(); },
     "must be a table"},
    {"FunctionWithoutExpand",
     [](auto& m) {
       TheBlock(m).expand.reset();
       TheBlock(m).expanded = -1;
     },
     "that it does not have"},
};

class VerifySpoiledBlock : public testing::TestWithParam<Spoil> {};

TEST_P(VerifySpoiledBlock, IsRefusedWithAReason) {
  ModelBuilder b = BlockWithTables();
  EXPECT_TRUE(Verify(b).ok()) << Verify(b).message();
  GetParam().change(b.model);
  const Status status = Verify(b);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos) << status.message();
}

INSTANTIATE_TEST_SUITE_P(All, VerifySpoiledBlock, testing::ValuesIn(kBlockSpoils),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Verify, FloatFunctionsOfABlockAreStatedWithoutTables) {
  const auto message = [](const std::function<void(fb::ModelT&)>& change) {
    ModelBuilder b = BlockWithTables();
    for (auto& tensor : b.model.tensors) {
      const bool is_table = tensor->name == "table";
      if (!is_table) {
        tensor->dtype = fb::DType::Float32;
        tensor->quantization.reset();
      }
      if (is_table || tensor->buffer == 0) continue;
      const size_t count = b.model.buffers[tensor->buffer]->data.size();
      b.model.buffers[tensor->buffer]->data.assign(count * sizeof(float), 0);
    }
    BlockOp(b.model).inputs.resize(7);
    for (auto* function :
         {TheBlock(b.model).expand_function.get(), TheBlock(b.model).depthwise_function.get()}) {
      function->function = std::make_unique<fb::UnaryT>();
    }
    change(b.model);
    const Status status = Verify(b);
    return status.ok() ? std::string("accepted") : status.message();
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_EQ(message([](auto&) {}), "accepted");
  EXPECT_TRUE(has(message([](auto& m) { TheBlock(m).expand_function->function.reset(); }), "must be stated"));
  EXPECT_TRUE(has(message([](auto& m) {
                    int table = 0;
                    while (m.tensors[table]->name != "table") ++table;
                    BlockOp(m).inputs.insert(BlockOp(m).inputs.end(), {table, -1});
                  }),
                  "without a table"));
  EXPECT_TRUE(
      has(message([](auto& m) { TheBlock(m).depthwise_function->function->alpha = NAN; }), "not a number"));
  EXPECT_TRUE(has(message([](auto& m) {
                    TheBlock(m).depthwise_function->function->kind = static_cast<fb::UnaryKind>(99);
                  }),
                  "unknown kind"));
}

TEST(Verify, RefusesOtherFiles) {
  const auto message = [](const std::string& text) {
    const auto* data = reinterpret_cast<const std::byte*>(text.data());
    const Aligned bytes({data, data + text.size()});
    auto model = VerifyModel(bytes.span());
    return model.ok() ? std::string("accepted") : model.error().message();
  };
  EXPECT_NE(message("").find("too short"), std::string::npos);
  EXPECT_NE(message("QFB1").find("too short"), std::string::npos);
  EXPECT_NE(message("This is a text file, not a model.").find("expected identifier 'QFB1'"),
            std::string::npos);
}

// Good(), with one long label many times, one large constant under many names, and many readers of another:
// each is in the file once.
Status VerifyShared(int labels, int tensors, int readers) {
  constexpr int kBytes = 1 << 20;
  ModelBuilder b = Good();
  const std::vector<int8_t> values(kBytes, 1);
  const int constant = b.Int8Constant("shared", {kBytes}, values, {0.5f});
  for (int i = 0; i < tensors; ++i) {
    b.model.tensors.push_back(std::make_unique<fb::TensorT>(*b.model.tensors[constant]));
  }
  for (int i = 0; i < readers; ++i) {
    const int output = b.Int8("y" + std::to_string(i), {1, kBytes}, 0.5f, 0);
    b.Op(fb::ConcatT(), {constant}, output);
  }
  flatbuffers::FlatBufferBuilder builder;
  const auto pack = [&](const auto& list, auto create) {
    std::vector<decltype(create(list.front().get()))> offsets;
    for (const auto& item : list) offsets.push_back(create(item.get()));
    return builder.CreateVector(offsets);
  };
  const auto label = builder.CreateString(std::string(kBytes, 'x'));
  const std::vector<flatbuffers::Offset<flatbuffers::String>> all_labels(labels, label);
  const auto label_list = builder.CreateVector(all_labels);
  const auto tensor_list = pack(b.model.tensors, [&](auto* t) { return fb::CreateTensor(builder, t); });
  const auto buffer_list = pack(b.model.buffers, [&](auto* t) { return fb::CreateBuffer(builder, t); });
  const auto operator_list = pack(b.model.operators, [&](auto* t) { return fb::CreateOperator(builder, t); });
  const auto inputs = builder.CreateVector(b.model.inputs), outputs = builder.CreateVector(b.model.outputs);
  fb::ModelBuilder model(builder);
  model.add_labels(label_list);
  model.add_tensors(tensor_list);
  model.add_buffers(buffer_list);
  model.add_operators(operator_list);
  model.add_inputs(inputs);
  model.add_outputs(outputs);
  fb::FinishModelBuffer(builder, model.Finish());
  const auto* data = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  const Aligned bytes(std::vector<std::byte>(data, data + builder.GetSize()));
  auto verified = VerifyModel(bytes.span());
  return verified.ok() ? Status::Ok() : verified.error();
}

TEST(Verify, RefusesPartsSharedWithoutEnd) {
  EXPECT_TRUE(VerifyShared(3, 3, 0).ok()) << VerifyShared(3, 3, 0).message();
  for (const Status& status :
       {VerifyShared(2049, 0, 0), VerifyShared(0, 2049, 0), VerifyShared(0, 0, 2049)}) {
    EXPECT_EQ(status.code(), StatusCode::kResourceLimit) << status.message();
    EXPECT_NE(status.message().find("counted as often"), std::string::npos) << status.message();
  }
}

TEST(Verify, CountsValuesAsWork) {
  ModelBuilder b;
  int x = b.Float("x", {1, 1 << 14, 1 << 14});
  b.model.inputs = {x};
  const auto add = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const int y = b.Float("y" + std::to_string(b.model.tensors.size()), {1, 1 << 14, 1 << 14});
      b.Op(fb::SoftmaxT(), {x}, y);
      x = y;
    }
    b.model.outputs = {x};
    return Verify(b);
  };
  EXPECT_TRUE(add(1 << 14).ok());
  EXPECT_EQ(add(1).code(), StatusCode::kResourceLimit);
}

TEST(Verify, RefusesEveryTruncation) {
  ModelBuilder b = Good();
  const std::vector<std::byte> good = b.Finish();
  const Aligned bytes(good);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(VerifyModel(bytes.span(size)).ok())
        << "accepted " << size << " of " << good.size() << " bytes";
  }
}

// Whatever a few flipped bytes make of a model, the verifier answers and reads nothing outside (checked by
// ASan).
void ExpectSurvivesDamage(ModelBuilder b) {
  const std::vector<std::byte> good = b.Finish();
  std::mt19937 random(1);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    Aligned bytes(good);
    for (int flips = 1 + static_cast<int>(random() % 4); flips-- > 0;) {
      bytes.data()[random() % good.size()] = std::byte(random());
    }
    accepted += VerifyModel(bytes.span()).ok();
  }
  // Weights and names may change freely, so some damage is a different good model.
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, 20000);
}

TEST(Verify, SurvivesDamage) {
  ExpectSurvivesDamage(Good());
  ExpectSurvivesDamage(BlockWithTables());
}

}  // namespace
}  // namespace qrun
