// Questions about splits, widths, full precision, waste and plans, from request to reply.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fitter/law.h"
#include "server/answer_question.h"
#include "server/convert_memory.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using ::testing::ElementsAre;
using testing::FieldsOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// In the order of the law's parameters, alpha to rho.
constexpr double kCoefficients[] = {
    1.7, 0.4, 0.28, 0.4, 0.33, 0.18, 0.8, 0.06, 0.7, 0.15, 0.5, 0.2, 0.5, 0.12, 0.85, 0.04};

fitter::FittedLaw Fitted(fitter::Law law, std::span<const double> coefficients) {
  fitter::FittedLaw fitted{.law = std::move(law)};
  const size_t size = coefficients.size();
  fitted.covariance.assign(size * size, 0.0);
  for (size_t i = 0; i < size; ++i) {
    const bool is_log = fitted.law.parameters[i].is_log_coefficient;
    fitted.theta.push_back(is_log ? std::log(coefficients[i]) : coefficients[i]);
    fitted.covariance[i * size + i] = 1e-4;
  }
  fitted.identified.assign(size, true);
  fitted.at_bound.assign(size, false);
  fitted.degrees_of_freedom = 50;
  fitted.support = {.parameters = {8e7, 3e9},
                    .total_tokens = {2e9, 2e12},
                    .fp_tokens = {1e8, 2e12},
                    .qat_tokens = {1e8, 1e12},
                    .qat_fraction = {0.02, 0.9},
                    .tokens_per_parameter_byte = {1, 1e6},
                    .weight_bits = {1, 2, 4, 6},
                    .parameters_level_count = 5,
                    .total_tokens_level_count = 5,
                    .qat_fraction_level_count = 7,
                    .qat_row_count = 757,
                    .full_precision_row_count = 40};
  return fitted;
}

LawView View(bool counts_embeddings = false) {
  constexpr double kWidths[] = {1, 2, 4, 6};
  constexpr double kFullPrecision[] = {1.7, 373.0, 0.33, 253.0, 0.28};
  auto snapshot = std::make_shared<FitSnapshot>();
  snapshot->fit.set_name("studies/x/fits/1");
  snapshot->fit.set_law("compute_optimal_qat");
  snapshot->fit.set_revision(3);
  snapshot->fit.add_warnings("of the fit");
  snapshot->law.law =
      Fitted(fitter::LawLadder("compute_optimal_qat", kWidths)->front(), kCoefficients);
  snapshot->law.full_precision_law =
      Fitted(fitter::LawLadder("chinchilla", {})->front(), kFullPrecision);
  snapshot->law.cross_covariance.assign(16 * 5, 0.0);
  snapshot->law.counts_embeddings = counts_embeddings;
  return {.snapshot = snapshot, .warnings = {"of the view"}};
}

// The measured optimum in the answer for a budget, of a fit that has two of about 4e9 tokens.
std::optional<v1::MeasuredOptimum> MeasuredAt(int64_t total_tokens, int64_t parameters) {
  FitSnapshot snapshot = *View().snapshot;
  for (const double measured_tokens : {4e9, 4.1e9}) {
    v1::MeasuredOptimum& optimum = *snapshot.fit.add_measured_optima();
    optimum.set_parameters(396'000'000);
    optimum.set_weight_bits(4);
    optimum.set_total_tokens(measured_tokens);
  }
  v1::OptimizeQatFractionRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_parameters(parameters);
  request.set_weight_bits(4);
  request.set_total_tokens(total_tokens);
  const auto answer =
      AnswerQuestion({}, request, {.snapshot = std::make_shared<FitSnapshot>(snapshot)});
  EXPECT_TRUE(answer.ok()) << answer.status();
  if (!answer.ok() || !answer->has_measured_optimum()) return std::nullopt;
  return answer->measured_optimum();
}

v1::OptimizeBitWidthRequest Bits() {
  v1::OptimizeBitWidthRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_memory_bytes(1 << 30);
  request.set_compute_flops(1e21);
  return request;
}

v1::PlanTrainingRequest Plan() {
  v1::PlanTrainingRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_parameters(396'000'000);
  request.mutable_hardware()->set_peak_flops(1e15);
  request.mutable_hardware()->set_utilization(0.5);
  request.mutable_hardware()->set_device_count(4);
  request.mutable_hardware()->set_price_per_device_hour(2);
  return request;
}

TEST(FractionAnswer, HasTheNearestOfTheOptimaMeasuredThere) {
  constexpr int64_t kParameters = 396'000'000;
  EXPECT_EQ(MeasuredAt(4'000'000'000, kParameters)->total_tokens(), 4e9);
  EXPECT_EQ(MeasuredAt(4'090'000'000, kParameters)->total_tokens(), 4.1e9);
  EXPECT_EQ(MeasuredAt(4'290'000'000, kParameters)->total_tokens(), 4.1e9);
  EXPECT_FALSE(MeasuredAt(4'350'000'000, kParameters));
  EXPECT_TRUE(MeasuredAt(4'000'000'000, 403'000'000));
  EXPECT_FALSE(MeasuredAt(4'000'000'000, 405'000'000));
}

TEST(BitsAnswer, HasItsProvenanceAndEveryValueInForce) {
  auto request = Bits();
  request.mutable_memory_model()->set_group_size(64);
  const auto answer = AnswerQuestion({}, request, View());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->candidates_size(), 4);
  EXPECT_EQ(answer->provenance().fit(), "studies/x/fits/1");
  EXPECT_EQ(answer->provenance().confidence_level(), 0.9);
  EXPECT_THAT(answer->provenance().warnings(), ElementsAre("of the fit", "of the view"));
  EXPECT_EQ(answer->draw_count(), 1000);
  EXPECT_EQ(answer->runner_up_loss_nats().value(),
            answer->candidates(1).excess_loss_nats().value());
  const v1::MemoryModel& model = answer->memory_model();
  EXPECT_EQ(model.group_size(), 64);
  EXPECT_EQ(model.vocabulary(), 32'000);
  EXPECT_EQ(model.context_tokens(), 4096);
  EXPECT_TRUE(model.tied_embeddings());
  EXPECT_EQ(model.ternary_storage(), v1::MemoryModel::TWO_BITS);
  EXPECT_FALSE(model.has_embedding_bits()) << "follows from each width";
}

TEST(BitsAnswer, InversesTellWhatIsNeeded) {
  auto request = Bits();
  request.clear_compute_flops();
  request.set_objective(v1::OptimizeBitWidthRequest::LEAST_COMPUTE);
  request.set_target_loss_nats(3);
  auto answer = AnswerQuestion({}, request, View());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->candidates(0).needed_compute_flops().value(),
            answer->candidates(0).compute_flops());
  EXPECT_FALSE(answer->has_runner_up_loss_nats());
  request.clear_memory_bytes();
  request.set_compute_flops(1e21);
  request.set_objective(v1::OptimizeBitWidthRequest::LEAST_MEMORY);
  answer = AnswerQuestion({}, request, View());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->candidates(0).needed_memory_bytes().value(),
            answer->candidates(0).memory().total_bytes());
  EXPECT_EQ(answer->candidates(0).size_limit(), v1::BitWidthCandidate::TARGET);
}

TEST(BitsAnswer, PointOnlyIsWithoutIntervalsAndDraws) {
  auto request = Bits();
  request.set_point_only(true);
  const auto answer = AnswerQuestion({}, request, View());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->candidates(0).loss_nats().has_lower());
  EXPECT_FALSE(answer->candidates(0).has_probability_best());
  EXPECT_EQ(answer->draw_count(), 0);
}

TEST(BitsAnswer, EmbeddingsCountWhereTheStudyCountsThem) {
  auto request = Bits();
  request.set_parameters(396'000'000);
  const auto blocks = AnswerQuestion({}, request, View());
  const auto total = AnswerQuestion({}, request, View(/*counts_embeddings=*/true));
  EXPECT_EQ(blocks->candidates(0).memory().block_parameters(), 396e6);
  EXPECT_NEAR(total->candidates(0).memory().block_parameters() +
                  total->candidates(0).memory().embedding_parameters(),
              396e6,
              1);
}

TEST(BitsAnswer, ShapeThatIsNotOfTheSizeIsRefused) {
  auto request = Bits();
  request.set_parameters(7'000'000'000);
  request.mutable_memory_model()->set_layers(4);
  request.mutable_memory_model()->set_width(256);
  EXPECT_THAT(FieldsOf(AnswerQuestion({}, request, View()).status()),
              ElementsAre("memory_model.layers"));
}

TEST(BitsAnswer, GroupedHeadsShrinkTheCache) {
  auto request = Bits();
  request.set_parameters(396'000'000);
  const auto full = AnswerQuestion({}, request, View());
  request.mutable_memory_model()->set_attention_heads(32);
  request.mutable_memory_model()->set_key_value_heads(8);
  const auto grouped = AnswerQuestion({}, request, View());
  EXPECT_NEAR(grouped->candidates(0).memory().kv_cache_bytes() * 4,
              full->candidates(0).memory().kv_cache_bytes(),
              1);
}

// A call that is gone, or whose deadline has passed.
class CancelledQuestions : public ::testing::Test {
 protected:
  const CallContext cancelled_{.cancelled = [] { return true; }};
};

TEST_F(CancelledQuestions, StopComputing) {
  EXPECT_EQ(AnswerQuestion(cancelled_, Bits(), View()).status().code(),
            absl::StatusCode::kCancelled);
  auto plan = Plan();
  plan.set_total_tokens(50'000'000'000);
  EXPECT_EQ(AnswerQuestion(cancelled_, plan, View()).status().code(), absl::StatusCode::kCancelled);
  v1::CompareToFullPrecisionRequest compare;
  compare.set_parameters(396'000'000);
  compare.set_total_tokens(50'000'000'000);
  EXPECT_EQ(AnswerQuestion(cancelled_, compare, View()).status().code(),
            absl::StatusCode::kCancelled);
  v1::EstimateWasteRequest waste;
  waste.set_parameters(396'000'000);
  waste.set_weight_bits(4);
  waste.add_total_tokens(50'000'000'000);
  EXPECT_EQ(AnswerQuestion(cancelled_, waste, View()).status().code(),
            absl::StatusCode::kCancelled);
}

TEST(ComparisonAnswer, HasBothReferences) {
  v1::CompareToFullPrecisionRequest request;
  request.set_parameters(396'000'000);
  request.set_total_tokens(50'000'000'000);
  const auto answer = AnswerQuestion({}, request, View());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->widths_size(), 4);
  const v1::WidthComparison& width = answer->widths(2);
  EXPECT_EQ(width.weight_bits(), 4);
  EXPECT_GE(width.same_law().reference().loss_difference_nats().lower(), 0);
  EXPECT_TRUE(width.full_precision_law().reference().loss_difference_nats().has_lower());
  EXPECT_TRUE(width.has_equal_memory());
  EXPECT_EQ(answer->total_tokens(), 5e10);
}

TEST(WasteAnswer, RangeKeepsItsEndsAndTheLastStandsOnTop) {
  v1::EstimateWasteRequest request;
  request.set_parameters(396'000'000);
  request.set_weight_bits(4);
  request.mutable_range()->set_lower(10'000'000'000);
  request.mutable_range()->set_upper(1'000'000'000'000);
  request.mutable_range()->set_count(3);
  request.mutable_hardware()->set_device("a100-sxm-80gb");
  const auto answer = AnswerQuestion({}, request, View());
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->budgets_size(), 3);
  EXPECT_NEAR(answer->budgets(0).budget_tokens(), 1e10, 1);
  EXPECT_NEAR(answer->budgets(1).budget_tokens(), 1e11, 1e-3 * 1e11);
  EXPECT_NEAR(answer->budgets(2).budget_tokens(), 1e12, 1);
  EXPECT_EQ(answer->wasted_token_fraction().value(),
            answer->budgets(2).wasted_token_fraction().value());
  EXPECT_EQ(answer->qat_fraction(), 0.1);
  EXPECT_TRUE(answer->model_implied());
  EXPECT_EQ(answer->hardware().peak_flops(), 312e12);
  EXPECT_EQ(answer->hardware().utilization(), 0.4);
  EXPECT_TRUE(answer->budgets(0).has_wasted_device_hours());
  EXPECT_FALSE(answer->budgets(0).has_wasted_money());
}

TEST(PlanAnswer, HoursMoneyAndDeadlinesBuyTheSame) {
  auto hours = Plan();
  hours.set_device_hours(1000);
  auto money = Plan();
  money.set_money(2000);
  auto deadline = Plan();
  deadline.set_deadline_hours(250);
  for (const auto& request : {hours, money, deadline}) {
    const auto answer = AnswerQuestion({}, request, View());
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_NEAR(answer->cost().device_hours(), 1000, 1e-6);
    EXPECT_NEAR(answer->cost().wall_hours(), 250, 1e-6);
    EXPECT_NEAR(answer->cost().money(), 2000, 1e-6);
    EXPECT_NEAR(answer->cost().compute_flops() / (1000 * 1.8e18), 1, 1e-9);
  }
}

TEST(PlanAnswer, HoursOfACheckpointAreThoseStillToSpend) {
  auto request = Plan();
  request.set_device_hours(10);
  request.set_fixed_fp_tokens(30'000'000'000);
  const auto answer = AnswerQuestion({}, request, View());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NEAR(answer->cost().device_hours(), 10, 1e-6);
  EXPECT_NEAR(answer->plan().qat_tokens() / (10 * 1.8e18 / (6 * 396e6)), 1, 1e-6);
  EXPECT_EQ(answer->schedule().fp_steps(), 0);
  EXPECT_FALSE(answer->has_caller_split());
}

TEST(PlanAnswer, HoursThatBuyNothingAreRefusedAsHours) {
  auto request = Plan();
  request.set_device_hours(1e-12);
  const absl::Status status = AnswerQuestion({}, request, View()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), StartsWith("device_hours: buys"));
}

TEST(PlanAnswer, StepBeyondThePlanIsRefused) {
  auto request = Plan();
  request.set_total_tokens(100'000'000'000);
  request.set_tokens_per_step(200'000'000'000);
  const absl::Status status = AnswerQuestion({}, request, View()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()), StartsWith("tokens_per_step: is 200000000000"));
}

TEST(PlanAnswer, HasScheduleAlternativesAndTheRuleOfThumb) {
  auto request = Plan();
  request.set_total_tokens(50'000'000'000);
  request.set_tokens_per_step(1'000'000);
  const auto answer = AnswerQuestion({}, request, View());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->alternatives_size(), 3);
  EXPECT_EQ(answer->schedule().fp_steps() + answer->schedule().qat_steps(), 50'000);
  EXPECT_EQ(answer->schedule().tokens_per_step_source(), "");
  EXPECT_EQ(answer->caller_split().qat_fraction(), 0.1);
  EXPECT_EQ(answer->plan().loss_nats().value() + answer->alternatives(0).excess_loss_nats().value(),
            answer->alternatives(0).loss_nats().value());
}

TEST(PlanAnswer, TargetTakesTheLeastCompute) {
  auto request = Plan();
  request.set_target_loss_nats(3);
  const auto answer = AnswerQuestion({}, request, View());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NEAR(answer->plan().loss_nats().value(), 3, 1e-9);
  EXPECT_TRUE(answer->plan().has_needed_compute_flops());
}

TEST(Questions, LawWithoutLossesIsRefusedByName) {
  auto snapshot = std::make_shared<FitSnapshot>();
  snapshot->fit.set_name("studies/x/fits/1");
  snapshot->fit.set_variant("qat_fraction");
  const absl::Status status = AnswerQuestion({}, Bits(), {.snapshot = snapshot}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("qat_fraction"));
}

TEST(DevicesAnswer, NamesSources) {
  const v1::ListDevicesResponse devices = AllDevices();
  EXPECT_GT(devices.devices_size(), 5);
  EXPECT_EQ(devices.default_utilization(), 0.4);
  EXPECT_THAT(devices.utilization_source(), HasSubstr("arXiv"));
}

}  // namespace
}  // namespace bitbudget::server
