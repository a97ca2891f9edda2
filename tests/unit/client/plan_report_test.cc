#include "client/cli/plan_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "client/cli/analysis_report.h"
#include "client/cli/table.h"
#include "client/cli/width_report.h"

namespace bitbudget::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void Set(v1::Estimate* estimate, double value, double lower, double upper) {
  estimate->set_value(value);
  estimate->set_lower(lower);
  estimate->set_upper(upper);
}

v1::BitWidthCandidate Candidate(double weight_bits, double loss_nats) {
  v1::BitWidthCandidate candidate;
  candidate.set_weight_bits(weight_bits);
  candidate.set_parameters(1.2e9);
  candidate.mutable_qat_fraction()->set_value(0.25);
  Set(candidate.mutable_loss_nats(), loss_nats, loss_nats - 0.01, loss_nats + 0.01);
  candidate.set_fp_tokens(30e9);
  candidate.set_qat_tokens(10e9);
  candidate.set_probability_best(0.75);
  candidate.mutable_memory()->set_total_bytes(2.0 * 1024 * 1024 * 1024);
  candidate.set_size_limit(v1::BitWidthCandidate::MEMORY);
  return candidate;
}

v1::MemoryModel Rule() {
  v1::MemoryModel model;
  model.set_vocabulary(32'000);
  model.set_tied_embeddings(true);
  return model;
}

v1::OptimizeBitWidthResponse Bits() {
  v1::OptimizeBitWidthResponse answer;
  *answer.add_candidates() = Candidate(4, 2.5);
  *answer.add_candidates() = Candidate(2, 2.51);
  *answer.mutable_memory_model() = Rule();
  v1::RefusedWidth* refused = answer.add_refused();
  refused->set_weight_bits(6);
  refused->set_reason("memory_bytes: is too little");
  return answer;
}

TEST(BitsReportTest, OpensWithWhatToDo) {
  const std::string text = BitsReport({}, Bits());
  EXPECT_THAT(text,
              StartsWith("Train at 4 bits: 1.2B parameters, 30B tokens in full precision and 10B "
                         "with QAT (25 %); expected loss 2.5000 nats, memory 2 GiB.\n"));
  EXPECT_THAT(text, HasSubstr("Not 6 bits: memory_bytes: is too little.\n"));
  EXPECT_THAT(text, HasSubstr("the memory"));
  EXPECT_THAT(text, Not(HasSubstr("Tied")));
}

TEST(BitsReportTest, TiesAreToldAsTies) {
  v1::OptimizeBitWidthResponse answer = Bits();
  answer.mutable_candidates(0)->set_is_tie(true);
  answer.mutable_candidates(1)->set_is_tie(true);
  EXPECT_THAT(BitsReport({}, answer), HasSubstr("Tied with the best (=): 2 bits.\n"));
}

TEST(BitsReportTest, NamesTheLevelOfIntervalsWhereThereAreSome) {
  v1::OptimizeBitWidthResponse answer = Bits();
  answer.mutable_provenance()->set_confidence_level(0.9);
  v1::OptimizeBitWidthRequest request;
  EXPECT_THAT(BitsReport(request, answer), HasSubstr("Intervals: 90 %.\n"));
  request.set_point_only(true);
  EXPECT_THAT(BitsReport(request, answer), Not(HasSubstr("Intervals")));
}

TEST(BitsReportTest, InverseNamesWhatIsNeeded) {
  v1::OptimizeBitWidthResponse answer = Bits();
  Set(answer.mutable_candidates(0)->mutable_needed_compute_flops(), 3e21, 2e21, 4e21);
  EXPECT_THAT(BitsReport({}, answer),
              HasSubstr("The target needs 3e+21 (2e+21 to 4e+21) FLOPs.\n"));
}

TEST(WasteReportTest, SaysThatItIsTheLawThatSpeaks) {
  v1::EstimateWasteResponse answer;
  answer.set_qat_fraction(0.1);
  Set(answer.add_budgets()->mutable_wasted_token_fraction(), 0.2, 0.1, 0.3);
  EXPECT_THAT(WasteReport({}, answer), HasSubstr("by the law itself"));
}

TEST(CompareReportTest, NamesTheReferenceOfEveryDifference) {
  v1::CompareToFullPrecisionResponse answer;
  v1::WidthComparison* width = answer.add_widths();
  width->set_weight_bits(4);
  Set(width->mutable_same_law()->mutable_reference()->mutable_loss_difference_nats(),
      0.02,
      0,
      0.04);
  Set(width->mutable_full_precision_law()->mutable_reference()->mutable_loss_difference_nats(),
      -0.01,
      -0.02,
      0.01);
  const std::string text = CompareReport({}, answer);
  EXPECT_THAT(text, HasSubstr("the law's own"));
  EXPECT_THAT(text, HasSubstr("full-precision law"));
  EXPECT_THAT(text, HasSubstr("-0.0100 (-0.0200 to +0.0100)"));
  EXPECT_THAT(text, HasSubstr("none suffice"));
  EXPECT_THAT(text, HasSubstr("No width matches the law's own full precision.\n"));
}

TEST(CompareReportTest, TellsWhereTheModelOfEqualMemoryLiesOutsideTheData) {
  v1::CompareToFullPrecisionResponse answer;
  v1::WidthComparison* width = answer.add_widths();
  width->set_weight_bits(4);
  v1::Extrapolation* outside = width->mutable_equal_memory()->mutable_extrapolation();
  v1::Extrapolation::Axis* axis = outside->add_axes();
  axis->set_axis("parameters");
  axis->set_value(5e6);
  axis->set_factor(4);
  axis->mutable_data_range()->set_lower(20e6);
  axis->mutable_data_range()->set_upper(90e6);
  EXPECT_THAT(CompareReport({}, answer),
              HasSubstr("Outside the data, in the memory of 4 bits: parameters 5M is 4 times below "
                        "the smallest (measured: 20M to 90M).\n"));
}

TEST(CompareReportTest, ManyTimesTheTokensAreToldAsMultiples) {
  v1::CompareToFullPrecisionResponse answer;
  Set(answer.add_widths()->mutable_same_law()->mutable_extra_token_share(), 725, 0.7, 308e3);
  EXPECT_THAT(CompareReport({}, answer), HasSubstr("726-fold (+70 % to 308k-fold)"));
}

TEST(CompareReportTest, HugePerplexitiesHaveAnExponent) {
  v1::CompareToFullPrecisionResponse answer;
  v1::FullPrecisionReference* reference =
      answer.add_widths()->mutable_same_law()->mutable_reference();
  reference->mutable_perplexity_difference()->set_value(1.25e30);
  EXPECT_THAT(CompareReport({}, answer), HasSubstr("+1.250e+30"));
}

v1::PlanTrainingResponse Plan() {
  v1::PlanTrainingResponse plan;
  *plan.mutable_plan() = Candidate(4, 2.5);
  *plan.add_alternatives() = Candidate(2, 2.51);
  *plan.mutable_memory_model() = Rule();
  v1::SchedulePhase* phase = plan.mutable_schedule()->add_phases();
  phase->set_name("qat_decay");
  phase->set_steps(1000);
  phase->set_first_rate(1);
  phase->set_shape("1-sqrt");
  plan.mutable_cost()->set_compute_flops(2.4e20);
  return plan;
}

TEST(PlanDocumentTest, StandsOnItsOwn) {
  v1::PlanTrainingRequest request;
  request.set_money(5000);
  request.set_memory_bytes(int64_t{4} << 30);
  const std::string document = PlanDocument(request, Plan());
  EXPECT_THAT(document,
              StartsWith("# Training plan\n\nAsked for: 5k of money, at most 4 GiB of memory.\n"));
  EXPECT_THAT(document, HasSubstr("| Bits per weight | 4 |"));
  EXPECT_THAT(document, HasSubstr("| qat_decay | 1000 | 1 to 0 | 1-sqrt |"));
  EXPECT_THAT(document, HasSubstr("## Where this comes from"));
}

TEST(PlanReportTest, HasTheSameNumbers) {
  v1::PlanTrainingRequest request;
  request.set_target_loss_nats(2.5);
  v1::PlanTrainingResponse plan = Plan();
  plan.mutable_provenance()->set_confidence_level(0.8);
  const std::string text = PlanReport(request, plan);
  EXPECT_THAT(text, StartsWith("Asked for: the least compute for a loss of 2.5000 nats.\n"));
  EXPECT_THAT(text, HasSubstr("qat_decay"));
  EXPECT_THAT(text, HasSubstr("2.5000 (2.4900 to 2.5100)"));
  EXPECT_THAT(text, HasSubstr("Intervals: 80 %.\n"));
  EXPECT_THAT(PlanDocument(request, plan), HasSubstr("- Intervals: 80 %.\n"));
}

TEST(PlanReportTest, WasteThatMayBeNoneIsNotToldByItsValue) {
  v1::PlanTrainingResponse answer;
  *answer.mutable_plan() = Candidate(4, 2.5);
  v1::SplitComparison* split = answer.mutable_caller_split();
  split->set_qat_fraction(0.1);
  Set(split->mutable_wasted_token_fraction(), 0.04, 0, 0.3);
  EXPECT_THAT(PlanReport({}, answer), HasSubstr("not told from 0 (up to 30 %)"));
  Set(split->mutable_wasted_token_fraction(), 0.04, 0.01, 0.3);
  EXPECT_THAT(PlanReport({}, answer), HasSubstr("4 % (1 % to 30 %)"));
}

TEST(HardwareTextTest, DeviceWithoutANameIsCounted) {
  v1::Hardware hardware;
  hardware.set_device_count(1);
  hardware.set_peak_flops(1e12);
  hardware.set_utilization(0.4);
  EXPECT_EQ(HardwareText(hardware), "On 1 device at 1T FLOP/s, 40 % of it used.\n");
  hardware.set_device_count(8);
  hardware.set_device("h100-sxm");
  EXPECT_EQ(HardwareText(hardware), "On 8 h100-sxm at 1T FLOP/s, 40 % of it used.\n");
}

TEST(ComparisonTableTest, NamesTheLawOfTheBestVariant) {
  v1::ListLawComparisonsResponse comparisons;
  v1::LawComparison::Entry* best = comparisons.add_comparisons()->add_entries();
  best->set_law("chinchilla");
  best->set_variant("full");
  EXPECT_THAT(ComparisonTable(comparisons).TabSeparated(), HasSubstr("\tchinchilla/full\t"));
}

TEST(TableMarkdownTest, EscapesItsOwnBars) {
  Table table({"a", "b"});
  table.AddRow({"x|y", "1"});
  EXPECT_EQ(table.Markdown(), "| a | b |\n|---|---|\n| x\\|y | 1 |\n");
}

}  // namespace
}  // namespace bitbudget::cli
