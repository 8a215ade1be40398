// Damaged and malicious images: never a crash, never more memory than the limits allow.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "runtime/file.h"
#include "runtime/image/decode.h"
#include "tests/runtime/image/cases.h"

namespace qrun::image {
namespace {

using Bytes = std::vector<std::byte>;

// Small, so that a flipped size in a header costs an error and not a second.
constexpr DecodeLimits kSmall = {.max_pixels = 1 << 20, .max_side = 4096};

// One image of every kind of codec path.
constexpr const char* kNames[] = {"t0_b1_i1_13x17.png",  "t0_b16_i0_13x17.png", "t2_b8_i0_31x33.png",
                                  "t2_b16_i1_13x17.png", "t3_b2_i0_13x17.png",  "t3_b8_i1_31x33_trns.png",
                                  "t4_b8_i0_13x17.png",  "t6_b16_i1_13x17.png", "base_s2_17x33.jpg",
                                  "prog_s1_17x33.jpg",   "grey_50x61.jpg",      "cmyk_p0_17x33.jpg",
                                  "ycck_p1_17x33.jpg",   "rgb_17x33.jpg",       "optimised_17x33.jpg"};

Bytes Read(const std::string& name) {
  Result<Bytes> bytes = ReadFile(CasePath(name), 1 << 24);
  if (!bytes.ok()) throw std::runtime_error(bytes.error().ToString());
  return *std::move(bytes);
}

void ExpectSound(const Result<Image>& image, const DecodeLimits& limits) {
  if (image.ok()) {
    EXPECT_EQ(image->channels, 3);
    EXPECT_LE(int64_t{image->width} * image->height, limits.max_pixels);
    EXPECT_EQ(image->pixels.size(), size_t(image->width) * size_t(image->height) * 3);
  } else {
    EXPECT_FALSE(image.error().message().empty());
    EXPECT_NE(image.error().code(), StatusCode::kInternal);
  }
}

// A copy on the heap of exactly these bytes, so that AddressSanitizer sees a read past the end.
Result<Image> DecodeExact(const Bytes& bytes, size_t n) {
  const Bytes exact(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
  return DecodeImage(exact, kSmall);
}

TEST(Hostile, EveryTruncationIsRefused) {
  for (const char* name : kNames) {
    SCOPED_TRACE(name);
    const Bytes bytes = Read(name);
    ASSERT_TRUE(DecodeImage(bytes, kSmall).ok());
    // The end marker of a JPEG may be missing when every row could be read without it.
    const size_t marker = bytes[0] == std::byte{0xff} ? 2 : 0;
    for (size_t n = 0; n < bytes.size(); ++n) {
      const Result<Image> image = DecodeExact(bytes, n);
      ExpectSound(image, kSmall);
      EXPECT_TRUE(!image.ok() || n + marker >= bytes.size()) << n << " of " << bytes.size() << " bytes";
    }
  }
}

TEST(Hostile, RandomDamageIsAnErrorOrAnImage) {
  std::mt19937 random(20240502);
  int refused = 0, decoded = 0;
  for (const char* name : kNames) {
    SCOPED_TRACE(name);
    const Bytes bytes = Read(name);
    for (int round = 0; round < 400; ++round) {
      Bytes damaged = bytes;
      const int changes = 1 + static_cast<int>(random() % 8);
      for (int i = 0; i < changes; ++i) {
        const size_t at = random() % damaged.size();
        switch (random() % 4) {
          case 0:
            damaged[at] ^= std::byte{1} << (random() % 8);
            break;
          case 1:
            damaged[at] = static_cast<std::byte>(random());
            break;
          case 2:
            damaged[at] = std::byte{0xff};
            break;
          default:
            damaged.erase(damaged.begin() + static_cast<ptrdiff_t>(at));
        }
      }
      const Result<Image> image = DecodeExact(damaged, damaged.size());
      ExpectSound(image, kSmall);
      ++(image.ok() ? decoded : refused);
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(decoded, 100);
}

uint32_t Crc32(const std::byte* data, size_t n) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < n; ++i) {
    crc ^= std::to_integer<uint32_t>(data[i]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
  }
  return ~crc;
}

void PutBigEndian(std::byte* dst, uint32_t value) {
  for (int i = 0; i < 4; ++i) dst[i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

// Changes to a PNG's chunks with the checksum made right again, to get past the first line of defence.
TEST(Hostile, PngChunksWithGoodChecksums) {
  std::mt19937 random(20240503);
  for (const char* name : kNames) {
    const Bytes bytes = Read(name);
    if (bytes[0] != std::byte{0x89}) continue;
    SCOPED_TRACE(name);
    for (int round = 0; round < 400; ++round) {
      Bytes damaged = bytes;
      for (size_t at = 8; at + 12 <= damaged.size();) {
        uint32_t n = 0;
        for (size_t i = 0; i < 4; ++i) n = n << 8 | std::to_integer<uint32_t>(damaged[at + i]);
        if (n > 0 && random() % 3 == 0) damaged[at + 8 + random() % n] = static_cast<std::byte>(random());
        PutBigEndian(&damaged[at + 8 + n], Crc32(&damaged[at + 4], n + 4));
        at += 12 + n;
      }
      ExpectSound(DecodeExact(damaged, damaged.size()), kSmall);
    }
  }
}

void ExpectTooLarge(const Bytes& bytes, const DecodeLimits& limits, const std::string& size) {
  const Result<Image> image = DecodeImage(bytes, limits);
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().code(), StatusCode::kResourceLimit) << image.error().message();
  EXPECT_NE(image.error().message().find(size), std::string::npos) << image.error().message();
}

TEST(Hostile, HugePngHeaderIsRefused) {
  Bytes bytes = Read("t2_b8_i0_31x33.png");
  const auto set_size = [&](uint32_t width, uint32_t height) {
    PutBigEndian(&bytes[16], width);
    PutBigEndian(&bytes[20], height);
    PutBigEndian(&bytes[29], Crc32(&bytes[12], 17));
  };
  set_size(0x7fffffff, 0x7fffffff);
  ExpectTooLarge(bytes, {}, "2147483647 x 2147483647");
  // The product wraps to a small number in 64 bits of bytes, were it multiplied by the bytes of a pixel
  // first.
  ExpectTooLarge(bytes, {.max_pixels = INT64_MAX / 4, .max_side = INT64_MAX}, "2147483647 x 2147483647");
  // More bytes than a vector can have, with no limit in the way.
  ExpectTooLarge(bytes, {.max_pixels = INT64_MAX, .max_side = INT64_MAX}, "2147483647 x 2147483647");
  set_size(60000, 60000);
  ExpectTooLarge(bytes, {}, "60000 x 60000");
  set_size(70000, 1);
  ExpectTooLarge(bytes, {}, "70000 x 1");
  set_size(33, 31);
  EXPECT_TRUE(DecodeImage(bytes).ok());
  set_size(0, 31);
  const Result<Image> empty = DecodeImage(bytes);
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error().code(), StatusCode::kInvalidArgument);
}

TEST(Hostile, HugeJpegHeaderIsRefused) {
  for (const char* name : {"base_s2_17x33.jpg", "prog_s1_17x33.jpg"}) {
    Bytes bytes = Read(name);
    size_t at = 2;  // of the frame header: a marker 0xffc0 (baseline) or 0xffc2 (progressive)
    while ((bytes[at + 1] & std::byte{0xfd}) != std::byte{0xc0}) {
      at += 2 + (std::to_integer<size_t>(bytes[at + 2]) << 8 | std::to_integer<size_t>(bytes[at + 3]));
    }
    std::memset(&bytes[at + 5], 0xfc, 4);  // 64764 x 64764
    ExpectTooLarge(bytes, {}, "64764 x 64764");
    std::memset(&bytes[at + 5], 0xff, 4);  // beyond libjpeg's own limit
    ExpectTooLarge(bytes, {}, "65500");
    std::memset(&bytes[at + 5], 0, 4);
    EXPECT_FALSE(DecodeImage(bytes).ok());
  }
}

TEST(Hostile, JpegOfManyScansIsRefused) {
  // The last scan of a progressive file again and again: small to store, a pass over the image each.
  const Bytes bytes = Read("prog_s1_17x33.jpg");
  size_t begin = 0;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == std::byte{0xff} && bytes[i + 1] == std::byte{0xda}) begin = i;
  }
  const auto repeated = [&](int times) {
    Bytes copy(bytes.begin(), bytes.end() - 2);
    for (int i = 0; i < times; ++i) {
      copy.insert(copy.end(), bytes.begin() + static_cast<ptrdiff_t>(begin), bytes.end() - 2);
    }
    copy.insert(copy.end(), bytes.end() - 2, bytes.end());
    return copy;
  };
  EXPECT_TRUE(DecodeImage(repeated(100)).ok());
  const Result<Image> image = DecodeImage(repeated(600));
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().code(), StatusCode::kResourceLimit);
}

TEST(Hostile, UnsupportedJpegKindsSaySo) {
  Bytes bytes = Read("base_s2_17x33.jpg");
  size_t at = 2;
  while (bytes[at + 1] != std::byte{0xc0}) {
    at += 2 + (std::to_integer<size_t>(bytes[at + 2]) << 8 | std::to_integer<size_t>(bytes[at + 3]));
  }
  Bytes twelve_bits = bytes;
  twelve_bits[at + 4] = std::byte{12};
  Bytes lossless = bytes;
  lossless[at + 1] = std::byte{0xc3};
  for (const Bytes& kind : {twelve_bits, lossless}) {
    const Result<Image> image = DecodeImage(kind);
    ASSERT_FALSE(image.ok());
    EXPECT_EQ(image.error().code(), StatusCode::kUnsupported) << image.error().message();
  }
}

}  // namespace
}  // namespace qrun::image
