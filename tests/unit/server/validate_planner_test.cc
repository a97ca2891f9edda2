#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "server/validate.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using ::testing::ElementsAre;
using testing::FieldsOf;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

v1::PredictLossRequest ValidLossQuestion() {
  v1::PredictLossRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_parameters(1'000'000);
  request.set_fp_tokens(1'000'000'000);
  request.set_qat_tokens(100'000'000);
  request.set_weight_bits(4);
  return request;
}

v1::OptimizeQatFractionRequest ValidFractionQuestion() {
  v1::OptimizeQatFractionRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_parameters(1'000'000);
  request.set_weight_bits(4);
  request.set_total_tokens(1'000'000'000);
  return request;
}

v1::EvaluateGridRequest ValidGrid() {
  v1::EvaluateGridRequest request;
  request.mutable_source()->set_study("studies/x");
  request.set_quantity(v1::EvaluateGridRequest::OPTIMAL_QAT_FRACTION);
  v1::GridAxis* axis = request.add_axes();
  axis->set_variable(v1::GridAxis::TOTAL_TOKENS);
  axis->set_count(10);
  axis->set_lower(1e9);
  axis->set_upper(1e12);
  request.set_parameters(1e9);
  request.set_weight_bits(4);
  return request;
}

template <typename Request>
struct BadField {
  std::string field;
  std::string what;
  std::function<void(Request&)> spoil;
};

template <typename Request>
void PrintTo(const BadField<Request>& bad, std::ostream* out) {
  *out << bad.field << " " << bad.what;
}

template <typename Request>
void ExpectNamedAlone(Request request, const BadField<Request>& bad) {
  ASSERT_TRUE(Check(request).ok());
  bad.spoil(request);
  const absl::Status status = Check(request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(FieldsOf(status), ElementsAre(bad.field));
}

using L = v1::PredictLossRequest;
class BadLossQuestion : public ::testing::TestWithParam<BadField<L>> {};
TEST_P(BadLossQuestion, NamesTheField) { ExpectNamedAlone(ValidLossQuestion(), GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    All,
    BadLossQuestion,
    ::testing::Values(
        BadField<L>{"source", "unset", [](L& r) { r.clear_source(); }},
        BadField<L>{"source.study", "malformed", [](L& r) { r.mutable_source()->set_study("x"); }},
        BadField<L>{"source.fit", "malformed", [](L& r) { r.mutable_source()->set_fit("x"); }},
        BadField<L>{"source.min_revision",
                    "negative",
                    [](L& r) { r.mutable_source()->set_min_revision(-1); }},
        BadField<L>{"source.min_revision",
                    "with a fit",
                    [](L& r) {
                      r.mutable_source()->set_fit("studies/x/fits/1");
                      r.mutable_source()->set_min_revision(1);
                    }},
        BadField<L>{"parameters", "0", [](L& r) { r.set_parameters(0); }},
        BadField<L>{"fp_tokens", "negative", [](L& r) { r.set_fp_tokens(-1); }},
        BadField<L>{"qat_tokens", "negative", [](L& r) { r.set_qat_tokens(-1); }},
        BadField<L>{"qat_tokens", "at 16 bits", [](L& r) { r.set_weight_bits(16); }},
        BadField<L>{"weight_bits", "0.5", [](L& r) { r.set_weight_bits(0.5); }},
        BadField<L>{"weight_bits", "NaN", [](L& r) { r.set_weight_bits(kNan); }},
        BadField<L>{"confidence_level", "0", [](L& r) { r.set_confidence_level(0); }},
        BadField<L>{"confidence_level", "1", [](L& r) { r.set_confidence_level(1); }},
        BadField<L>{"confidence_level", "NaN", [](L& r) { r.set_confidence_level(kNan); }}));

using F = v1::OptimizeQatFractionRequest;
class BadFractionQuestion : public ::testing::TestWithParam<BadField<F>> {};
TEST_P(BadFractionQuestion, NamesTheField) {
  ExpectNamedAlone(ValidFractionQuestion(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    All,
    BadFractionQuestion,
    ::testing::Values(
        BadField<F>{"weight_bits", "16", [](F& r) { r.set_weight_bits(16); }},
        BadField<F>{"weight_bits", "NaN", [](F& r) { r.set_weight_bits(kNan); }},
        BadField<F>{"total_tokens", "unset", [](F& r) { r.clear_total_tokens(); }},
        BadField<F>{"total_tokens", "1", [](F& r) { r.set_total_tokens(1); }},
        BadField<F>{"compute_flops", "0", [](F& r) { r.set_compute_flops(0); }},
        BadField<F>{"compute_flops", "infinite", [](F& r) { r.set_compute_flops(kInfinity); }},
        BadField<F>{"qat_token_cost", "0.01", [](F& r) { r.set_qat_token_cost(0.01); }},
        BadField<F>{"qat_token_cost", "NaN", [](F& r) { r.set_qat_token_cost(kNan); }},
        BadField<F>{"fixed_fp_tokens", "0", [](F& r) { r.set_fixed_fp_tokens(0); }},
        BadField<F>{"fixed_fp_tokens",
                    "above the budget",
                    [](F& r) { r.set_fixed_fp_tokens(1'000'000'000); }},
        BadField<F>{"fixed_fp_tokens",
                    "above the FLOPs",
                    [](F& r) {
                      r.set_compute_flops(6e12);  // a million tokens
                      r.set_fixed_fp_tokens(1'000'000);
                    }},
        BadField<F>{"target_loss_nats", "no checkpoint", [](F& r) { r.set_target_loss_nats(2); }},
        BadField<F>{"caller_fraction", "negative", [](F& r) { r.set_caller_fraction(-0.1); }},
        BadField<F>{"caller_fraction", "NaN", [](F& r) { r.set_caller_fraction(kNan); }},
        BadField<F>{"loss_tolerance_nats", "0", [](F& r) { r.set_loss_tolerance_nats(0); }},
        BadField<F>{"confidence_level", "2", [](F& r) { r.set_confidence_level(2); }}));

using G = v1::EvaluateGridRequest;
class BadGrid : public ::testing::TestWithParam<BadField<G>> {};
TEST_P(BadGrid, NamesTheField) { ExpectNamedAlone(ValidGrid(), GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    All,
    BadGrid,
    ::testing::Values(
        BadField<G>{"quantity", "unset", [](G& r) { r.clear_quantity(); }},
        BadField<G>{"axes", "none", [](G& r) { r.clear_axes(); }},
        BadField<G>{"axes[0].variable", "unset", [](G& r) { r.mutable_axes(0)->clear_variable(); }},
        BadField<G>{"axes[0].values", "neither", [](G& r) { r.mutable_axes(0)->clear_count(); }},
        BadField<G>{"axes[0].values", "both", [](G& r) { r.mutable_axes(0)->add_values(1); }},
        BadField<G>{"axes[0].count", "1", [](G& r) { r.mutable_axes(0)->set_count(1); }},
        BadField<G>{"axes[0].lower", "0", [](G& r) { r.mutable_axes(0)->set_lower(0); }},
        BadField<G>{"axes[0].upper", "below lower", [](G& r) { r.mutable_axes(0)->set_upper(1); }},
        BadField<G>{"axes[0].values[1]",
                    "NaN",
                    [](G& r) {
                      r.mutable_axes(0)->clear_count();
                      r.mutable_axes(0)->add_values(1);
                      r.mutable_axes(0)->add_values(kNan);
                    }},
        BadField<G>{"axes",
                    "too many points",
                    [](G& r) {
                      *r.add_axes() = r.axes(0);
                      r.mutable_axes(0)->set_count(501);
                      r.mutable_axes(1)->set_count(500);
                    }},
        BadField<G>{"parameters", "negative", [](G& r) { r.set_parameters(-1); }},
        BadField<G>{"weight_bits", "17", [](G& r) { r.set_weight_bits(17); }},
        BadField<G>{"axes[0].values[0]",
                    "half a bit",
                    [](G& r) {
                      r.mutable_axes(0)->Clear();
                      r.mutable_axes(0)->set_variable(v1::GridAxis::WEIGHT_BITS);
                      r.mutable_axes(0)->add_values(0.5);
                    }},
        BadField<G>{"qat_fraction", "NaN", [](G& r) { r.set_qat_fraction(kNan); }}));

// Laws of QAT from scratch describe runs without full-precision tokens; which law
// answers is not known here.
TEST(CheckLossQuestion, RunWithoutTokensIsOutsideEveryLaw) {
  v1::PredictLossRequest request = ValidLossQuestion();
  request.set_fp_tokens(0);
  EXPECT_TRUE(Check(request).ok());
  request.set_qat_tokens(0);
  EXPECT_EQ(Check(request).code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(FieldsOf(Check(request)), ElementsAre("fp_tokens"));
}

TEST(CheckFractionQuestion, FractionsOfZeroAndOneAreOutsideTheLaw) {
  v1::OptimizeQatFractionRequest request = ValidFractionQuestion();
  for (const double pole : {0.0, 1.0}) {
    request.set_caller_fraction(pole);
    EXPECT_EQ(Check(request).code(), absl::StatusCode::kOutOfRange);
    EXPECT_THAT(FieldsOf(Check(request)), ElementsAre("caller_fraction"));
  }
}

TEST(CheckFractionQuestion, CheckpointWithTargetNeedsNoBudget) {
  v1::OptimizeQatFractionRequest request = ValidFractionQuestion();
  request.clear_total_tokens();
  request.set_fixed_fp_tokens(1'000'000);
  request.set_target_loss_nats(2);
  EXPECT_TRUE(Check(request).ok());
}

}  // namespace
}  // namespace bitbudget::server
