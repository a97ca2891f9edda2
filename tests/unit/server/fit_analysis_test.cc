// Bootstraps, comparisons, explanations and published laws through the plain service
// functions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <set>
#include <string>

#include "server/law_service.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FieldsOf;
using testing::FullPrecisionGrid;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Outcome;
using testing::ReasonOf;
using testing::ServerFixture;

class FitAnalysis : public ServerFixture {
 protected:
  // A study with a fit; its revision is 1.
  std::string FittedStudy() {
    std::string study = CreateStudy("x");
    EXPECT_TRUE(Await(study, Store(study, FullPrecisionGrid())).ok());
    return study;
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const Request& request) {
    if (auto now = core().planner.TryAnswer(call_, request)) return *std::move(now);
    const auto outcome = std::make_shared<Outcome<absl::StatusOr<Response>>>();
    core().planner.Ask(call_, request, [outcome](absl::StatusOr<Response> response) {
      outcome->Set(std::move(response));
    });
    return outcome->Get();
  }
  absl::StatusOr<v1::PredictLossResponse> AskLoss(const v1::LawSource& source) {
    v1::PredictLossRequest request;
    *request.mutable_source() = source;
    request.set_parameters(100'000'000);
    request.set_fp_tokens(10'000'000'000);
    request.set_weight_bits(16);
    return Ask<v1::PredictLossResponse>(request);
  }
  static v1::LawSource Published(const std::string& law) {
    v1::LawSource source;
    source.set_published_law(law);
    return source;
  }
  absl::StatusOr<v1::Fit> RunBootstrap(const std::string& study, int draw_count) {
    v1::RunFitRequest request;
    request.set_parent(study);
    request.mutable_bootstrap()->set_draw_count(draw_count);
    return core().fits.RunFit(call_, request);
  }
  absl::StatusOr<v1::LawComparison> Compare(const std::string& study) {
    v1::CompareLawsRequest request;
    request.set_parent(study);
    request.add_candidates()->set_law("chinchilla");
    request.add_candidates()->set_law("optimizer_rescaled");
    return core().fits.CompareLaws(call_, request);
  }
  v1::ExplainFitRequest ExplanationOf(const std::string& study) {
    v1::ExplainFitRequest request;
    request.set_name(study + "/fits/latest");
    v1::PredictLossRequest* question = request.mutable_predict_loss();
    question->set_parameters(1'000'000'000);
    question->set_fp_tokens(20'000'000'000);
    question->set_weight_bits(16);
    return request;
  }
};

TEST_F(FitAnalysis, BootstrappedFitIsCurrentKeepsItsDrawsAndReplays) {
  const std::string study = FittedStudy();
  const absl::StatusOr<v1::Fit> fit = RunBootstrap(study, 50);
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_TRUE(fit->standard_options());
  EXPECT_EQ(fit->bootstrap().draws_size(), 50 * 5);
  EXPECT_EQ(fit->bootstrap().options().method(), v1::BootstrapOptions::PARAMETRIC);
  v1::ReplayFitRequest replay;
  replay.set_name(fit->name());
  EXPECT_TRUE(core().fits.ReplayFit(call_, replay)->identical());
  v1::ListFitsRequest list;
  list.set_parent(study);
  EXPECT_THAT(core().fits.ListFits(call_, list)->fits(0).bootstrap().draws(), IsEmpty());
}

TEST_F(FitAnalysis, IntervalsOfABootstrappedFitComeFromItsDraws) {
  const std::string study = FittedStudy();
  v1::LawSource current;
  current.set_study(study);
  const absl::StatusOr<v1::PredictLossResponse> before = AskLoss(current);
  ASSERT_TRUE(RunBootstrap(study, 200).ok());
  const absl::StatusOr<v1::PredictLossResponse> after = AskLoss(current);
  EXPECT_EQ(after->loss_nats().value(), before->loss_nats().value());
  EXPECT_NE(after->loss_nats().upper(), before->loss_nats().upper());
  // 200 draws tell an interval within some 10 %.
  const double width_before = before->loss_nats().upper() - before->loss_nats().lower();
  const double width_after = after->loss_nats().upper() - after->loss_nats().lower();
  EXPECT_GT(width_after, width_before / 2);
  EXPECT_LT(width_after, width_before * 2);
}

TEST_F(FitAnalysis, DrawCountOutsideItsRangeIsRefused) {
  const std::string study = FittedStudy();
  for (const int count : {-1, 19, 2001}) {
    const absl::Status status = RunBootstrap(study, count).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(FieldsOf(status), ElementsAre("bootstrap.draw_count"));
  }
}

TEST_F(FitAnalysis, ComparisonIsStoredListedAndFoundAgain) {
  const std::string study = FittedStudy();
  const absl::StatusOr<v1::LawComparison> comparison = Compare(study);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_EQ(comparison->name(), study + "/comparisons/1");
  EXPECT_EQ(comparison->experiment_count(), 36);
  EXPECT_EQ(comparison->entries_size(), 4);  // one variant and three
  EXPECT_TRUE(comparison->entries(0).tied_with_best());
  EXPECT_EQ(Compare(study)->name(), study + "/comparisons/2");
  Restart();
  v1::GetLawComparisonRequest get;
  get.set_name(study + "/comparisons/1");
  EXPECT_EQ(core().fits.GetLawComparison(call_, get)->SerializeAsString(),
            comparison->SerializeAsString());
  get.set_name(study + "/comparisons/latest");
  EXPECT_EQ(core().fits.GetLawComparison(call_, get)->name(), study + "/comparisons/2");
  v1::ListLawComparisonsRequest list;
  list.set_parent(study);
  list.set_page_size(1);
  const auto page = core().fits.ListLawComparisons(call_, list);
  ASSERT_EQ(page->comparisons_size(), 1);
  EXPECT_EQ(page->comparisons(0).name(), study + "/comparisons/2");
  EXPECT_FALSE(page->next_page_token().empty());
}

TEST_F(FitAnalysis, RepeatedComparisonIsMadeOnce) {
  const std::string study = FittedStudy();
  v1::CompareLawsRequest request;
  request.set_parent(study);
  request.set_request_id("7e1f8f0a-9c55-4c0e-9f0e-2a8b6a3c9d11");
  request.add_candidates()->set_law("chinchilla");
  request.add_candidates()->set_law("optimizer_rescaled");
  const std::string first = core().fits.CompareLaws(call_, request)->name();
  EXPECT_EQ(core().fits.CompareLaws(call_, request)->name(), first);
}

TEST_F(FitAnalysis, LawThatDescribesNoneOfTheRunsIsRefused) {
  const std::string study = FittedStudy();
  v1::CompareLawsRequest request;
  request.set_parent(study);
  request.add_candidates()->set_law("chinchilla");
  request.add_candidates()->set_law("linear");
  const absl::Status status = core().fits.CompareLaws(call_, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("linear"));
}

TEST_F(FitAnalysis, MissingComparisonIsNotFound) {
  v1::GetLawComparisonRequest get;
  get.set_name(FittedStudy() + "/comparisons/latest");
  EXPECT_EQ(core().fits.GetLawComparison(call_, get).status().code(), absl::StatusCode::kNotFound);
  get.set_name("studies/x/fits/1");
  EXPECT_EQ(core().fits.GetLawComparison(call_, get).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(FitAnalysis, ExplanationNamesTheRunsThatMoveTheAnswer) {
  const std::string study = FittedStudy();
  v1::ExplainFitRequest request = ExplanationOf(study);
  request.set_run_count(3);
  const absl::StatusOr<v1::ExplainFitResponse> explanation = core().fits.ExplainFit(call_, request);
  ASSERT_TRUE(explanation.ok()) << explanation.status();
  EXPECT_THAT(explanation->fit(), HasSubstr(study + "/fits/"));
  ASSERT_EQ(explanation->runs_size(), 3);
  EXPECT_THAT(explanation->runs(0).experiment(), HasSubstr(study + "/experiments/"));
  EXPECT_TRUE(explanation->runs(0).influence().has_refit());
  EXPECT_GE(std::abs(explanation->runs(0).influence().refit()),
            std::abs(explanation->runs(1).influence().refit()));
  EXPECT_GT(explanation->answer(), 1.8);
  EXPECT_EQ(explanation->directions_size(), 5);
}

TEST_F(FitAnalysis, ExplanationWithoutAnAnswerListsTheWorstResiduals) {
  v1::ExplainFitRequest request = ExplanationOf(FittedStudy());
  request.clear_predict_loss();
  const absl::StatusOr<v1::ExplainFitResponse> explanation = core().fits.ExplainFit(call_, request);
  ASSERT_EQ(explanation->runs_size(), 20);
  EXPECT_FALSE(explanation->has_answer());
  EXPECT_FALSE(explanation->runs(0).has_influence());
  EXPECT_GE(std::abs(explanation->runs(0).residual()), std::abs(explanation->runs(19).residual()));
}

TEST_F(FitAnalysis, ExplanationOfAStudyWithoutAFitSaysWhyThereIsNone) {
  const absl::Status status =
      core().fits.ExplainFit(call_, ExplanationOf(CreateStudy("empty"))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("has no experiments"));
}

TEST_F(FitAnalysis, ExplanationOfAnAnswerThatTheLawHasNotIsRefused) {
  v1::ExplainFitRequest request = ExplanationOf(FittedStudy());
  request.mutable_predict_loss()->set_weight_bits(4);
  request.mutable_predict_loss()->set_qat_tokens(1'000'000);
  const absl::Status status = core().fits.ExplainFit(call_, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(FitAnalysis, PublishedLawAnswersWithoutAStudy) {
  const absl::StatusOr<v1::PredictLossResponse> answer =
      AskLoss(Published("laws/epoch_chinchilla"));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NEAR(answer->loss_nats().value(),
              1.8169 + 482.01 / std::pow(1e8, 0.3478) + 2085.43 / std::pow(1e10, 0.3658),
              1e-9);
  EXPECT_FALSE(answer->loss_nats().has_lower());
  EXPECT_EQ(answer->provenance().published_law(), "laws/epoch_chinchilla");
  EXPECT_EQ(answer->provenance().fit(), "");
  EXPECT_THAT(answer->provenance().warnings(), Contains(HasSubstr("no other law")));
}

TEST_F(FitAnalysis, PublishedFractionLawAnswersTheFractionAlone) {
  v1::OptimizeQatFractionRequest request;
  *request.mutable_source() = Published("laws/apple_qat_fraction");
  request.set_parameters(1'000'000'000);
  request.set_weight_bits(8);
  request.set_total_tokens(100'000'000'000);  // 100 a byte
  const auto answer = Ask<v1::OptimizeQatFractionResponse>(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NEAR(answer->qat_fraction().value(), 0.231926, 1e-6);
  const absl::Status refused = AskLoss(Published("laws/apple_qat_fraction")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), "DATA_CANNOT_ANSWER");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("hoffmann"));
}

TEST_F(FitAnalysis, PublishedLawFlagsEveryRangeThatItPrints) {
  const auto axes_outside = [&](const std::string& law, const v1::PredictLossRequest& question) {
    v1::PredictLossRequest request = question;
    *request.mutable_source() = Published(law);
    std::vector<std::string> axes;
    const auto answer = Ask<v1::PredictLossResponse>(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    for (const auto& axis : answer->provenance().extrapolation().axes()) {
      axes.push_back(axis.axis());
    }
    return axes;
  };
  v1::PredictLossRequest run;  // 9.6e25 FLOPs; 1.3e22 are printed
  run.set_parameters(16'000'000'000);
  run.set_fp_tokens(1'000'000'000'000'000);
  run.set_weight_bits(16);
  EXPECT_THAT(axes_outside("laws/hoffmann", run), ElementsAre("compute_flops"));
  run.set_parameters(100'000'000);
  run.set_fp_tokens(1'000'000);  // 6e14 FLOPs; 1e18 are printed
  EXPECT_THAT(axes_outside("laws/epoch_chinchilla", run), ElementsAre("compute_flops"));
  run.set_fp_tokens(2'000'000'000);  // 3 to 12 bits are printed
  EXPECT_THAT(axes_outside("laws/kumar_train", run), ElementsAre("weight_bits"));
  run.set_fp_tokens(0);
  run.set_qat_tokens(80'000'000'000);  // 800 a parameter; 25 to 100 are printed
  run.set_weight_bits(4);
  EXPECT_THAT(axes_outside("laws/quest_eff", run), ElementsAre("tokens_per_parameter"));
}

TEST_F(FitAnalysis, PublishedLawOfFullPrecisionFillsAGrid) {
  v1::EvaluateGridRequest request;
  *request.mutable_source() = Published("laws/hoffmann");
  request.set_quantity(v1::EvaluateGridRequest::LOSS_NATS);
  request.set_parameters(1e9);
  request.set_weight_bits(16);
  request.set_qat_tokens(0);
  v1::GridAxis* axis = request.add_axes();
  axis->set_variable(v1::GridAxis::TOTAL_TOKENS);
  axis->add_values(1e10);
  axis->add_values(1e11);
  const auto answer = Ask<v1::EvaluateGridResponse>(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_GT(answer->values(0), answer->values(1));
}

TEST_F(FitAnalysis, PublishedLawCannotChooseBits) {
  v1::OptimizeBitWidthRequest request;
  *request.mutable_source() = Published("laws/hoffmann");
  request.set_memory_bytes(1'000'000'000);
  request.set_compute_flops(1e21);
  const absl::Status status = Ask<v1::OptimizeBitWidthResponse>(request).status();
  EXPECT_EQ(ReasonOf(status), "DATA_CANNOT_ANSWER");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("the law cannot answer this"), HasSubstr("compute_optimal_qat")));
}

TEST_F(FitAnalysis, UnknownPublishedLawIsNotFound) {
  EXPECT_EQ(AskLoss(Published("laws/none")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(FieldsOf(AskLoss(Published("none")).status()), ElementsAre("source.published_law"));
}

TEST_F(FitAnalysis, LawOfQatFromScratchIsFittedAndAsked) {
  v1::Study study = testing::ChinchillaStudy();
  study.set_law("unified_qat_error");
  const std::string name = CreateStudy("scratch", study);
  std::vector<v1::Experiment> rows = FullPrecisionGrid();
  for (const v1::Experiment& run : FullPrecisionGrid()) {
    for (const int group_size : {32, 256}) {
      v1::Experiment quantized = run;
      quantized.set_fp_tokens(0);
      quantized.set_qat_tokens(run.fp_tokens());
      quantized.set_weight_bits(4);
      quantized.set_group_size(group_size);
      quantized.set_loss_nats(run.loss_nats() +
                              1.5 * std::pow(std::log2(group_size), 0.5) *
                                  std::pow(static_cast<double>(run.parameters()), -0.25));
      rows.push_back(quantized);
    }
  }
  ASSERT_TRUE(Await(name, Store(name, rows)).ok());
  v1::PredictLossRequest request;
  request.mutable_source()->set_study(name);
  request.set_parameters(100'000'000);
  request.set_qat_tokens(10'000'000'000);
  request.set_weight_bits(4);
  EXPECT_THAT(FieldsOf(Ask<v1::PredictLossResponse>(request).status()), ElementsAre("group_size"));
  request.set_group_size(128);
  const auto answer = Ask<v1::PredictLossResponse>(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const double truth = 1.8 + 400 / std::pow(1e8, 0.34) + 410 / std::pow(1e10, 0.28) +
                       1.5 * std::pow(7, 0.5) * std::pow(1e8, -0.25);
  // The runs are off by a little, some .1 %.
  EXPECT_NEAR(answer->loss_nats().value(), truth, 0.01);
  v1::OptimizeQatFractionRequest fraction;
  fraction.mutable_source()->set_study(name);
  fraction.set_parameters(100'000'000);
  fraction.set_weight_bits(4);
  fraction.set_total_tokens(10'000'000'000);
  EXPECT_EQ(ReasonOf(Ask<v1::OptimizeQatFractionResponse>(fraction).status()),
            "DATA_CANNOT_ANSWER");
}

TEST(LawServiceTest, CatalogueListsEveryLawOnceWithWhatItAnswers) {
  LawService service;
  const v1::ListLawsResponse laws = service.ListLaws({}, {}).value();
  std::set<std::string> names;
  for (const v1::Law& law : laws.laws()) {
    EXPECT_TRUE(names.insert(law.name()).second);
    v1::GetLawRequest request;
    request.set_name(law.name());
    EXPECT_EQ(service.GetLaw({}, request)->SerializeAsString(), law.SerializeAsString());
  }
  EXPECT_THAT(names, Contains("laws/compute_optimal_qat"));
  EXPECT_THAT(names, Contains("laws/chen_w4a16"));
  EXPECT_THAT(laws.laws(0).answers(), Contains("PlanTraining"));
  EXPECT_THAT(laws.laws(0).variants(), Not(IsEmpty()));
}

TEST(LawServiceTest, LawThatIsNoneIsNotFound) {
  LawService service;
  for (const std::string name : {"laws/none", "chinchilla", "laws/", ""}) {
    v1::GetLawRequest request;
    request.set_name(name);
    EXPECT_EQ(service.GetLaw({}, request).status().code(), absl::StatusCode::kNotFound);
  }
}

}  // namespace
}  // namespace bitbudget::server
