#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "runtime/image/codec.h"

namespace qrun::image {
namespace {

// libpng reports errors by a callback that may not return, so reading runs between setjmp and longjmp.
// Everything with a destructor lives outside, in the session or in DecodePng: a longjmp across it would skip
// it.
struct Session {
  explicit Session(std::span<const std::byte> bytes) : bytes(bytes) {}
  ~Session() { png_destroy_read_struct(&png, &info, nullptr); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::span<const std::byte> bytes;
  size_t offset = 0;
  bool truncated = false;
  char message[128] = "out of memory";
  std::jmp_buf jump;
  png_structp png = nullptr;
  png_infop info = nullptr;

  int64_t width = 0;
  int64_t height = 0;
  bool indexed = false;  // one byte per pixel is read, in the last third of a row; `table` gives the colours
  Rgb table[256];
};

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto* session = static_cast<Session*>(png_get_error_ptr(png));
  std::snprintf(session->message, sizeof(session->message), "%s", message);
  std::longjmp(session->jump, 1);
}

void OnWarning(png_structp, png_const_charp) {}

void OnRead(png_structp png, png_bytep dst, size_t n) {
  auto* session = static_cast<Session*>(png_get_io_ptr(png));
  if (n > session->bytes.size() - session->offset) {
    session->truncated = true;
    png_error(png, "truncated");
  }
  std::memcpy(dst, session->bytes.data() + session->offset, n);
  session->offset += n;
}

// Reads everything before the pixels and sets the conversions. False: an error, told in the session.
bool ReadHeader(Session& s) {
  if (setjmp(s.jump)) return false;
  s.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, OnError, OnWarning);
  if (!s.png) return false;
  s.info = png_create_info_struct(s.png);
  if (!s.info) return false;
  png_set_read_fn(s.png, &s, OnRead);
  // The limits are ours to check, with our message.
  png_set_user_limits(s.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(s.png, s.info);
  s.width = png_get_image_width(s.png, s.info);
  s.height = png_get_image_height(s.png, s.info);

  const int colour_type = png_get_color_type(s.png, s.info);
  s.indexed = colour_type == PNG_COLOR_TYPE_PALETTE || colour_type == PNG_COLOR_TYPE_GRAY;
  // Greys, and what Pillow shows for an index beyond the palette.
  for (int i = 0; i < 256; ++i) {
    const auto grey = static_cast<uint8_t>(i);
    s.table[i] = {grey, grey, grey};
  }
  if (colour_type == PNG_COLOR_TYPE_PALETTE) {
    png_colorp palette = nullptr;
    int entries = 0;
    png_get_PLTE(s.png, s.info, &palette, &entries);
    for (int i = 0; i < entries; ++i) s.table[i] = {palette[i].red, palette[i].green, palette[i].blue};
    png_set_packing(s.png);
  } else {
    png_set_expand_gray_1_2_4_to_8(s.png);
    png_set_strip_16(s.png);
    png_set_strip_alpha(s.png);
    if (colour_type == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(s.png);
  }
  return true;
}

bool ReadPixels(Session& s, uint8_t* pixels) {
  if (setjmp(s.jump)) return false;
  const int passes = png_set_interlace_handling(s.png);
  png_read_update_info(s.png, s.info);
  const size_t width = static_cast<size_t>(s.width);
  if (png_get_rowbytes(s.png, s.info) != (s.indexed ? width : 3 * width)) {
    png_error(s.png, "unexpected row size");
  }
  const size_t begin = s.indexed ? 2 * width : 0;
  for (int pass = 0; pass < passes; ++pass) {
    for (size_t y = 0; y < static_cast<size_t>(s.height); ++y) {
      png_read_row(s.png, pixels + y * 3 * width + begin, nullptr);
    }
  }
  // Checks the rest of the image data and its checksums.
  png_read_end(s.png, nullptr);
  return true;
}

Status Failure(const Session& s) {
  if (s.truncated) {
    return Status::InvalidArgument("truncated PNG: the file ends at byte " + std::to_string(s.bytes.size()) +
                                   ", before the image is complete");
  }
  return Status::InvalidArgument(std::string("corrupt PNG: ") + s.message);
}

}  // namespace

Result<Image> DecodePng(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  Session session(bytes);
  if (!ReadHeader(session)) return Failure(session);
  QRUN_ASSIGN_OR_RETURN(Image image, NewRgbImage("PNG", session.width, session.height, limits));
  if (!ReadPixels(session, image.pixels.data())) return Failure(session);
  if (session.indexed) {
    const size_t width = static_cast<size_t>(image.width);
    for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
      SpreadRow(image.pixels.data() + y * 3 * width, width, session.table);
    }
  }
  return image;
}

}  // namespace qrun::image
