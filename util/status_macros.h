// RETURN_IF_ERROR and ASSIGN_OR_RETURN for absl::Status and absl::StatusOr.

#ifndef BITBUDGET_UTIL_STATUS_MACROS_H_
#define BITBUDGET_UTIL_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define BITBUDGET_CONCAT_INNER(a, b) a##b
#define BITBUDGET_CONCAT(a, b) BITBUDGET_CONCAT_INNER(a, b)

// Returns from the enclosing function if `expression` is not OK.
#define RETURN_IF_ERROR(expression)                                             \
  do {                                                                          \
    if (absl::Status bitbudget_status = (expression); !bitbudget_status.ok()) { \
      return bitbudget_status;                                                  \
    }                                                                           \
  } while (false)

// Evaluates `expression`, a StatusOr<T>; moves its value into `target` or
// returns its error from the enclosing function. `target` may be a declaration.
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_IMPL(BITBUDGET_CONCAT(bitbudget_or_, __LINE__), target, expression)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration takes no parentheses.
#define ASSIGN_OR_RETURN_IMPL(status_or, target, expression) \
  auto status_or = (expression);                             \
  if (!status_or.ok()) return std::move(status_or).status(); \
  target = *std::move(status_or)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // BITBUDGET_UTIL_STATUS_MACROS_H_
