#include "util/utf8.h"

#include <algorithm>

namespace bitbudget {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool IsBetween(char byte, unsigned lower, unsigned upper) {
  const auto value = static_cast<unsigned char>(byte);
  return value >= lower && value <= upper;
}

// How long a character is that begins with `byte`, and between which bounds its
// second byte lies; size 0 if none begins so.
struct Form {
  size_t size = 0;
  unsigned lower = 0x80;
  unsigned upper = 0xBF;
};

Form FormOf(char byte) {
  if (IsBetween(byte, 0x00, 0x7F)) return {.size = 1};
  if (IsBetween(byte, 0xC2, 0xDF)) return {.size = 2};
  if (IsBetween(byte, 0xE0, 0xE0)) return {.size = 3, .lower = 0xA0};
  if (IsBetween(byte, 0xED, 0xED)) return {.size = 3, .upper = 0x9F};
  if (IsBetween(byte, 0xE1, 0xEF)) return {.size = 3};
  if (IsBetween(byte, 0xF0, 0xF0)) return {.size = 4, .lower = 0x90};
  if (IsBetween(byte, 0xF1, 0xF3)) return {.size = 4};
  if (IsBetween(byte, 0xF4, 0xF4)) return {.size = 4, .upper = 0x8F};
  return {};
}

}  // namespace

size_t Utf8CharacterSize(std::string_view text) {
  if (text.empty()) return 0;
  const Form form = FormOf(text[0]);
  if (form.size > text.size()) return 0;
  if (form.size > 1 && !IsBetween(text[1], form.lower, form.upper)) return 0;
  const std::string_view rest = text.substr(std::min<size_t>(2, form.size), form.size - 2);
  if (form.size > 2 && !std::all_of(rest.begin(), rest.end(), [](char byte) {
        return IsBetween(byte, 0x80, 0xBF);
      })) {
    return 0;
  }
  return form.size;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t size = Utf8CharacterSize(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string ToUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const size_t size = Utf8CharacterSize(text);
    valid += size == 0 ? kReplacement : text.substr(0, size);
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return valid;
}

bool IsControl(std::string_view text) {
  if (text.empty()) return false;
  if (text[0] == '\xC2') return text.size() > 1 && IsBetween(text[1], 0x80, 0x9F);
  return IsBetween(text[0], 0x00, 0x1F) || text[0] == '\x7F';
}

}  // namespace bitbudget
