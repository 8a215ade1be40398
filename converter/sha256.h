// SHA-256 of a byte stream, as FIPS 180-4 defines it. Used to name the source of a model; not a security
// boundary.
#ifndef QRUN_CONVERTER_SHA256_H_
#define QRUN_CONVERTER_SHA256_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace qrun::converter {

class Sha256 {
 public:
  void Update(std::span<const std::byte> bytes);
  // 64 lower-case hexadecimal digits. Ends the stream: call once.
  std::string HexDigest();

 private:
  void Compress(const std::byte* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                    0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
  std::array<std::byte, 64> pending_;
  uint64_t total_bytes_ = 0;
};

std::string Sha256Hex(std::span<const std::byte> bytes);

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_SHA256_H_
