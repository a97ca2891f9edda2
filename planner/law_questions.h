// Which law answers which question: the one table of it. What a law's own data must
// have for an answer is capability.h.

#ifndef BITBUDGET_PLANNER_LAW_QUESTIONS_H_
#define BITBUDGET_PLANNER_LAW_QUESTIONS_H_

#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace bitbudget::planner {

// The questions of bitbudget.v1.PlannerService that are put to a law.
enum class Question {
  kPredictLoss,
  kOptimizeQatFraction,
  kEvaluateGrid,
  kOptimizeBitWidth,
  kCompareToFullPrecision,
  kEstimateWaste,
  kPlanTraining,
};

// All of them, in the order above.
std::span<const Question> AllQuestions();

// "PredictLoss".
std::string_view NameOf(Question question);

// True if the law, a family (fitter/law.h) or a published law (published_laws.h),
// answers questions of this kind. False for a law that is none.
bool Answers(std::string_view law, Question question);

// OK if it does; else LawCannotAnswer, naming the laws that do.
absl::Status CheckAnswers(std::string_view law, Question question);

// FAILED_PRECONDITION, DATA_CANNOT_ANSWER about a law that no data would help.
absl::Status LawCannotAnswer(std::string_view explanation);

}  // namespace bitbudget::planner

#endif  // BITBUDGET_PLANNER_LAW_QUESTIONS_H_
