#include "planner/law_questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fitter/law.h"
#include "fitter/published_laws.h"
#include "planner/grid.h"
#include "planner/loss.h"
#include "planner/qat_fraction.h"
#include "util/error.h"

namespace bitbudget::planner {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::string> AllLaws() {
  std::vector<std::string> laws;
  for (const std::string_view family : fitter::LawFamilies()) laws.emplace_back(family);
  for (const fitter::PublishedLaw& law : fitter::PublishedLaws()) laws.push_back(law.key);
  return laws;
}

// A run that a published law of losses describes.
RunPoint DescribedRun(const fitter::FittedLaw& law) {
  if (law.law.family == "chinchilla") {
    return {.parameters = 1e9, .fp_tokens = 2e10, .weight_bits = 16};
  }
  return {.parameters = 1e8, .qat_tokens = 2e10, .weight_bits = 4, .group_size = 128};
}

// What the table is meant to say, by question; all other pairs are refused.
const std::map<Question, std::set<std::string>>& Able() {
  static const std::set<std::string> splits = {"compute_optimal_qat"};
  static const std::map<Question, std::set<std::string>> able = {
      {Question::kPredictLoss,
       {"compute_optimal_qat",
        "chinchilla",
        "unified_qat_error",
        "effective_parameters",
        "optimizer_rescaled",
        "chen_w4a4",
        "chen_w4a16",
        "chen_w4a4_fc2w8",
        "chen_bf16",
        "hoffmann",
        "epoch_chinchilla",
        "kumar_train",
        "quest_eff"}},
      {Question::kOptimizeQatFraction, {"compute_optimal_qat", "apple_qat_fraction"}},
      {Question::kEvaluateGrid,
       {"compute_optimal_qat", "chinchilla", "chen_bf16", "hoffmann", "epoch_chinchilla"}},
      {Question::kOptimizeBitWidth, splits},
      {Question::kCompareToFullPrecision, splits},
      {Question::kEstimateWaste, splits},
      {Question::kPlanTraining, splits}};
  return able;
}

TEST(LawQuestionsTest, EveryPairIsAnsweredOrRefusedNamingTheLawsThatCan) {
  for (const Question question : AllQuestions()) {
    const std::set<std::string>& able = Able().at(question);
    for (const std::string& law : AllLaws()) {
      const absl::Status status = CheckAnswers(law, question);
      EXPECT_EQ(status.ok(), able.contains(law)) << law << " " << NameOf(question);
      if (status.ok()) continue;
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_THAT(std::string(status.message()), StartsWith("the law cannot answer this"));
      for (const std::string& other : able) {
        EXPECT_THAT(GetErrorDetails(status)->explanation, HasSubstr(other)) << NameOf(question);
      }
    }
  }
}

TEST(LawQuestionsTest, LawThatIsNoneAnswersNothing) {
  for (const Question question : AllQuestions()) EXPECT_FALSE(Answers("chen", question));
}

// The table promises no more and no less than the laws keep.
TEST(LawQuestionsTest, PublishedLawsOfLossesPredictAndTheOthersCannot) {
  for (const fitter::PublishedLaw& law : fitter::PublishedLaws()) {
    const std::optional<fitter::FittedLaw> fitted = ToFittedLaw(law);
    EXPECT_EQ(fitted.has_value(), Answers(law.key, Question::kPredictLoss)) << law.key;
    EXPECT_EQ(ToFractionLaw(law).has_value(), Answers(law.key, Question::kOptimizeQatFraction))
        << law.key;
    if (!fitted) continue;
    const auto answer = PredictLoss(*fitted, DescribedRun(*fitted), 0.9);
    ASSERT_TRUE(answer.ok()) << law.key << " " << answer.status();
    EXPECT_FALSE(answer->loss_nats.interval.has_value()) << law.key;
    EXPECT_EQ(
        OptimizeQatFraction(*fitted, {.parameters = 1e8, .weight_bits = 4, .budget_tokens = 1e10})
            .status()
            .code(),
        absl::StatusCode::kFailedPrecondition)
        << law.key;
  }
}

}  // namespace
}  // namespace bitbudget::planner
