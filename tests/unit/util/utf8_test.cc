#include "util/utf8.h"

#include <gtest/gtest.h>

namespace bitbudget {
namespace {

TEST(Utf8Test, TheEndsOfEveryLengthAreCharacters) {
  for (const std::string_view character : {std::string_view("\0", 1),
                                           std::string_view("\x7F"),
                                           std::string_view("\xC2\x80"),
                                           std::string_view("\xDF\xBF"),
                                           std::string_view("\xE0\xA0\x80"),
                                           std::string_view("\xED\x9F\xBF"),
                                           std::string_view("\xEF\xBF\xBF"),
                                           std::string_view("\xF0\x90\x80\x80"),
                                           std::string_view("\xF4\x8F\xBF\xBF")}) {
    EXPECT_EQ(Utf8CharacterSize(character), character.size());
    EXPECT_TRUE(IsUtf8(character));
  }
}

TEST(Utf8Test, WhatLiesBeyondThemIsNone) {
  for (const char* bytes : {"\x80",              // begins none
                            "\xC1\xBF",          // overlong
                            "\xE0\x9F\xBF",      // overlong
                            "\xED\xA0\x80",      // a surrogate
                            "\xF0\x8F\xBF\xBF",  // overlong
                            "\xF4\x90\x80\x80",  // beyond U+10FFFF
                            "\xF5\x80\x80\x80",
                            "\xFF",
                            "\xC2",          // cut off
                            "\xE2\x82",      // cut off
                            "\xE2\x82x",     // third byte
                            "\xE2x\x82"}) {  // second byte
    EXPECT_EQ(Utf8CharacterSize(bytes), 0u) << bytes;
    EXPECT_FALSE(IsUtf8(bytes)) << bytes;
  }
}

TEST(Utf8Test, OnlyTheBytesThatAreNoneAreReplaced) {
  EXPECT_EQ(ToUtf8("a\xFF\xE2\x82\xACz\xC2"), "a\xEF\xBF\xBD€z\xEF\xBF\xBD");
  EXPECT_EQ(ToUtf8("größer als 3 €"), "größer als 3 €");
}

TEST(Utf8Test, KnowsControlCharacters) {
  for (const char* control : {"\n", "\x1B", "\x7F", "\xC2\x80", "\xC2\x9F"}) {
    EXPECT_TRUE(IsControl(control));
  }
  EXPECT_TRUE(IsControl(std::string_view("\0", 1)));
  for (const char* other : {"", " ", "~", "\xC2\xA0", "\xC3\x80"}) EXPECT_FALSE(IsControl(other));
}

}  // namespace
}  // namespace bitbudget
