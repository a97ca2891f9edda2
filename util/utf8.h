// Text from outside: bytes that may or may not be UTF-8. Pure functions,
// thread-safe.

#ifndef BITBUDGET_UTIL_UTF8_H_
#define BITBUDGET_UTIL_UTF8_H_

#include <string>
#include <string_view>

namespace bitbudget {

// Bytes of the valid character (Unicode 15, table 3-7: no overlong form, no
// surrogate, at most U+10FFFF) that `text` begins with; 0 if it begins with none.
size_t Utf8CharacterSize(std::string_view text);

bool IsUtf8(std::string_view text);

// `text` with U+FFFD in place of every byte that is no part of a valid character.
std::string ToUtf8(std::string_view text);

// Whether the character at the begin of `text`, one that is valid, is a control
// character: below U+0020, or U+007F to U+009F.
bool IsControl(std::string_view text);

}  // namespace bitbudget

#endif  // BITBUDGET_UTIL_UTF8_H_
