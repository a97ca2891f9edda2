// What the program may do with where its output goes.

#ifndef BITBUDGET_CLIENT_CLI_TERMINAL_H_
#define BITBUDGET_CLIENT_CLI_TERMINAL_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace bitbudget::cli {

// Whether standard output is a terminal.
bool OutputIsTerminal();

// `text` in bold on a terminal that wants colours (NO_COLOR is unset), otherwise
// as it is.
std::string Bold(std::string_view text);

// `text` as a terminal may be given it: valid UTF-8, and control characters, but
// for line ends, tabs and what Bold adds, written out as "\u001b".
std::string Printable(std::string_view text);

// A line of standard error that is rewritten while long work goes on, and gone
// when it is over. Silent unless standard error is a terminal. Not thread-safe.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();

  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Shows `text` in place of what stood there; at most ten times a second.
  void Show(std::string_view text);

  // Whether anyone sees it.
  bool visible() const { return visible_; }

 private:
  const bool visible_;
  bool shown_ = false;
  absl::Time last_shown_ = absl::InfinitePast();
};

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_TERMINAL_H_
