#include "util/sha256.h"

#include <gtest/gtest.h>

namespace bitbudget {
namespace {

TEST(Sha256Test, EmptyInputGivesThePublishedDigest) {
  EXPECT_EQ(ToHex(FieldHasher().Finish()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256Test, EncodingIsTheDocumentedOne) {
  // sha256 of "s" + 3 as eight bytes + "abc", from an independent tool.
  FieldHasher hasher;
  hasher.Add(std::string_view("abc"));
  EXPECT_EQ(ToHex(hasher.Finish()),
            "738cc6a4aeca85404f503c399ed1bf53f0e7e5b104bb428cc3b24df250a46e64");
}

TEST(Sha256Test, FieldBoundariesCount) {
  FieldHasher a, b;
  a.Add(std::string_view("ab"));
  a.Add(std::string_view("c"));
  b.Add(std::string_view("a"));
  b.Add(std::string_view("bc"));
  EXPECT_NE(a.Finish(), b.Finish());
}

TEST(Sha256Test, NegativeZeroIsZero) {
  FieldHasher a, b;
  a.Add(0.0);
  b.Add(-0.0);
  EXPECT_EQ(a.Finish(), b.Finish());
}

}  // namespace
}  // namespace bitbudget
