// A quantity over one or two axes, for plots.

#ifndef BITBUDGET_PLANNER_GRID_H_
#define BITBUDGET_PLANNER_GRID_H_

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "planner/answer.h"

namespace bitbudget::planner {

enum class GridVariable {
  kParameters,
  kTotalTokens,
  kFpTokens,
  kQatTokens,
  kQatFraction,
  kWeightBits,
};
inline constexpr int kGridVariableCount = 6;

enum class GridQuantity {
  kLossNats,
  kOptimalQatFraction,
  kLossAtOptimumNats,
  kWastedTokenFraction,
};

struct GridAxis {
  GridVariable variable = GridVariable::kParameters;
  std::vector<double> values;  // at least one, finite, >= 0
};

struct GridQuestion {
  GridQuantity quantity = GridQuantity::kLossNats;
  std::vector<GridAxis> axes;  // one or two, different variables
  // Values of the variables that are not axes, by GridVariable; finite, >= 0.
  // A loss takes two of the four token variables.
  std::array<std::optional<double>, kGridVariableCount> fixed;
  bool with_intervals = false;
  double confidence_level = 0.9;
  // Polled now and then; true stops with CANCELLED. May be empty.
  std::function<bool()> cancelled;
};

// Values in the order of the axes, the last one running fastest; NaN where the
// law does not describe the point or the data cannot answer it.
struct GridAnswer {
  std::vector<double> values;
  std::vector<double> lower;  // empty without with_intervals; NaN where unknown
  std::vector<double> upper;
  std::vector<bool> inside_data;
  // The farthest outside on each axis over the whole grid; empty if inside.
  std::vector<OutsideAxis> outside;
};

// Evaluates the grid.
//
// Errors:
// - INVALID_ARGUMENT: not one or two axes, an axis without values, variables that
//   are missing, doubled, or not needed by the quantity; names them.
// - FAILED_PRECONDITION: no point can be answered, and PredictLoss or
//   OptimizeQatFraction refuse one of them so.
// - CANCELLED: question.cancelled returned true.
absl::StatusOr<GridAnswer> EvaluateGrid(const FittedLaw& law, const GridQuestion& question);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_GRID_H_
