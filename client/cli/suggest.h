// "Did you mean ...?" Pure.

#ifndef BITBUDGET_CLIENT_CLI_SUGGEST_H_
#define BITBUDGET_CLIENT_CLI_SUGGEST_H_

#include <span>
#include <string>
#include <string_view>

namespace bitbudget::cli {

// "; did you mean 'X'?" with the candidate that takes the fewest edits to get
// from `word`, or an empty string if none is near (at most a third of the
// letters, and 2 for short words).
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_SUGGEST_H_
