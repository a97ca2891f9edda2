// Whether a grid is well posed, and which runs its points are.

#ifndef BITBUDGET_PLANNER_GRID_QUESTION_H_
#define BITBUDGET_PLANNER_GRID_QUESTION_H_

#include <array>
#include <optional>

#include "absl/status/status.h"
#include "planner/grid.h"

namespace bitbudget::planner {

// Values by GridVariable.
using GridVariables = std::array<std::optional<double>, kGridVariableCount>;

constexpr int Index(GridVariable variable) { return static_cast<int>(variable); }

// INVALID_ARGUMENT as EvaluateGrid has it.
absl::Status CheckGridQuestion(const GridQuestion& question);

// The run of a loss question, from the two token variables given. Not every such
// run exists: fp_tokens may exceed total_tokens.
RunPoint ResolveRun(const GridVariables& variables);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_GRID_QUESTION_H_
