#include "converter/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace qrun::converter {
namespace {

std::string HashOf(const std::string& text) { return Sha256Hex(std::as_bytes(std::span(text))); }

// Test vectors of FIPS 180-4 (NIST's example values for SHA-256).
TEST(Sha256, MatchesPublishedVectors) {
  EXPECT_EQ(HashOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HashOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HashOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(HashOf(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheStreamIsCut) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 hash;
    hash.Update(std::as_bytes(std::span(text).first(cut)));
    hash.Update(std::as_bytes(std::span(text).subspan(cut)));
    ASSERT_EQ(hash.HexDigest(), HashOf(text)) << cut;
  }
}

}  // namespace
}  // namespace qrun::converter
