// What tests ask of errors.

#ifndef BITBUDGET_TESTS_UNIT_PLANNER_STATUS_TESTING_H_
#define BITBUDGET_TESTS_UNIT_PLANNER_STATUS_TESTING_H_

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "util/error.h"

namespace bitbudget::planner {

// "parameters 1 of 2" for every axis that is missing; empty if none is.
inline std::vector<std::string> MissingAxes(const absl::Status& status) {
  std::vector<std::string> axes;
  const ErrorDetails details = GetErrorDetails(status).value_or(ErrorDetails{});
  for (const MissingAxis& axis : details.missing_axes) {
    axes.push_back(axis.axis + " " + std::to_string(axis.level_count) + " of " +
                   std::to_string(axis.needed_level_count));
  }
  return axes;
}

// FAILED_PRECONDITION, DATA_CANNOT_ANSWER, with an explanation that contains
// `explanation`.
MATCHER_P(CannotAnswer, explanation, "") {
  const auto details = GetErrorDetails(arg);
  return arg.code() == absl::StatusCode::kFailedPrecondition && details &&
         details->reason == "DATA_CANNOT_ANSWER" &&
         testing::ExplainMatchResult(
             testing::HasSubstr(explanation), details->explanation, result_listener);
}

// `code` about `field`.
MATCHER_P2(ViolatesField, code, field, "") {
  const auto details = GetErrorDetails(arg);
  return arg.code() == code && details && !details->field_violations.empty() &&
         details->field_violations[0].field == field;
}

}  // namespace bitbudget::planner

#endif  // BITBUDGET_TESTS_UNIT_PLANNER_STATUS_TESTING_H_
