#include "client/cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/time/clock.h"
#include "util/utf8.h"

namespace bitbudget::cli {
namespace {

constexpr absl::Duration kRefresh = absl::Milliseconds(100);
constexpr char kClearLine[] = "\r\033[K";
constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kPlain = "\033[0m";

// What a terminal shall act on.
bool IsMeant(std::string_view text) {
  return text[0] == '\n' || text[0] == '\t' || text.substr(0, kBold.size()) == kBold ||
         text.substr(0, kPlain.size()) == kPlain;
}

// The number of a control character that `text` begins with.
unsigned ControlNumber(std::string_view text) {
  // Those of two bytes are C2 80 to C2 9F, for U+0080 to U+009F.
  return static_cast<unsigned char>(text[text[0] == '\xC2' ? 1 : 0]);
}

}  // namespace

bool OutputIsTerminal() { return isatty(STDOUT_FILENO) == 1; }

std::string Bold(std::string_view text) {
  const char* const no_color = std::getenv("NO_COLOR");
  const bool plain = !OutputIsTerminal() || (no_color != nullptr && *no_color != '\0');
  return plain ? std::string(text) : fmt::format("{}{}{}", kBold, text, kPlain);
}

std::string Printable(std::string_view text) {
  const std::string valid = ToUtf8(text);
  std::string printable;
  printable.reserve(valid.size());
  for (std::string_view rest = valid; !rest.empty();) {
    const size_t size = Utf8CharacterSize(rest);
    if (IsControl(rest) && !IsMeant(rest)) {
      printable += fmt::format("\\u{:04x}", ControlNumber(rest));
    } else {
      printable += rest.substr(0, size);
    }
    rest.remove_prefix(size);
  }
  return printable;
}

ProgressLine::ProgressLine() : visible_(isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (shown_) std::fputs(kClearLine, stderr);
}

void ProgressLine::Show(std::string_view text) {
  const absl::Time now = absl::Now();
  if (!visible_ || now - last_shown_ < kRefresh) return;
  fmt::print(stderr, "{}{}", kClearLine, text);
  std::fflush(stderr);
  shown_ = true;
  last_shown_ = now;
}

}  // namespace bitbudget::cli
