#include "planner/law_questions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "util/error.h"

namespace bitbudget::planner {
namespace {

constexpr std::array kQuestions = {Question::kPredictLoss,
                                   Question::kOptimizeQatFraction,
                                   Question::kEvaluateGrid,
                                   Question::kOptimizeBitWidth,
                                   Question::kCompareToFullPrecision,
                                   Question::kEstimateWaste,
                                   Question::kPlanTraining};

// What a law knows decides what it answers.
struct Knowledge {
  std::string_view law;
  bool losses = false;    // of the runs that it describes
  bool grids = false;     // of losses over its axes
  bool splits = false;    // what full precision and QAT trade
  bool fraction = false;  // the best fraction and no more
};

// Fitted families, then published laws. Published laws of QAT after training and of
// multipliers answer none of the questions.
constexpr Knowledge kTable[] = {
    {.law = "compute_optimal_qat", .losses = true, .grids = true, .splits = true},
    {.law = "chinchilla", .losses = true, .grids = true},
    {.law = "unified_qat_error", .losses = true},
    {.law = "effective_parameters", .losses = true},
    {.law = "optimizer_rescaled", .losses = true},
    {.law = "apple_qat_fraction", .fraction = true},
    {.law = "apple_qat_loss"},
    {.law = "paretoq_90_10"},
    {.law = "chen_w4a4", .losses = true},
    {.law = "chen_w4a16", .losses = true},
    {.law = "chen_w16a4"},
    {.law = "chen_w4a4_fc2w8", .losses = true},
    {.law = "chen_w16a4_fc2w8"},
    {.law = "chen_bf16", .losses = true, .grids = true},
    {.law = "hoffmann", .losses = true, .grids = true},
    {.law = "epoch_chinchilla", .losses = true, .grids = true},
    {.law = "kumar_train", .losses = true},
    {.law = "kumar_ptq"},
    {.law = "quest_eff", .losses = true},
    {.law = "ouyang_qid"},
    {.law = "sun_fp"},
    {.law = "beyond_outliers_rho4"},
    {.law = "volkova_rho"},
};

bool Answers(const Knowledge& law, Question question) {
  switch (question) {
    case Question::kPredictLoss:
      return law.losses;
    case Question::kOptimizeQatFraction:
      return law.splits || law.fraction;
    case Question::kEvaluateGrid:
      return law.grids;
    case Question::kOptimizeBitWidth:
    case Question::kCompareToFullPrecision:
    case Question::kEstimateWaste:
    case Question::kPlanTraining:
      return law.splits;
  }
  return false;
}

}  // namespace

std::span<const Question> AllQuestions() { return kQuestions; }

std::string_view NameOf(Question question) {
  switch (question) {
    case Question::kPredictLoss:
      return "PredictLoss";
    case Question::kOptimizeQatFraction:
      return "OptimizeQatFraction";
    case Question::kEvaluateGrid:
      return "EvaluateGrid";
    case Question::kOptimizeBitWidth:
      return "OptimizeBitWidth";
    case Question::kCompareToFullPrecision:
      return "CompareToFullPrecision";
    case Question::kEstimateWaste:
      return "EstimateWaste";
    case Question::kPlanTraining:
      return "PlanTraining";
  }
  return "";
}

bool Answers(std::string_view law, Question question) {
  return std::ranges::any_of(
      kTable, [&](const Knowledge& known) { return known.law == law && Answers(known, question); });
}

absl::Status CheckAnswers(std::string_view law, Question question) {
  if (Answers(law, question)) return absl::OkStatus();
  std::vector<std::string_view> able;
  for (const Knowledge& known : kTable) {
    if (Answers(known, question)) able.push_back(known.law);
  }
  return LawCannotAnswer(fmt::format("The law {} does not answer {}; laws that do: {}.",
                                     law,
                                     NameOf(question),
                                     fmt::join(able, ", ")));
}

absl::Status LawCannotAnswer(std::string_view explanation) {
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   fmt::format("the law cannot answer this. {}", explanation),
                   {.reason = "DATA_CANNOT_ANSWER", .explanation = std::string(explanation)});
}

}  // namespace bitbudget::planner
