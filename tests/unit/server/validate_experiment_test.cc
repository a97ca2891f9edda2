#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "server/validate.h"

namespace bitbudget::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

v1::Experiment ValidQatRun() {
  v1::Experiment run;
  run.set_parameters(86'000'000);
  run.set_fp_tokens(900'000'000);
  run.set_qat_tokens(100'000'000);
  run.set_weight_bits(4);
  run.set_loss_nats(3.2);
  return run;
}

std::vector<std::string> FieldsOf(const FieldViolations& violations) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) fields.push_back(violation.field);
  return fields;
}

struct BadField {
  std::string field;  // that must be named
  std::string what;
  std::function<void(v1::Experiment&)> spoil;
};

void PrintTo(const BadField& bad, std::ostream* out) { *out << bad.field << " " << bad.what; }

class BadFieldOfExperiment : public ::testing::TestWithParam<BadField> {};

TEST_P(BadFieldOfExperiment, IsNamedAlone) {
  v1::Experiment run = ValidQatRun();
  GetParam().spoil(run);
  EXPECT_THAT(FieldsOf(ValidateExperiment(run, v1::NON_EMBEDDING)), ElementsAre(GetParam().field));
}

using E = v1::Experiment;
INSTANTIATE_TEST_SUITE_P(
    All,
    BadFieldOfExperiment,
    ::testing::Values(
        BadField{"parameters", "none", [](E& e) { e.clear_parameters(); }},
        BadField{"parameters", "negative", [](E& e) { e.set_parameters(-1); }},
        BadField{"parameters", "too many", [](E& e) { e.set_parameters(1'000'000'000'000'001); }},
        BadField{"embedding_parameters", "<0", [](E& e) { e.set_embedding_parameters(-1); }},
        BadField{"fp_tokens", "negative", [](E& e) { e.set_fp_tokens(-1); }},
        BadField{"fp_tokens", "many", [](E& e) { e.set_fp_tokens(100'000'000'000'000'001); }},
        BadField{"qat_tokens", "negative", [](E& e) { e.set_qat_tokens(-1); }},
        BadField{"fp_tokens",
                 "no tokens at all",
                 [](E& e) {
                   e.clear_fp_tokens();
                   e.clear_qat_tokens();
                 }},
        BadField{"weight_bits", "unset", [](E& e) { e.clear_weight_bits(); }},
        BadField{"weight_bits", "0.5", [](E& e) { e.set_weight_bits(0.5); }},
        BadField{"weight_bits", "17", [](E& e) { e.set_weight_bits(17); }},
        BadField{"weight_bits", "NaN", [](E& e) { e.set_weight_bits(kNan); }},
        BadField{"weight_bits", "infinite", [](E& e) { e.set_weight_bits(kInfinity); }},
        BadField{"activation_bits", "0", [](E& e) { e.set_activation_bits(0); }},
        BadField{"activation_bits", "NaN", [](E& e) { e.set_activation_bits(kNan); }},
        BadField{"group_size", "0", [](E& e) { e.set_group_size(0); }},
        BadField{"recipe", "too long", [](E& e) { e.set_recipe(std::string(101, 'x')); }},
        BadField{"optimizer", "no UTF-8", [](E& e) { e.set_optimizer("adam\xff"); }},
        BadField{"schedule", "line break", [](E& e) { e.set_schedule("a\nb"); }},
        BadField{"trunk", "C1 control", [](E& e) { e.set_trunk("a\xc2\x85"); }},
        BadField{"replicate", "negative", [](E& e) { e.set_replicate(-1); }},
        BadField{"loss_nats", "unset", [](E& e) { e.clear_loss_nats(); }},
        BadField{"loss_nats", "negative", [](E& e) { e.set_loss_nats(-3); }},
        BadField{"loss_nats", "denormal", [](E& e) { e.set_loss_nats(5e-324); }},
        BadField{"loss_nats", "NaN", [](E& e) { e.set_loss_nats(kNan); }},
        BadField{"loss_nats", "infinite", [](E& e) { e.set_loss_nats(kInfinity); }},
        BadField{"loss_nats", "1001", [](E& e) { e.set_loss_nats(1001); }},
        BadField{"loss_stderr_nats", "negative", [](E& e) { e.set_loss_stderr_nats(-1); }},
        BadField{"loss_stderr_nats", "NaN", [](E& e) { e.set_loss_stderr_nats(kNan); }},
        BadField{"note", "too long", [](E& e) { e.set_note(std::string(1001, 'x')); }},
        BadField{"note", "no UTF-8", [](E& e) { e.set_note("\xc3("); }},
        BadField{"provenance.line", "<0", [](E& e) { e.mutable_provenance()->set_line(-1); }},
        BadField{"provenance.attempt", "<0", [](E& e) { e.mutable_provenance()->set_attempt(-1); }},
        BadField{"role", "unknown", [](E& e) { e.set_role(static_cast<v1::Role>(77)); }},
        BadField{"role", "contrary", [](E& e) { e.set_role(v1::FULL_PRECISION); }},
        BadField{"role", "control although quantized", [](E& e) { e.set_role(v1::CONTROL); }},
        BadField{"role", "16 bits with QAT tokens", [](E& e) { e.set_weight_bits(16); }}));

TEST(ValidateExperiment, EdgesOfRangesAreValid) {
  v1::Experiment run = ValidQatRun();
  run.set_parameters(1'000'000'000'000'000);
  run.set_fp_tokens(100'000'000'000'000'000);
  run.set_weight_bits(1);
  run.set_activation_bits(16);
  run.set_group_size(1);
  run.set_loss_nats(1000);
  run.set_loss_stderr_nats(0);
  run.set_recipe(std::string(100, 'x'));
  run.set_optimizer("Müon ε");
  run.set_note("two\nlines");
  EXPECT_THAT(ValidateExperiment(run, v1::NON_EMBEDDING), IsEmpty());
}

TEST(ValidateExperiment, EveryViolationIsReportedAtOnce) {
  v1::Experiment run = ValidQatRun();
  run.set_parameters(0);
  run.set_weight_bits(0.5);
  run.set_loss_nats(-1);
  run.set_replicate(-2);
  EXPECT_THAT(FieldsOf(ValidateExperiment(run, v1::NON_EMBEDDING)),
              ElementsAre("parameters", "weight_bits", "replicate", "loss_nats"));
}

TEST(ValidateExperiment, ViolationNamesValueAndRule) {
  v1::Experiment run = ValidQatRun();
  run.set_weight_bits(0.5);
  const FieldViolations violations = ValidateExperiment(run, v1::NON_EMBEDDING);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].description, "is 0.5; must be 1 to 16");
}

TEST(ValidateExperiment, StudyThatCountsAllParametersNeedsThoseOfTheEmbedding) {
  v1::Experiment run = ValidQatRun();
  EXPECT_THAT(FieldsOf(ValidateExperiment(run, v1::TOTAL)), ElementsAre("embedding_parameters"));
  run.set_embedding_parameters(1);
  EXPECT_THAT(ValidateExperiment(run, v1::TOTAL), IsEmpty());
}

struct RoleCase {
  int64_t fp_tokens;
  int64_t qat_tokens;
  double weight_bits;
  double activation_bits;
  v1::Role stated;
  v1::Role derived;
};

class DerivedRole : public ::testing::TestWithParam<RoleCase> {};

TEST_P(DerivedRole, FollowsFromTokensAndBits) {
  v1::Experiment run = ValidQatRun();
  run.set_fp_tokens(GetParam().fp_tokens);
  run.set_qat_tokens(GetParam().qat_tokens);
  run.set_weight_bits(GetParam().weight_bits);
  run.set_activation_bits(GetParam().activation_bits);
  run.set_role(GetParam().stated);
  ASSERT_THAT(ValidateExperiment(run, v1::NON_EMBEDDING), IsEmpty());
  Canonicalize(run);
  EXPECT_EQ(run.role(), GetParam().derived);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    DerivedRole,
    ::testing::Values(RoleCase{10, 0, 16, 16, v1::ROLE_UNSPECIFIED, v1::FULL_PRECISION},
                      RoleCase{10, 0, 16, 16, v1::FULL_PRECISION, v1::FULL_PRECISION},
                      RoleCase{10, 5, 4, 16, v1::ROLE_UNSPECIFIED, v1::FP_THEN_QAT},
                      RoleCase{10, 5, 16, 8, v1::ROLE_UNSPECIFIED, v1::FP_THEN_QAT},
                      RoleCase{0, 5, 1.58, 16, v1::ROLE_UNSPECIFIED, v1::QAT_FROM_SCRATCH},
                      RoleCase{10, 0, 4, 16, v1::ROLE_UNSPECIFIED, v1::POST_TRAINING},
                      RoleCase{10, 5, 16, 16, v1::CONTROL, v1::CONTROL}));

TEST(Canonicalize, ClearsWhatOnlyTheServerSets) {
  v1::Experiment run = ValidQatRun();
  run.set_name("studies/x/experiments/1");
  run.set_create_revision(7);
  run.set_excluded(true);
  run.set_exclude_reason("because");
  run.set_content_hash("00");
  run.mutable_create_time()->set_seconds(1);
  run.mutable_provenance()->set_import_batch("mine");
  run.mutable_provenance()->set_line(3);
  run.set_activation_bits(16);
  Canonicalize(run);
  v1::Experiment expected = ValidQatRun();
  expected.set_role(v1::FP_THEN_QAT);
  expected.mutable_provenance()->set_line(3);
  EXPECT_EQ(run.DebugString(), expected.DebugString());
}

TEST(ValidateExclusion, NeedsNamesOrBatchAndAReason) {
  v1::ExcludeExperimentsRequest request;
  request.set_parent("studies/x");
  EXPECT_THAT(FieldsOf(Validate(request)), ElementsAre("names", "reason"));
  request.add_names("studies/y/experiments/1");
  request.set_import_batch("b");
  request.set_reason("mistyped");
  EXPECT_THAT(FieldsOf(Validate(request)), ElementsAre("names", "names[0]"));
}

TEST(ValidateImport, OnlyTheFirstMessageMayHaveMoreThanRows) {
  v1::ImportExperimentsRequest request;
  request.set_parent("studies/x");
  EXPECT_THAT(Validate(request, /*is_first=*/true), IsEmpty());
  EXPECT_THAT(FieldsOf(Validate(request, /*is_first=*/false)), ElementsAre("parent"));
}

TEST(ValidateBatch, HasOneToTenThousandRows) {
  v1::BatchCreateExperimentsRequest request;
  request.set_parent("studies/x");
  EXPECT_THAT(FieldsOf(Validate(request)), ElementsAre("experiments"));
  for (int i = 0; i <= kMostRowsInMessage; ++i) request.add_experiments();
  EXPECT_THAT(FieldsOf(Validate(request)), ElementsAre("experiments"));
  request.mutable_experiments()->RemoveLast();
  EXPECT_THAT(Validate(request), IsEmpty());
}

TEST(ValidateListOfExperiments, FilterIsCheckedFieldByField) {
  v1::ListExperimentsRequest request;
  request.set_parent("studies/x");
  request.set_page_size(-1);
  request.mutable_filter()->add_roles(v1::ROLE_UNSPECIFIED);
  request.mutable_filter()->add_weight_bits(kNan);
  request.mutable_filter()->add_parameters(0);
  request.mutable_filter()->set_min_total_tokens(-1);
  EXPECT_THAT(FieldsOf(Validate(request)),
              ElementsAre("page_size",
                          "filter.roles[0]",
                          "filter.weight_bits[0]",
                          "filter.parameters[0]",
                          "filter.min_total_tokens"));
}

TEST(ValidateRequestId, IsShortPrintableAscii) {
  v1::CreateExperimentRequest request;
  request.set_parent("studies/x");
  request.mutable_experiment();
  request.set_request_id(std::string(101, 'x'));
  EXPECT_THAT(FieldsOf(Validate(request)), ElementsAre("request_id"));
  request.set_request_id("é");
  EXPECT_THAT(Validate(request)[0].description, HasSubstr("ASCII"));
}

}  // namespace
}  // namespace bitbudget::server
