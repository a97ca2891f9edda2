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

v1::Study ValidStudy() {
  v1::Study study;
  study.set_loss_unit(v1::NATS_PER_TOKEN);
  study.set_parameter_convention(v1::NON_EMBEDDING);
  study.set_law("compute_optimal_qat");
  return study;
}

std::vector<std::string> FieldsOf(const FieldViolations& violations) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) fields.push_back(violation.field);
  return fields;
}

struct BadField {
  std::string field;
  std::string what;
  std::function<void(v1::Study&)> spoil;
};

void PrintTo(const BadField& bad, std::ostream* out) { *out << bad.field << " " << bad.what; }

class BadFieldOfStudy : public ::testing::TestWithParam<BadField> {};

TEST_P(BadFieldOfStudy, IsNamedAlone) {
  v1::Study study = ValidStudy();
  GetParam().spoil(study);
  EXPECT_THAT(FieldsOf(ValidateStudy(study)), ElementsAre(GetParam().field));
}

using S = v1::Study;
v1::FitOptions& Options(S& study) { return *study.mutable_fit_options(); }

v1::ModelShape ShapeOf(int64_t parameters, int layers, int width) {
  v1::ModelShape shape;
  shape.set_parameters(parameters);
  shape.set_layers(layers);
  shape.set_width(width);
  return shape;
}

INSTANTIATE_TEST_SUITE_P(
    All,
    BadFieldOfStudy,
    ::testing::Values(
        BadField{"display_name", "long", [](S& s) { s.set_display_name(std::string(201, 'x')); }},
        BadField{"description", "long", [](S& s) { s.set_description(std::string(10'001, 'x')); }},
        BadField{"loss_unit", "unset", [](S& s) { s.clear_loss_unit(); }},
        BadField{
            "loss_unit", "unknown", [](S& s) { s.set_loss_unit(static_cast<v1::LossUnit>(9)); }},
        BadField{"tokenizer", "no UTF-8", [](S& s) { s.set_tokenizer("\xff"); }},
        BadField{"data_set", "long", [](S& s) { s.set_data_set(std::string(201, 'x')); }},
        BadField{
            "evaluation_set", "long", [](S& s) { s.set_evaluation_set(std::string(201, 'x')); }},
        BadField{"parameter_convention", "unset", [](S& s) { s.clear_parameter_convention(); }},
        BadField{"law", "unset", [](S& s) { s.clear_law(); }},
        BadField{"law", "unknown", [](S& s) { s.set_law("moore"); }},
        BadField{"model_family.shapes[0].layers",
                 "0",
                 [](S& s) { *s.mutable_model_family()->add_shapes() = ShapeOf(10, 0, 4); }},
        BadField{"model_family.shapes[1].parameters",
                 "twice",
                 [](S& s) {
                   *s.mutable_model_family()->add_shapes() = ShapeOf(10, 1, 4);
                   *s.mutable_model_family()->add_shapes() = ShapeOf(10, 2, 4);
                 }},
        BadField{"fit_options.variant", "unknown", [](S& s) { Options(s).set_variant("half"); }},
        BadField{"fit_options.huber_delta", "0", [](S& s) { Options(s).set_huber_delta(0); }},
        BadField{"fit_options.huber_delta", "NaN", [](S& s) { Options(s).set_huber_delta(kNan); }},
        BadField{"fit_options.huber_delta", "2", [](S& s) { Options(s).set_huber_delta(2); }},
        BadField{"fit_options.start_count", "0", [](S& s) { Options(s).set_start_count(0); }},
        BadField{
            "fit_options.start_count", "10001", [](S& s) { Options(s).set_start_count(10'001); }},
        BadField{"fit_options.polish_count",
                 "more than starts",
                 [](S& s) {
                   Options(s).set_start_count(3);
                   Options(s).set_polish_count(4);
                 }},
        BadField{"fit_options.full_precision_weight",
                 "negative",
                 [](S& s) { Options(s).set_full_precision_weight(-1); }},
        BadField{"fit_options.full_precision_weight",
                 "NaN",
                 [](S& s) { Options(s).set_full_precision_weight(kNan); }},
        BadField{"fit_options.schedule", "control", [](S& s) { Options(s).set_schedule("\t"); }},
        BadField{
            "fit_options.min_fp_tokens", "<0", [](S& s) { Options(s).set_min_fp_tokens(-1); }}));

TEST(ValidateStudy, VariantBelongsToTheLaw) {
  v1::Study study = ValidStudy();
  for (const char* variant : {"full", "shared_bit_decay", "qat_fraction"}) {
    study.mutable_fit_options()->set_variant(variant);
    EXPECT_THAT(ValidateStudy(study), IsEmpty()) << variant;
  }
  study.set_law("chinchilla");
  EXPECT_THAT(FieldsOf(ValidateStudy(study)), ElementsAre("fit_options.variant"));
}

TEST(ValidateStudy, UnknownLawNamesTheKnownOnes) {
  v1::Study study = ValidStudy();
  study.set_law("moore");
  EXPECT_THAT(ValidateStudy(study)[0].description, HasSubstr("compute_optimal_qat"));
}

TEST(ValidateCreateStudy, NeedsIdAndStudy) {
  EXPECT_THAT(FieldsOf(Validate(v1::CreateStudyRequest())), ElementsAre("study_id", "study"));
}

TEST(ValidateUpdateStudy, MaskNamesFieldsThatCanChange) {
  v1::UpdateStudyRequest request;
  request.mutable_study()->set_name("studies/x");
  EXPECT_THAT(FieldsOf(Validate(request)), ElementsAre("update_mask"));
  for (const char* path : {"law", "fit_options", "fit_options.seed", "model_family"}) {
    request.mutable_update_mask()->add_paths(path);
  }
  EXPECT_THAT(Validate(request), IsEmpty());
  for (const char* path : {"loss_unit", "name", "revision", "fit_options.nonsense", "", "*"}) {
    v1::UpdateStudyRequest bad = request;
    bad.mutable_update_mask()->add_paths(path);
    EXPECT_THAT(FieldsOf(Validate(bad)), ElementsAre("update_mask")) << path;
  }
}

TEST(ValidateBackup, PathIsAbsolute) {
  v1::BackupRequest request;
  request.set_path("backup.db");
  EXPECT_THAT(FieldsOf(Validate(request)), ElementsAre("path"));
  request.set_path("/tmp/backup.db");
  EXPECT_THAT(Validate(request), IsEmpty());
}

TEST(ValidateNames, EveryRequestChecksItsName) {
  EXPECT_THAT(FieldsOf(Validate(v1::GetStudyRequest())), ElementsAre("name"));
  EXPECT_THAT(FieldsOf(Validate(v1::DeleteStudyRequest())), ElementsAre("name"));
  EXPECT_THAT(FieldsOf(Validate(v1::GetFitRequest())), ElementsAre("name"));
  EXPECT_THAT(FieldsOf(Validate(v1::ReplayFitRequest())), ElementsAre("name"));
  EXPECT_THAT(FieldsOf(Validate(v1::GetExperimentRequest())), ElementsAre("name"));
  EXPECT_THAT(FieldsOf(Validate(v1::RunFitRequest())), ElementsAre("parent"));
  EXPECT_THAT(FieldsOf(Validate(v1::ListFitsRequest())), ElementsAre("parent"));
  EXPECT_THAT(FieldsOf(Validate(v1::ExportExperimentsRequest())), ElementsAre("parent"));
}

TEST(ValidatePages, SizeIsNotNegative) {
  v1::ListStudiesRequest studies;
  studies.set_page_size(-1);
  EXPECT_THAT(FieldsOf(Validate(studies)), ElementsAre("page_size"));
  v1::ListFitsRequest fits;
  fits.set_parent("studies/x");
  fits.set_page_size(-1);
  EXPECT_THAT(FieldsOf(Validate(fits)), ElementsAre("page_size"));
}

}  // namespace
}  // namespace bitbudget::server
