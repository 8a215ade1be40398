#include "runtime/npy.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "runtime/file.h"

namespace qrun {
namespace {

static_assert(std::endian::native == std::endian::little, "the data is taken as it stands in the file");

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr size_t kMaxDimensions = 32;  // NumPy's own bound
constexpr size_t kHeaderAlignment = 64;

// Bytes per element, 0 for a dtype that is not supported.
size_t ElementBytes(std::string_view dtype) {
  constexpr std::pair<std::string_view, size_t> kTypes[] = {
      {"f4", 4}, {"i1", 1}, {"u1", 1}, {"i4", 4}, {"i8", 8}};
  for (const auto& [name, bytes] : kTypes) {
    if (dtype == name) return bytes;
  }
  return 0;
}

// Bytes of an array, or nothing if an extent is negative or the product exceeds int64.
std::optional<uint64_t> ArrayBytes(const std::vector<int64_t>& shape, size_t element_bytes) {
  // An extent of 0 makes the product 0 whatever the others are; they are still multiplied as if it were 1, so
  // that (0, 2^62, 2^62) is refused rather than waiting for someone to multiply a part of it.
  uint64_t product = element_bytes;
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) empty = true;
    const uint64_t factor = std::max<int64_t>(extent, 1);
    if (product > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / factor) return std::nullopt;
    product *= factor;
  }
  return empty ? 0 : product;
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::string text = "(";
  for (const int64_t extent : shape) text += std::to_string(extent) + ", ";
  if (shape.size() > 1) text.resize(text.size() - 2);
  if (shape.size() == 1) text.resize(text.size() - 1);
  return text + ")";
}

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

// Reads the Python dictionary literal of a header: three known keys in any order, nothing else.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  Result<Header> Parse() {
    Header header;
    bool have_descr = false, have_order = false, have_shape = false;
    if (!Take('{')) return Bad("'{'");
    while (!Take('}')) {
      std::string key;
      if (!TakeString(&key)) return Bad("a quoted key or '}'");
      if (!Take(':')) return Bad("':' after the key '" + key + "'");
      if (key == "descr" && !have_descr) {
        have_descr = true;
        if (!TakeString(&header.descr)) {
          return Status::Unsupported("'descr' at byte " + std::to_string(pos_) +
                                     " of the header is not a string; structured arrays are not supported");
        }
      } else if (key == "fortran_order" && !have_order) {
        have_order = true;
        header.fortran_order = TakeWord("True");
        if (!header.fortran_order && !TakeWord("False")) return Bad("True or False");
      } else if (key == "shape" && !have_shape) {
        have_shape = true;
        QRUN_RETURN_IF_ERROR(TakeShape(&header.shape));
      } else {
        return Status::InvalidArgument("the header's key '" + key + "' is repeated or not one of descr, " +
                                       "fortran_order, shape");
      }
      if (!Take(',') && !At('}')) return Bad("',' or '}'");
    }
    SkipSpace();
    if (pos_ != text_.size()) return Bad("the end of the header");
    if (!have_descr || !have_order || !have_shape) {
      return Status::InvalidArgument("the header lacks one of the keys descr, fortran_order, shape");
    }
    return header;
  }

 private:
  void SkipSpace() {
    while (pos_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[pos_]))) ++pos_;
  }
  bool At(char c) {
    SkipSpace();
    return pos_ < text_.size() && text_[pos_] == c;
  }
  bool Take(char c) {
    if (!At(c)) return false;
    ++pos_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    SkipSpace();
    if (text_.substr(pos_, word.size()) != word) return false;
    pos_ += word.size();
    return true;
  }
  bool TakeString(std::string* value) {
    if (!At('\'') && !At('"')) return false;
    const size_t end = text_.find(text_[pos_], pos_ + 1);
    if (end == std::string_view::npos) return false;
    *value = text_.substr(pos_ + 1, end - pos_ - 1);
    pos_ = end + 1;
    return true;
  }
  Status TakeShape(std::vector<int64_t>* shape) {
    if (!Take('(')) return Bad("'(' to open the shape");
    while (!Take(')')) {
      if (shape->size() == kMaxDimensions) {
        return Status::ResourceLimit("the shape has more than " + std::to_string(kMaxDimensions) +
                                     " dimensions");
      }
      SkipSpace();
      const size_t begin = pos_;
      int64_t extent = 0;
      for (; pos_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[pos_])); ++pos_) {
        const int digit = text_[pos_] - '0';
        if (extent > (std::numeric_limits<int64_t>::max() - digit) / 10) {
          return Status::ResourceLimit("an extent of the shape exceeds 64 bits");
        }
        extent = extent * 10 + digit;
      }
      if (pos_ == begin) return Bad("a non-negative extent");
      shape->push_back(extent);
      if (!Take(',') && !At(')')) return Bad("',' or ')' in the shape");
    }
    return Status::Ok();
  }
  Status Bad(const std::string& wanted) const {
    return Status::InvalidArgument("malformed header: expected " + wanted + " at byte " +
                                   std::to_string(pos_) + " of the header's " + std::to_string(text_.size()));
  }

  std::string_view text_;
  size_t pos_ = 0;
};

}  // namespace

Result<NpyArray> ParseNpy(std::vector<std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(0, kMagic.size()) != kMagic) {
    return Status::InvalidArgument("not a .npy file: it does not start with \\x93NUMPY");
  }
  const auto byte_at = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(text[i])); };
  const size_t major = text.size() > kMagic.size() ? byte_at(kMagic.size()) : 0;
  if (text.size() > kMagic.size() && (major < 1 || major > 3)) {
    return Status::Unsupported("version " + std::to_string(major) +
                               " of the .npy format; expected 1, 2 or 3");
  }
  const size_t length_bytes = major == 1 ? 2 : 4;
  const size_t header_begin = kMagic.size() + 2 + length_bytes;
  if (text.size() < header_begin) {
    return Status::InvalidArgument("truncated: " + std::to_string(text.size()) +
                                   " bytes end before the header");
  }
  size_t header_bytes = 0;
  for (size_t i = 0; i < length_bytes; ++i)
    header_bytes |= byte_at(header_begin - length_bytes + i) << (8 * i);
  if (header_bytes > text.size() - header_begin) {
    return Status::InvalidArgument("truncated: the header states " + std::to_string(header_bytes) +
                                   " bytes, the file has " + std::to_string(text.size() - header_begin) +
                                   " left");
  }
  QRUN_ASSIGN_OR_RETURN(Header header, HeaderParser(text.substr(header_begin, header_bytes)).Parse());

  NpyArray array;
  array.dtype = header.descr.empty() ? "" : header.descr.substr(1);
  const size_t element_bytes = ElementBytes(array.dtype);
  const char order = header.descr.empty() ? '?' : header.descr[0];
  if (element_bytes == 0 || std::string_view("<|>=").find(order) == std::string_view::npos) {
    return Status::Unsupported("dtype '" + header.descr + "'; expected <f4, |i1, |u1, <i4 or <i8");
  }
  if (element_bytes > 1 && order != '<') {
    return Status::Unsupported("dtype '" + header.descr + "' is not stored as little endian; save it with " +
                               "array.astype('<" + array.dtype + "')");
  }
  if (header.fortran_order) {
    return Status::Unsupported("the array is in Fortran order; save it with numpy.ascontiguousarray(array)");
  }
  array.shape = std::move(header.shape);
  const std::optional<uint64_t> data_bytes = ArrayBytes(array.shape, element_bytes);
  if (!data_bytes) {
    return Status::ResourceLimit("shape " + ShapeText(array.shape) + " describes more than 2^63 bytes");
  }
  const size_t data_begin = header_begin + header_bytes;
  if (*data_bytes != bytes.size() - data_begin) {
    return Status::InvalidArgument("shape " + ShapeText(array.shape) + " of " + array.dtype + " needs " +
                                   std::to_string(*data_bytes) + " bytes of data, the file has " +
                                   std::to_string(bytes.size() - data_begin));
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(data_begin));
  array.data = std::move(bytes);
  return array;
}

Result<NpyArray> ReadNpy(const std::string& path, uint64_t max_bytes) {
  QRUN_ASSIGN_OR_RETURN(std::vector<std::byte> bytes, ReadFile(path, max_bytes));
  Result<NpyArray> array = ParseNpy(std::move(bytes));
  if (!array.ok()) return array.error().Annotate("'" + path + "'");
  return array;
}

Status WriteNpy(const std::string& path, const NpyArray& array) {
  const size_t element_bytes = ElementBytes(array.dtype);
  if (element_bytes == 0) {
    return Status::InvalidArgument("dtype '" + array.dtype +
                                   "' cannot be written; expected f4, i1, u1, i4 or i8");
  }
  if (array.shape.size() > kMaxDimensions) {
    return Status::InvalidArgument("an array of more than " + std::to_string(kMaxDimensions) +
                                   " dimensions cannot be written");
  }
  const std::optional<uint64_t> data_bytes = ArrayBytes(array.shape, element_bytes);
  if (!data_bytes || *data_bytes != array.data.size()) {
    return Status::InvalidArgument("shape " + ShapeText(array.shape) + " of " + array.dtype +
                                   " does not match " + std::to_string(array.data.size()) + " bytes of data");
  }
  const char order = element_bytes == 1 ? '|' : '<';
  std::string dictionary = std::string("{'descr': '") + order + array.dtype +
                           "', 'fortran_order': False, 'shape': " + ShapeText(array.shape) + ", }";
  // Padded so that the data starts on a multiple of 64; 32 extents of 20 digits stay far below version 1's
  // 65535.
  const size_t prefix_bytes = kMagic.size() + 4;
  const size_t used_bytes = prefix_bytes + dictionary.size() + 1;
  dictionary.append((kHeaderAlignment - used_bytes % kHeaderAlignment) % kHeaderAlignment, ' ');
  dictionary += '\n';
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(dictionary.size() & 0xff),
             static_cast<char>(dictionary.size() >> 8)};
  header += dictionary;
  return WriteFile(path, {std::as_bytes(std::span(header)), std::span(array.data)});
}

}  // namespace qrun
