// Model and Session: options, batches, instruction sets and threads, taps, limits, and that running allocates
// nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <thread>

#include "kernels/dispatch.h"
#include "runtime/qrun.h"
#include "tests/model_builder.h"

namespace {
std::atomic<int64_t> g_allocations{0};
}  // namespace

// Every allocation of the process is counted; malloc underneath, so that sanitizers still see it.
void* operator new(size_t size) {
  g_allocations.fetch_add(1);
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  g_allocations.fetch_add(1);
  return std::malloc(size);
}
void* operator new(size_t size, std::align_val_t alignment) {
  g_allocations.fetch_add(1);
  const size_t a = static_cast<size_t>(alignment);
  if (void* p = std::aligned_alloc(a, (size + a - 1) / a * a)) return p;
  throw std::bad_alloc();
}
// Not inlined: GCC would see free() of what new returned, and warn.
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t, std::align_val_t) noexcept { std::free(p); }

namespace qrun {
namespace {

using tests::ModelBuilder;

constexpr int kClasses = 7;

std::vector<int8_t> Weights(int count, int seed) {
  std::vector<int8_t> values(count);
  for (int i = 0; i < count; ++i) values[i] = static_cast<int8_t>((i * 73 + seed * 29) % 255 - 127);
  return values;
}

// A small convolutional network with every kind of step: 17x15x3 -> conv s2 -> block with residual -> concat
// with a rescaled branch -> pool -> reshape -> fully connected -> (softmax in float).
std::vector<std::byte> Network(bool with_softmax) {
  ModelBuilder b;
  const int x = b.Int8("x", {1, 17, 15, 3}, 0.02f, -3);
  const int c = b.Int8("c", {1, 9, 8, 19}, 6.0f / 255, -128);
  fb::Conv2DT conv;
  conv.stride_h = conv.stride_w = 2;
  conv.pad_top = conv.pad_left = conv.pad_bottom = conv.pad_right = 1;
  conv.clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
  b.Op(conv, {x, b.Int8Constant("w0", {19, 3, 3, 3}, Weights(19 * 27, 1), {0.01f}), -1}, c);

  const int e = b.Int8("e", {1, 9, 8, 50}, 6.0f / 255, -128),
            d = b.Int8("d", {1, 9, 8, 50}, 6.0f / 255, -128), p = b.Int8("p", {1, 9, 8, 19}, 0.06f, 5),
            y = b.Int8("y", {1, 9, 8, 19}, 0.08f, -20);
  fb::InvertedResidualT block;
  block.expand = std::make_unique<fb::Conv2DT>();
  block.expand->clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
  block.depthwise = std::make_unique<fb::DepthwiseConv2DT>();
  block.depthwise->pad_top = block.depthwise->pad_left = 1;
  block.depthwise->pad_bottom = block.depthwise->pad_right = 1;
  block.depthwise->clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
  block.project = std::make_unique<fb::Conv2DT>();
  block.residual = true;
  block.expanded = e;
  block.filtered = d;
  block.projected = p;
  b.Op(block,
       {c, b.Int8Constant("we", {50, 1, 1, 19}, Weights(50 * 19, 2), {0.008f}), -1,
        b.Int8Constant("wd", {3, 3, 50}, Weights(9 * 50, 3), {0.004f}), -1,
        b.Int8Constant("wp", {19, 1, 1, 50}, Weights(19 * 50, 4), {0.006f}), -1},
       y);

  const int cat = b.Int8("cat", {1, 9, 8, 38}, 0.08f, -20);
  fb::ConcatT concat;
  concat.axis = 3;
  b.Op(concat, {y, c}, cat);
  const int pooled = b.Int8("pooled", {1, 1, 1, 38}, 0.05f, -30);
  fb::Pool2DT pool;
  pool.kind = fb::PoolKind::Average;
  pool.kernel_h = 9;
  pool.kernel_w = 8;
  b.Op(pool, {cat}, pooled);
  const int flat = b.Int8("flat", {1, 38}, 0.05f, -30), logits = b.Int8("logits", {1, kClasses}, 0.1f, 2);
  b.Op(fb::ReshapeT(), {pooled}, flat);
  b.Op(fb::FullyConnectedT(),
       {flat, b.Int8Constant("wf", {kClasses, 38}, Weights(kClasses * 38, 5), {0.02f}), -1}, logits);
  if (!with_softmax) return b.Finish({x}, {logits});
  const int real = b.Float("real", {1, kClasses}), scores = b.Float("scores", {1, kClasses});
  b.Op(fb::DequantizeT(), {logits}, real);
  b.Op(fb::SoftmaxT(), {real}, scores);
  return b.Finish({x}, {scores});
}

std::vector<float> Picture(int items) {
  std::vector<float> values(static_cast<size_t>(items) * 17 * 15 * 3);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 2.0f * std::sin(0.37f * static_cast<float>(i));
  return values;
}

Session MakeSession(const std::vector<std::byte>& bytes, SessionOptions options) {
  auto model = Model::FromBytes(bytes);
  EXPECT_TRUE(model.ok()) << model.error().message();
  auto session = Session::Create(*model, options);
  EXPECT_TRUE(session.ok()) << session.error().message();
  return std::move(*session);
}

std::vector<std::byte> RunBytes(Session& session, const std::vector<float>& input) {
  EXPECT_TRUE(session.SetInput(0, input).ok());
  session.Run();
  const auto bytes = session.OutputBytes(0);
  return {bytes.begin(), bytes.end()};
}

TEST(Session, SameBytesOnEveryIsaAndThreadCount) {
  for (bool softmax : {false, true}) {
    const std::vector<std::byte> model = Network(softmax);
    Session reference = MakeSession(model, {.isa = "ref"});
    EXPECT_EQ(reference.isa(), "ref");
    const std::vector<std::byte> expected = RunBytes(reference, Picture(1));
    std::string covered;
    for (const kernels::KernelTable* table : kernels::CompiledTables()) {
      if (!kernels::CanRun(*table)) continue;
      for (int threads : {1, 2, 3}) {
        Session session = MakeSession(model, {.threads = threads, .isa = table->isa});
        EXPECT_EQ(session.isa(), table->isa);
        EXPECT_EQ(RunBytes(session, Picture(1)), expected) << table->isa << ", " << threads << " threads";
      }
      covered += std::string(table->isa) + " ";
    }
    std::cout << "covered: " << covered << "with 1, 2, 3 threads\n";
  }
}

// conv -> block without residual -> conv; on one thread the block's output lies over its input.
std::vector<std::byte> ShrinkingBlock(int kernel, int stride) {
  ModelBuilder b;
  const int pad = kernel / 2, h = (17 - 1) / stride + 1, w = (15 - 1) / stride + 1;
  const int x = b.Int8("x", {1, 17, 15, 3}, 0.05f, -3), c = b.Int8("c", {1, 17, 15, 24}, 0.06f, 5),
            e = b.Int8("e", {1, 17, 15, 70}, 6.0f / 255, -128),
            d = b.Int8("d", {1, h, w, 70}, 6.0f / 255, -128), p = b.Int8("p", {1, h, w, 24}, 0.06f, 5),
            y = b.Int8("y", {1, h, w, 8}, 0.06f, 5);
  b.Op(fb::Conv2DT(), {x, b.Int8Constant("w0", {24, 1, 1, 3}, Weights(24 * 3, 1), {0.01f}), -1}, c);
  fb::InvertedResidualT block;
  block.expand = std::make_unique<fb::Conv2DT>();
  block.expand->clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
  block.depthwise = std::make_unique<fb::DepthwiseConv2DT>();
  block.depthwise->stride_h = block.depthwise->stride_w = stride;
  block.depthwise->pad_top = block.depthwise->pad_left = pad;
  block.depthwise->pad_bottom = block.depthwise->pad_right = pad;
  block.depthwise->clamp = std::make_unique<fb::Clamp>(0.0f, 6.0f);
  block.project = std::make_unique<fb::Conv2DT>();
  block.expanded = e;
  block.filtered = d;
  b.Op(block,
       {c, b.Int8Constant("we", {70, 1, 1, 24}, Weights(70 * 24, 2), {0.008f}), -1,
        b.Int8Constant("wd", {kernel, kernel, 70}, Weights(kernel * kernel * 70, 3), {0.004f}), -1,
        b.Int8Constant("wp", {24, 1, 1, 70}, Weights(24 * 70, 4), {0.006f}), -1},
       p);
  b.Op(fb::Conv2DT(), {p, b.Int8Constant("w1", {8, 1, 1, 24}, Weights(8 * 24, 5), {0.01f}), -1}, y);
  return b.Finish({x}, {y});
}

TEST(Session, ABlockOverItsSourceGivesTheSameBytes) {
  for (const int kernel : {3, 5}) {
    for (const int stride : {1, 2}) {
      for (const int batch : {1, 3}) {
        const std::vector<std::byte> model = ShrinkingBlock(kernel, stride);
        Session apart = MakeSession(model, {.batch = batch, .threads = 2, .isa = "ref"});
        const std::vector<std::byte> expected = RunBytes(apart, Picture(batch));
        for (const kernels::KernelTable* table : kernels::CompiledTables()) {
          if (!kernels::CanRun(*table)) continue;
          const auto fuse = [](int, std::string_view) { return false; };  // also where parts are faster
          Session over = MakeSession(model, {.batch = batch, .isa = table->isa, .passes_over = fuse});
          EXPECT_EQ(RunBytes(over, Picture(batch)), expected)
              << table->isa << " kernel " << kernel << " stride " << stride << " batch " << batch;
          const auto slot = [&](const std::string& name) {
            for (const ArenaSlot& s : over.arena_map()) {
              if (s.name == name) return s.offset;
            }
            return ~size_t{0};
          };
          EXPECT_EQ(slot("p"), slot("c"));
        }
      }
    }
  }
}

// conv 3x3 -> sigmoid -> fully connected, all float. Long sums of which no product is exact.
std::vector<std::byte> FloatNetwork() {
  ModelBuilder b;
  const auto noise = [](int count, int seed) {
    std::vector<float> values(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i)
      values[static_cast<size_t>(i)] = std::sin(static_cast<float>(i * 7 + seed));
    return values;
  };
  const int x = b.Float("x", {1, 17, 15, 3}), c = b.Float("c", {1, 17, 15, 8}),
            s = b.Float("s", {1, 17, 15, 8});
  const int flat = b.Float("flat", {1, 17 * 15 * 8}), y = b.Float("y", {1, kClasses});
  fb::Conv2DT conv;
  conv.pad_top = conv.pad_left = conv.pad_bottom = conv.pad_right = 1;
  b.Op(conv, {x, b.FloatConstant("w", {8, 3, 3, 3}, noise(8 * 27, 1)), -1}, c);
  fb::UnaryT sigmoid;
  sigmoid.kind = fb::UnaryKind::Sigmoid;
  b.Op(sigmoid, {c}, s);
  b.Op(fb::ReshapeT(), {s}, flat);
  b.Op(fb::FullyConnectedT(), {flat, b.FloatConstant("f", {kClasses, 2040}, noise(kClasses * 2040, 2)), -1},
       y);
  return b.Finish({x}, {y});
}

TEST(Session, ReproducibleFloatGivesTheSameBytesEverywhere) {
  const std::vector<std::byte> model = FloatNetwork();
  Session reference = MakeSession(model, {.isa = "ref", .reproducible_float = true});
  const std::vector<std::byte> expected = RunBytes(reference, Picture(1));
  for (const kernels::KernelTable* table : kernels::CompiledTables()) {
    if (!kernels::CanRun(*table)) continue;
    for (int threads : {1, 2, 3}) {
      Session session =
          MakeSession(model, {.threads = threads, .isa = table->isa, .reproducible_float = true});
      EXPECT_EQ(RunBytes(session, Picture(1)), expected) << table->isa << ", " << threads << " threads";
      for (const StepInfo& step : session.steps())
        EXPECT_FALSE(step.candidate.starts_with("onednn")) << step.name;
    }
  }
  // The comparison can fail: a sum of other rounding gives other bytes.
  std::vector<float> moved = Picture(1);
  moved[100] = std::nextafter(moved[100], 9.0f);
  EXPECT_NE(RunBytes(reference, moved), expected);
}

TEST(Session, ABatchGivesWhatSingleItemsGive) {
  const std::vector<std::byte> model = Network(false);
  const std::vector<float> pictures = Picture(5);
  Session batch = MakeSession(model, {.batch = 5, .threads = 2});
  EXPECT_EQ(batch.inputs()[0].extents, (std::vector<int>{5, 17, 15, 3}));
  const std::vector<std::byte> all = RunBytes(batch, pictures);
  Session single = MakeSession(model, {});
  const size_t item = pictures.size() / 5;
  for (size_t i = 0; i < 5; ++i) {
    const std::vector<float> picture(pictures.begin() + i * item, pictures.begin() + (i + 1) * item);
    const std::vector<std::byte> one = RunBytes(single, picture);
    EXPECT_EQ(one, std::vector<std::byte>(all.begin() + i * kClasses, all.begin() + (i + 1) * kClasses)) << i;
  }
}

TEST(Session, RunAllocatesNothing) {
  for (int threads : {1, 2}) {
    Session session = MakeSession(Network(true), {.threads = threads});
    ASSERT_TRUE(session.SetInput(0, Picture(1)).ok());
    session.Run();
    const int64_t before = g_allocations.load();
    for (int i = 0; i < 10; ++i) session.Run();
    EXPECT_EQ(g_allocations.load(), before) << threads << " threads";
  }
  // The counter counts.
  const int64_t before = g_allocations.load();
  ::operator delete(::operator new(1));
  EXPECT_EQ(g_allocations.load(), before + 1);
}

TEST(Session, InputSurvivesRunAndRunsRepeat) {
  Session session = MakeSession(Network(false), {});
  const std::vector<std::byte> first = RunBytes(session, Picture(1));
  const auto input = session.InputBytes(0);
  const std::vector<std::byte> kept(input.begin(), input.end());
  session.Run();
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), session.InputBytes(0).begin()));
  EXPECT_TRUE(std::equal(first.begin(), first.end(), session.OutputBytes(0).begin()));
}

TEST(Session, SessionsOfOneModelAreIndependent) {
  auto model = Model::FromBytes(Network(false));
  ASSERT_TRUE(model.ok());
  auto a = Session::Create(*model), b = Session::Create(*model, {.threads = 2});
  ASSERT_TRUE(a.ok() && b.ok());
  const std::vector<std::byte> expected = RunBytes(*a, Picture(1));
  std::vector<float> other = Picture(1);
  for (float& value : other) value = -value;
  EXPECT_NE(RunBytes(*b, other), expected);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), a->OutputBytes(0).begin()));
}

TEST(Session, SessionsRunAtTheSameTime) {
  auto model = Model::FromBytes(Network(false));
  ASSERT_TRUE(model.ok());
  Session alone = MakeSession(Network(false), {});
  const std::vector<std::byte> expected = RunBytes(alone, Picture(1));
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      auto session = Session::Create(*model, {.threads = 3});
      for (int run = 0; run < 20; ++run) wrong += !session.ok() || RunBytes(*session, Picture(1)) != expected;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong.load(), 0);
}

// Last task first, on the caller's thread; counts the tasks.
class BackwardsExecutor : public Executor {
 public:
  void Run(int tasks, void (*function)(void*, int), void* context) noexcept override {
    if (tasks > most) most = tasks;
    for (int task = tasks - 1; task >= 0; --task) function(context, task);
  }
  int most = 0;
};

TEST(Session, RunsOnTheCallersExecutor) {
  const std::vector<std::byte> model = Network(false);
  Session own = MakeSession(model, {.batch = 8});
  const std::vector<std::byte> expected = RunBytes(own, Picture(8));
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                         std::filesystem::directory_iterator());
  };
  const ptrdiff_t before = threads();
  BackwardsExecutor executor;
  Session session = MakeSession(model, {.batch = 8, .threads = 3, .executor = &executor});
  EXPECT_EQ(RunBytes(session, Picture(8)), expected);
  EXPECT_EQ(executor.most, 3);
  EXPECT_EQ(threads(), before);
}

TEST(Isas, BestFirstAndTheReferenceLast) {
  const std::vector<IsaInfo> isas = Isas();
  ASSERT_FALSE(isas.empty());
  EXPECT_EQ(isas.back().name, "ref");
  EXPECT_TRUE(isas.back().can_run);
  for (const IsaInfo& isa : isas) {
    const auto session = Session::Create(*Model::FromBytes(Network(false)), {.isa = isa.name});
    EXPECT_EQ(session.ok(), isa.can_run) << isa.name;
  }
}

TEST(Session, TapSeesEveryTensorOnceComplete) {
  std::vector<int> seen;
  size_t concat_bytes = 0;
  SessionOptions options;
  options.tap = [&](int tensor, std::span<const std::byte> bytes) {
    seen.push_back(tensor);
    if (bytes.size() == 9 * 8 * 38) concat_bytes = bytes.size();
  };
  Session session = MakeSession(Network(true), options);
  ASSERT_TRUE(session.SetInput(0, Picture(1)).ok());
  session.Run();
  // x, conv, block, concat, pool, reshape, fc, dequantize, softmax: inside of the block nothing is ever
  // whole.
  EXPECT_EQ(seen.size(), 9u);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end()) << "a tensor was reported twice";
  EXPECT_EQ(concat_bytes, 9u * 8 * 38);
}

TEST(Session, InjectedValuesAreWhatLaterStepsRead) {
  constexpr size_t kConcatBytes = 9 * 8 * 38;
  std::vector<float> picture = Picture(1), other(picture.rbegin(), picture.rend());
  // The output for `input`, where the concatenation's bytes are replaced by `injected` unless that is empty;
  // `seen` is what the tap is shown of them.
  const auto run = [&](const std::vector<float>& input, const std::vector<std::byte>& injected,
                       std::vector<std::byte>& seen) {
    SessionOptions options;
    options.inject = [&](int, std::span<std::byte> bytes) {
      if (bytes.size() == kConcatBytes && !injected.empty())
        std::copy(injected.begin(), injected.end(), bytes.begin());
    };
    options.tap = [&](int, std::span<const std::byte> bytes) {
      if (bytes.size() == kConcatBytes) seen.assign(bytes.begin(), bytes.end());
    };
    Session session = MakeSession(Network(true), options);
    return RunBytes(session, input);
  };
  std::vector<std::byte> of_picture, of_other, of_injected;
  const auto plain = run(picture, {}, of_picture), wanted = run(other, {}, of_other);
  ASSERT_NE(plain, wanted);
  EXPECT_EQ(run(picture, of_other, of_injected), wanted);
  EXPECT_EQ(of_injected, of_other);
}

TEST(Session, ArenaReusesMemoryAndMapIsDisjoint) {
  Session session = MakeSession(Network(false), {});
  size_t sum = 0;
  const auto& slots = session.arena_map();
  for (size_t i = 0; i < slots.size(); ++i) {
    sum += slots[i].bytes;
    EXPECT_LE(slots[i].offset + slots[i].bytes, session.arena_bytes());
    for (size_t j = 0; j < i; ++j) {
      const bool together =
          slots[i].first_step <= slots[j].last_step && slots[j].first_step <= slots[i].last_step;
      const bool apart = slots[i].offset + slots[i].bytes <= slots[j].offset ||
                         slots[j].offset + slots[j].bytes <= slots[i].offset;
      EXPECT_TRUE(!together || apart) << slots[i].name << " and " << slots[j].name;
    }
  }
  EXPECT_LT(session.arena_bytes(), sum);
}

TEST(Session, ProfileTimesEveryStep) {
  Session session = MakeSession(Network(false), {.profile = true});
  session.Run();
  EXPECT_EQ(session.StepTimes().size(), session.steps().size());
  EXPECT_TRUE(MakeSession(Network(false), {}).StepTimes().empty());
}

// A block with every part, on any number of threads: the parts' times are the step's, and the bytes are those
// of a session that does not look at the clock.
TEST(Session, ProfileTimesThePartsOfAFusedBlock) {
  const auto file = Network(false);
  Session plain = MakeSession(file, {});
  plain.Run();
  for (int threads : {1, 2}) {
    Session session = MakeSession(file, {.threads = threads, .profile = true});
    for (int run = 0; run < 3; ++run) session.Run();
    EXPECT_TRUE(std::ranges::equal(session.OutputBytes(0), plain.OutputBytes(0)));
    int blocks = 0;
    for (size_t step = 0; step < session.steps().size(); ++step) {
      const StepInfo& info = session.steps()[step];
      ASSERT_EQ(session.PartTimes(step).size(), info.parts.size());
      if (info.parts.empty()) continue;
      ++blocks;
      int64_t macs = 0, times = 0;
      std::vector<std::string> names;
      for (size_t i = 0; i < info.parts.size(); ++i) {
        names.push_back(info.parts[i].name);
        macs += info.parts[i].macs;
        times += session.PartTimes(step)[i];
        EXPECT_GT(session.PartTimes(step)[i], 0) << info.parts[i].name;
      }
      EXPECT_EQ(names, (std::vector<std::string>{"expand", "depthwise", "project", "residual"}));
      EXPECT_EQ(macs, info.macs);
      // Each is rounded down.
      EXPECT_LE(times, session.StepTimes()[step]);
      EXPECT_GE(times, session.StepTimes()[step] - static_cast<int64_t>(info.parts.size()));
    }
    EXPECT_EQ(blocks, 1);
  }
  for (size_t step = 0; step < plain.steps().size(); ++step) EXPECT_TRUE(plain.PartTimes(step).empty());
}

TEST(Session, RefusesWrongOptions) {
  auto model = Model::FromBytes(Network(false));
  ASSERT_TRUE(model.ok());
  const auto error = [&](SessionOptions options) {
    auto session = Session::Create(*model, options);
    return session.ok() ? std::string() : session.error().ToString();
  };
  EXPECT_NE(error({.batch = 0}).find("batch is 0"), std::string::npos);
  EXPECT_NE(error({.batch = 5000}).find("batch is 5000"), std::string::npos);
  EXPECT_NE(error({.threads = 0}).find("threads is 0"), std::string::npos);
  EXPECT_NE(error({.threads = 100000}).find("threads is 100000"), std::string::npos);
  EXPECT_NE(error({.isa = "mmx"}).find("mmx"), std::string::npos);
  EXPECT_NE(error({.max_arena_bytes = 100}).find("resource_limit"), std::string::npos);
}

TEST(Session, RefusesWrongTransfers) {
  Session session = MakeSession(Network(false), {});
  std::vector<float> values(10);
  EXPECT_NE(session.SetInput(0, values).message().find("10 values were given"), std::string::npos);
  EXPECT_NE(session.SetInput(1, values).message().find("does not exist"), std::string::npos);
  EXPECT_NE(session.GetOutput(-1, values).message().find("does not exist"), std::string::npos);
  EXPECT_NE(session.GetOutput(0, values).message().find("10 values"), std::string::npos);
}

TEST(Model, OpenReportsWhatIsWrong) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "qrun_model_test";
  std::filesystem::create_directories(folder);
  const auto message = [&](const std::string& name) {
    auto model = Model::Open((folder / name).string());
    return model.ok() ? std::string() : model.error().ToString();
  };
  std::ofstream(folder / "empty.qfb").flush();
  std::ofstream(folder / "text.qfb") << "not a model, just some text";
  const std::vector<std::byte> good = Network(false);
  std::ofstream(folder / "good.qfb", std::ios::binary)
      .write(reinterpret_cast<const char*>(good.data()), static_cast<std::streamsize>(good.size()));
  std::ofstream(folder / "cut.qfb", std::ios::binary)
      .write(reinterpret_cast<const char*>(good.data()), static_cast<std::streamsize>(good.size() / 2));
  EXPECT_EQ(message("good.qfb"), "");
  EXPECT_NE(message("missing.qfb").find("io: cannot open"), std::string::npos);
  EXPECT_NE(message(".").find("not a regular file"), std::string::npos);
  EXPECT_NE(message("empty.qfb").find("is empty"), std::string::npos);
  EXPECT_NE(message("text.qfb").find("expected identifier 'QFB1'"), std::string::npos);
  EXPECT_NE(message("cut.qfb").find("invalid_model"), std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST(Model, TellsWhatTheFileSays) {
  auto model = Model::FromBytes(Network(false));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->name(), "test");
  EXPECT_EQ(model->inputs()[0].name, "x");
  EXPECT_EQ(model->inputs()[0].dtype, DType::kInt8);
  EXPECT_EQ(model->inputs()[0].zero_point, -3);
  EXPECT_EQ(model->outputs()[0].ElementCount(), kClasses);
  EXPECT_EQ(model->preprocessing(), nullptr);
  EXPECT_TRUE(model->labels().empty());
}

}  // namespace
}  // namespace qrun
