// Between planning questions and answers of the contract and those of the
// planner. Requests are valid (see validate.h). Pure, thread-safe.

#ifndef BITBUDGET_SERVER_CONVERT_PLANNER_H_
#define BITBUDGET_SERVER_CONVERT_PLANNER_H_

#include <vector>

#include "bitbudget/v1/common.pb.h"
#include "bitbudget/v1/planner.pb.h"
#include "planner/answer.h"
#include "planner/grid.h"
#include "planner/loss.h"
#include "planner/qat_fraction.h"

namespace bitbudget::server {

// The confidence level of a request, or the default of all requests.
template <typename Request>
double ConfidenceLevel(const Request& request) {
  constexpr double kDefaultConfidenceLevel = 0.9;
  return request.has_confidence_level() ? request.confidence_level() : kDefaultConfidenceLevel;
}

// The run as `law` sees it: an optimizer that the law does not know is -1.
fitter::RunPoint ToRunPoint(const v1::PredictLossRequest& request, const fitter::Law& law);
planner::FractionQuestion ToFractionQuestion(const v1::OptimizeQatFractionRequest& request);
// Without `cancelled`, which belongs to the call.
planner::GridQuestion ToGridQuestion(const v1::EvaluateGridRequest& request);

// Answers, all but their provenance.
v1::PredictLossResponse ToResponse(const planner::LossAnswer& answer);
v1::OptimizeQatFractionResponse ToResponse(const planner::FractionAnswer& answer);
v1::EvaluateGridResponse ToResponse(const planner::GridQuestion& question,
                                    const planner::GridAnswer& answer);

v1::Estimate ToEstimate(const planner::Estimate& estimate);
v1::SplitComparison ToSplitComparison(const planner::SplitCost& cost);
v1::CooldownAdvice ToCooldownAdvice(const planner::CooldownAdvice& advice);
v1::Extrapolation ToExtrapolation(const std::vector<planner::OutsideAxis>& outside);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CONVERT_PLANNER_H_
