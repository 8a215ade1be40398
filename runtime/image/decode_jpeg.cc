// jpeglib.h wants size_t and FILE declared before it, and jerror.h wants jpeglib.h.
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

#include <csetjmp>
#include <new>
#include <vector>

#include "runtime/image/codec.h"

namespace qrun::image {
namespace {

constexpr int kMaxScans = 500;

// libjpeg reports errors by a callback that may not return, so reading runs between setjmp and longjmp.
// Everything with a destructor lives outside, in the session or in DecodeJpeg: a longjmp across it would skip
// it.
struct Session {
  Session() = default;
  ~Session() { jpeg_destroy_decompress(&cinfo); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  jpeg_decompress_struct cinfo = {};
  jpeg_error_mgr errors = {};
  jpeg_source_mgr source = {};
  jpeg_progress_mgr progress = {};
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = "";
  bool truncated = false;
  bool rows_complete = false;
  bool too_many_scans = false;
};

Session& SessionOf(j_common_ptr cinfo) { return *static_cast<Session*>(cinfo->client_data); }

[[noreturn]] void OnError(j_common_ptr cinfo) {
  Session& s = SessionOf(cinfo);
  cinfo->err->format_message(cinfo, s.message);
  std::longjmp(s.jump, 1);
}

void OnMessage(j_common_ptr) {}

void OnProgress(j_common_ptr cinfo) {
  Session& s = SessionOf(cinfo);
  if (s.cinfo.input_scan_number <= kMaxScans) return;
  s.too_many_scans = true;
  std::longjmp(s.jump, 1);
}

// libjpeg asks for more input only at the end of ours: all bytes were given at the start.
boolean OnFill(j_decompress_ptr cinfo) {
  SessionOf(reinterpret_cast<j_common_ptr>(cinfo)).truncated = true;
  ERREXIT(cinfo, JERR_INPUT_EOF);
  return FALSE;
}

void OnSkip(j_decompress_ptr cinfo, long n) {
  if (n <= 0) return;
  if (static_cast<size_t>(n) > cinfo->src->bytes_in_buffer) OnFill(cinfo);
  cinfo->src->next_input_byte += n;
  cinfo->src->bytes_in_buffer -= static_cast<size_t>(n);
}

void OnSource(j_decompress_ptr) {}

// False: an error, told in the session.
bool ReadHeader(Session& s, std::span<const std::byte> bytes) {
  s.cinfo.err = jpeg_std_error(&s.errors);
  s.errors.error_exit = OnError;
  s.errors.output_message = OnMessage;
  s.cinfo.client_data = &s;
  if (setjmp(s.jump)) return false;
  jpeg_create_decompress(&s.cinfo);
  s.source.init_source = OnSource;
  s.source.fill_input_buffer = OnFill;
  s.source.skip_input_data = OnSkip;
  s.source.resync_to_restart = jpeg_resync_to_restart;
  s.source.term_source = OnSource;
  s.source.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
  s.source.bytes_in_buffer = bytes.size();
  s.cinfo.src = &s.source;
  s.progress.progress_monitor = OnProgress;
  s.cinfo.progress = &s.progress;
  jpeg_read_header(&s.cinfo, TRUE);
  return true;
}

// Pillow's CMYK -> RGB of inverted samples: c = 255 - src, k likewise, dst = max(0, (255 - k) - c (255 - k) /
// 255), the quotient rounded to nearest (src/libImaging/Convert.c: cmyk2rgb). The difference is never
// negative: c <= 255.
uint8_t FromInvertedCmyk(unsigned ink, unsigned black) {
  const unsigned product = (255 - ink) * black + 128;
  return static_cast<uint8_t>(black - (((product >> 8) + product) >> 8));
}

// `cmyk_row` holds 4 * width bytes if the image has four components.
bool ReadPixels(Session& s, uint8_t* pixels, uint8_t* cmyk_row) {
  // As in Pillow, what follows the last row must be well formed, but the end marker may be missing.
  if (setjmp(s.jump)) return s.rows_complete && s.truncated;
  const bool grey = s.cinfo.num_components == 1;
  const bool cmyk = s.cinfo.num_components == 4;
  s.cinfo.out_color_space = grey ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&s.cinfo);
  const size_t width = s.cinfo.output_width;
  while (s.cinfo.output_scanline < s.cinfo.output_height) {
    uint8_t* row = pixels + s.cinfo.output_scanline * 3 * width;
    JSAMPROW dst = grey ? row + 2 * width : cmyk ? cmyk_row : row;
    jpeg_read_scanlines(&s.cinfo, &dst, 1);
    if (!cmyk) continue;
    for (size_t x = 0; x < width; ++x) {
      for (size_t c = 0; c < 3; ++c)
        row[3 * x + c] = FromInvertedCmyk(cmyk_row[4 * x + c], cmyk_row[4 * x + 3]);
    }
  }
  s.rows_complete = true;
  jpeg_finish_decompress(&s.cinfo);
  return true;
}

Status Failure(const Session& s, size_t bytes) {
  if (s.truncated) {
    return Status::InvalidArgument("truncated JPEG: the file ends at byte " + std::to_string(bytes) +
                                   ", before the image is complete");
  }
  if (s.too_many_scans) {
    return Status::ResourceLimit("JPEG of more than " + std::to_string(kMaxScans) + " scans");
  }
  const std::string message(s.message);
  switch (s.errors.msg_code) {
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_ARITH_NOTIMPL:
    case JERR_NOT_COMPILED:
      return Status::Unsupported("JPEG: " + message);
    case JERR_IMAGE_TOO_BIG:
    case JERR_OUT_OF_MEMORY:
      return Status::ResourceLimit("JPEG: " + message);
    default:
      return Status::InvalidArgument("corrupt JPEG: " + message);
  }
}

}  // namespace

Result<Image> DecodeJpeg(std::span<const std::byte> bytes, const DecodeLimits& limits) {
  Session session;
  if (!ReadHeader(session, bytes)) return Failure(session, bytes.size());
  const int components = session.cinfo.num_components;
  if (components != 1 && components != 3 && components != 4) {
    return Status::Unsupported("JPEG of " + std::to_string(components) + " components; expected 1, 3 or 4");
  }
  QRUN_ASSIGN_OR_RETURN(Image image,
                        NewRgbImage("JPEG", session.cinfo.image_width, session.cinfo.image_height, limits));
  const size_t width = static_cast<size_t>(image.width);
  std::vector<uint8_t> cmyk_row(components == 4 ? 4 * width : 0);
  if (!ReadPixels(session, image.pixels.data(), cmyk_row.data())) return Failure(session, bytes.size());
  if (components == 1) {
    Rgb greys[256];
    for (int i = 0; i < 256; ++i) greys[i].r = greys[i].g = greys[i].b = static_cast<uint8_t>(i);
    for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
      SpreadRow(image.pixels.data() + y * 3 * width, width, greys);
    }
  }
  return image;
}

}  // namespace qrun::image
