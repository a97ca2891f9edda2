#include "client/cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/time/clock.h"

namespace bitbudget::cli {
namespace {

constexpr absl::Duration kRefresh = absl::Milliseconds(100);
constexpr char kClearLine[] = "\r\033[K";

}  // namespace

bool OutputIsTerminal() { return isatty(STDOUT_FILENO) == 1; }

std::string Bold(std::string_view text) {
  const char* const no_color = std::getenv("NO_COLOR");
  const bool plain = !OutputIsTerminal() || (no_color != nullptr && *no_color != '\0');
  return plain ? std::string(text) : fmt::format("\033[1m{}\033[0m", text);
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
