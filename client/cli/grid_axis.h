// An axis of a grid as people write it. Pure.

#ifndef BITBUDGET_CLIENT_CLI_GRID_AXIS_H_
#define BITBUDGET_CLIENT_CLI_GRID_AXIS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "bitbudget/v1/planner.pb.h"

namespace bitbudget::cli {

// Reads "total_tokens=1e9:1e12:20" (from, to, how many points), the same with
// ":log" for even steps of the logarithm, or "weight_bits=1,2,4". Values are
// quantities. INVALID_ARGUMENT, with an example of what is right.
absl::StatusOr<v1::GridAxis> ParseGridAxis(std::string_view text);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_GRID_AXIS_H_
