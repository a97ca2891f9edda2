#include "planner/grid.h"

#include <cmath>
#include <limits>
#include <utility>

#include "planner/best_fraction.h"
#include "planner/capability.h"
#include "planner/grid_question.h"
#include "planner/optimal_split.h"
#include "planner/split_cost.h"
#include "planner/uncertainty.h"
#include "util/status_macros.h"

namespace bitbudget::planner {
namespace {

constexpr size_t kPointsBetweenPolls = 1024;

double Get(const GridVariables& variables, GridVariable variable) {
  return *variables[Index(variable)];
}

bool IsRun(const RunPoint& run) {
  return run.fp_tokens > 0 && (run.qat_tokens > 0 || run.weight_bits == 16);
}

struct GridPoint {
  Estimate estimate;
  RunPoint run;
};

// Evaluates single points; all that does not change from point to point is kept.
class PointEvaluator {
 public:
  PointEvaluator(const FittedLaw& law, const GridQuestion& question)
      : law_(law),
        quantity_(question.quantity),
        uncertainty_(question.with_intervals ? Uncertainty(law, question.confidence_level)
                                             : Uncertainty(law)) {}

  absl::StatusOr<GridPoint> Evaluate(const GridVariables& variables) const {
    return quantity_ == GridQuantity::kLossNats ? Loss(ResolveRun(variables))
                                                : AtOptimum(variables);
  }

 private:
  Estimate LossEstimate(double loss_nats, const RunPoint& run) const {
    if (!uncertainty_.wanted()) return {loss_nats};
    std::vector<double> gradient;
    fitter::LogLoss(law_.law, law_.theta, run, &gradient);
    return uncertainty_.Loss(run, loss_nats, gradient);
  }

  absl::StatusOr<GridPoint> Loss(const RunPoint& run) const {
    // Half of a grid over phases may be no runs: refused without the details of
    // an error, which would cost more than a point.
    if (!IsRun(run)) return absl::OutOfRangeError("no run");
    RETURN_IF_ERROR(CheckLossQuestion(law_, run));
    const double loss_nats = std::exp(fitter::LogLoss(law_.law, law_.theta, run));
    return GridPoint{LossEstimate(loss_nats, run), run};
  }

  absl::StatusOr<GridPoint> AtOptimum(const GridVariables& variables) const {
    const double parameters = Get(variables, GridVariable::kParameters);
    const double weight_bits = Get(variables, GridVariable::kWeightBits);
    RETURN_IF_ERROR(CheckSplitQuestion(law_, parameters, weight_bits));
    const LossSurface surface(law_, parameters, weight_bits);
    const Budget budget{std::log(Get(variables, GridVariable::kTotalTokens))};
    const std::optional<OptimalSplit> optimum = FindOptimalSplit(surface, budget);
    if (!optimum) return NoInteriorOptimum(law_);
    const RunPoint run = surface.RunAt(optimum->tokens);
    RETURN_IF_ERROR(CheckLossQuestion(law_, run));
    switch (quantity_) {
      case GridQuantity::kOptimalQatFraction:
        return GridPoint{BestFraction(surface, budget, *optimum, uncertainty_), run};
      case GridQuantity::kWastedTokenFraction:
        return Waste(surface, budget, *optimum, Get(variables, GridVariable::kQatFraction));
      default:
        return GridPoint{LossEstimate(optimum->loss_nats(), run), run};
    }
  }

  absl::StatusOr<GridPoint> Waste(const LossSurface& surface,
                                  const Budget& budget,
                                  const OptimalSplit& optimum,
                                  double qat_fraction) const {
    const double total_tokens = std::exp(budget.log_tokens);
    const RunPoint run{surface.parameters(),
                       (1 - qat_fraction) * total_tokens,
                       qat_fraction * total_tokens,
                       surface.weight_bits()};
    RETURN_IF_ERROR(CheckLossQuestion(law_, run));
    return GridPoint{WastedTokenFraction(surface, budget, optimum, qat_fraction, uncertainty_),
                     run};
  }

  const FittedLaw& law_;
  GridQuantity quantity_;
  Uncertainty uncertainty_;
};

// Collects the points of a grid.
class AnswerBuilder {
 public:
  AnswerBuilder(const FittedLaw& law, size_t point_count, bool with_intervals)
      : law_(law), with_intervals_(with_intervals) {
    answer_.values.reserve(point_count);
    answer_.inside_data.reserve(point_count);
    if (!with_intervals) return;
    answer_.lower.reserve(point_count);
    answer_.upper.reserve(point_count);
  }

  void Add(const absl::StatusOr<GridPoint>& point) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    const bool described = point.ok() && std::isfinite(point->estimate.value);
    answer_.values.push_back(described ? point->estimate.value : kNone);
    if (with_intervals_) {
      const Interval interval = described
                                    ? point->estimate.interval.value_or(Interval{kNone, kNone})
                                    : Interval{kNone, kNone};
      answer_.lower.push_back(interval.lower);
      answer_.upper.push_back(interval.upper);
    }
    answer_.inside_data.push_back(described && AddOutside(point->run));
    any_described_ = any_described_ || described;
  }

  bool any_described() const { return any_described_; }
  GridAnswer Take() { return std::move(answer_); }

 private:
  // Keeps the farthest point on each axis; true if the run is inside.
  bool AddOutside(const RunPoint& run) {
    const std::vector<OutsideAxis> outside = OutsideData(law_.support, run);
    KeepFarthest(outside, &answer_.outside);
    return outside.empty();
  }

  const FittedLaw& law_;
  bool with_intervals_;
  bool any_described_ = false;
  GridAnswer answer_;
};

}  // namespace

absl::StatusOr<GridAnswer> EvaluateGrid(const FittedLaw& law, const GridQuestion& question) {
  RETURN_IF_ERROR(CheckGridQuestion(question));
  const GridAxis& outer = question.axes.front();
  const GridAxis& inner = question.axes.back();
  const size_t inner_count = question.axes.size() == 2 ? inner.values.size() : 1;
  const size_t point_count = outer.values.size() * inner_count;
  const PointEvaluator evaluator(law, question);
  AnswerBuilder builder(law, point_count, question.with_intervals);
  GridVariables variables = question.fixed;
  absl::Status first_refusal;
  for (size_t i = 0; i < point_count; ++i) {
    if (i % kPointsBetweenPolls == 0 && question.cancelled && question.cancelled()) {
      return absl::CancelledError("the grid was cancelled");
    }
    variables[Index(outer.variable)] = outer.values[i / inner_count];
    if (question.axes.size() == 2) {
      variables[Index(inner.variable)] = inner.values[i % inner_count];
    }
    const absl::StatusOr<GridPoint> point = evaluator.Evaluate(variables);
    first_refusal.Update(point.status());
    builder.Add(point);
  }
  if (!builder.any_described() && absl::IsFailedPrecondition(first_refusal)) return first_refusal;
  return builder.Take();
}

}  // namespace bitbudget::planner
