#include "runtime/content_hash.h"

#include <bit>
#include <cstring>

namespace qrun {
namespace {

// Odd, so that multiplying loses nothing; digits of sqrt(2), sqrt(3), sqrt(5) and sqrt(7).
constexpr uint64_t kOdd[4] = {0x6a09e667f3bcc909, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1};
constexpr size_t kStripe = 4 * sizeof(uint64_t);

// One-to-one in each argument while the other stays.
uint64_t Mix(uint64_t chain, uint64_t word) { return std::rotl(chain + word * kOdd[0], 29) * kOdd[1]; }

uint64_t Finish(uint64_t x) {
  x = (x ^ (x >> 32)) * kOdd[2];
  x = (x ^ (x >> 29)) * kOdd[3];
  return x ^ (x >> 32);
}

void MixStripe(const std::byte* stripe, uint64_t* chains) {
  uint64_t words[4];
  std::memcpy(words, stripe, kStripe);
  for (int i = 0; i < 4; ++i) chains[i] = Mix(chains[i], words[i]);
}

}  // namespace

std::string ContentHash::Hex() const {
  std::string text;
  for (uint64_t word : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[word >> shift & 15];
  }
  return text;
}

ContentHash HashContent(std::span<const std::byte> bytes) {
  uint64_t chains[4] = {kOdd[0], kOdd[1], kOdd[2], kOdd[3]};
  size_t at = 0;
  for (; at + kStripe <= bytes.size(); at += kStripe) MixStripe(bytes.data() + at, chains);
  if (at < bytes.size()) {
    std::byte last[kStripe] = {};
    std::memcpy(last, bytes.data() + at, bytes.size() - at);
    MixStripe(last, chains);
  }
  ContentHash hash{bytes.size(), ~uint64_t{bytes.size()}};
  for (int i = 0; i < 4; ++i) {
    hash.high = Mix(hash.high, chains[i]);
    hash.low = Mix(hash.low, chains[3 - i] * kOdd[3]);
  }
  return {Finish(hash.high), Finish(hash.low)};
}

}  // namespace qrun
