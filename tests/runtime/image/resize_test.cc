#include "runtime/image/resize.h"

#include <gtest/gtest.h>

#include "tests/runtime/image/cases.h"

namespace qrun::image {
namespace {

TEST(Resize, EqualsPillow) {
  int count = 0;
  for (std::istringstream& fields : CasesOf("resize")) {
    std::string src_name, dst_name;
    int width = 0, height = 0;
    fields >> src_name >> width >> height >> dst_name;
    SCOPED_TRACE(dst_name);
    const Image src = CaseImage(src_name);
    const Image expected = CaseImage(dst_name);
    const Result<Image> dst = ResizeBilinear(src, width, height, {0, 0, width, height});
    ASSERT_TRUE(dst.ok()) << dst.error().ToString();
    EXPECT_EQ(dst->width, expected.width);
    EXPECT_EQ(dst->height, expected.height);
    EXPECT_EQ(dst->channels, expected.channels);
    EXPECT_TRUE(dst->pixels == expected.pixels);
    ++count;
  }
  EXPECT_GT(count, 50);
}

TEST(Resize, WindowIsAPartOfTheWhole) {
  for (std::istringstream& fields : CasesOf("resize")) {
    std::string src_name, dst_name;
    int width = 0, height = 0;
    fields >> src_name >> width >> height >> dst_name;
    SCOPED_TRACE(dst_name);
    const Image src = CaseImage(src_name);
    const Image whole = CaseImage(dst_name);
    for (const Window& w :
         {Window{0, 0, 1, 1}, Window{width / 3, height / 2, width - width / 3, height - height / 2},
          Window{width / 2, height / 4, 1, height / 2 + 1}}) {
      const Result<Image> part = ResizeBilinear(src, width, height, w);
      ASSERT_TRUE(part.ok()) << part.error().ToString();
      ASSERT_EQ(part->width, w.width);
      ASSERT_EQ(part->height, w.height);
      const size_t c = static_cast<size_t>(whole.channels);
      const size_t row = static_cast<size_t>(w.width) * c;
      for (size_t y = 0; y < static_cast<size_t>(w.height); ++y) {
        const auto begin =
            whole.pixels.begin() +
            static_cast<ptrdiff_t>(((static_cast<size_t>(w.top) + y) * static_cast<size_t>(width) +
                                    static_cast<size_t>(w.left)) *
                                   c);
        ASSERT_TRUE(std::equal(begin, begin + static_cast<ptrdiff_t>(row),
                               part->pixels.begin() + static_cast<ptrdiff_t>(y * row)));
      }
    }
  }
}

TEST(Resize, WindowOfAnEnormousImageNeedsOnlyItself) {
  const Image src{.width = 2, .height = 1, .channels = 1, .pixels = {0, 255}};
  const int64_t width = int64_t{1} << 40;
  const Result<Image> dst = ResizeBilinear(src, width, 8, {width - 4, 2, 4, 4});
  ASSERT_TRUE(dst.ok()) << dst.error().ToString();
  EXPECT_EQ(dst->pixels, std::vector<uint8_t>(16, 255));
}

TEST(Resize, WrongArgumentsAreRefused) {
  const Image src{.width = 2, .height = 2, .channels = 1, .pixels = {1, 2, 3, 4}};
  const Image empty{.width = 0, .height = 2, .channels = 1, .pixels = {}};
  const auto code = [](const Result<Image>& image) {
    return image.ok() ? StatusCode::kOk : image.error().code();
  };
  constexpr StatusCode kWrong = StatusCode::kInvalidArgument;
  EXPECT_EQ(code(ResizeBilinear(src, 3, 3, {0, 0, 3, 3})), StatusCode::kOk);
  EXPECT_EQ(code(ResizeBilinear(empty, 3, 3, {0, 0, 3, 3})), kWrong);
  EXPECT_EQ(code(ResizeBilinear(src, 0, 3, {0, 0, 1, 3})), kWrong);
  EXPECT_EQ(code(ResizeBilinear(src, 3, -1, {0, 0, 3, 1})), kWrong);
  EXPECT_EQ(code(ResizeBilinear(src, 3, 3, {0, 0, 0, 3})), kWrong);
  EXPECT_EQ(code(ResizeBilinear(src, 3, 3, {-1, 0, 3, 3})), kWrong);
  EXPECT_EQ(code(ResizeBilinear(src, 3, 3, {1, 0, 3, 3})), kWrong);
  EXPECT_EQ(code(ResizeBilinear(src, 3, 3, {0, INT64_MAX, 3, 3})), kWrong);
}

}  // namespace
}  // namespace qrun::image
