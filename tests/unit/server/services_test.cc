// Studies, experiments and imports through the plain service functions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/experiment_import.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using testing::ChinchillaStudy;
using ::testing::ElementsAre;
using testing::FieldsOf;
using testing::FullPrecisionGrid;
using testing::FullPrecisionRun;
using ::testing::HasSubstr;
using testing::ReasonOf;
using testing::ServerFixture;

class Services : public ServerFixture {
 protected:
  absl::StatusOr<v1::Study> Update(const v1::UpdateStudyRequest& request) {
    return core().studies.UpdateStudy(call_, request);
  }
  v1::UpdateStudyRequest UpdateOf(const std::string& study, const std::string& path) {
    v1::UpdateStudyRequest request;
    request.mutable_study()->set_name(study);
    request.mutable_update_mask()->add_paths(path);
    return request;
  }
  // An import of `rows` in messages of two.
  absl::StatusOr<v1::ImportExperimentsResponse> Import(v1::ImportExperimentsRequest first,
                                                       const std::vector<v1::Experiment>& rows) {
    ExperimentImport import(core().experiments);
    v1::ImportExperimentsRequest message = std::move(first);
    for (const v1::Experiment& row : rows) {
      *message.add_experiments() = row;
      if (message.experiments_size() < 2) continue;
      if (absl::Status status = import.Add(std::exchange(message, {})); !status.ok()) return status;
    }
    if (absl::Status status = import.Add(std::move(message)); !status.ok()) return status;
    return import.Finish();
  }
  v1::ImportExperimentsRequest ImportInto(const std::string& study) {
    v1::ImportExperimentsRequest first;
    first.set_parent(study);
    return first;
  }
};

TEST_F(Services, UpdateChangesWhatTheMaskNamesAndNothingElse) {
  v1::Study study = ChinchillaStudy();
  study.set_description("kept");
  study.mutable_fit_options()->set_seed(7);
  const std::string name = CreateStudy("x", study);
  v1::UpdateStudyRequest request = UpdateOf(name, "display_name");
  request.mutable_study()->set_display_name("Title");
  request.mutable_study()->set_description("ignored");
  const auto updated = Update(request);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->display_name(), "Title");
  EXPECT_EQ(updated->description(), "kept");
  EXPECT_EQ(updated->revision(), 0);
}

TEST_F(Services, MaskOfOneOptionLeavesTheOthers) {
  v1::Study study = ChinchillaStudy();
  study.mutable_fit_options()->set_seed(7);
  study.mutable_fit_options()->set_huber_delta(1e-3);
  const std::string name = CreateStudy("x", study);
  const auto updated = Update(UpdateOf(name, "fit_options.huber_delta"));
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_FALSE(updated->fit_options().has_huber_delta());
  EXPECT_EQ(updated->fit_options().seed(), 7);
  EXPECT_EQ(updated->revision(), 1);
}

TEST_F(Services, UpdateThatSetsWhatIsSetAdvancesNoRevision) {
  const std::string name = CreateStudy("x");
  v1::UpdateStudyRequest request = UpdateOf(name, "law");
  request.mutable_study()->set_law("chinchilla");
  EXPECT_EQ(Update(request)->revision(), 0);
}

TEST_F(Services, UpdateIsCheckedAsAWhole) {
  v1::Study study = ChinchillaStudy();
  study.set_law("compute_optimal_qat");
  study.mutable_fit_options()->set_variant("no_irreducible");
  const std::string name = CreateStudy("x", study);
  v1::UpdateStudyRequest request = UpdateOf(name, "law");
  request.mutable_study()->set_law("chinchilla");
  EXPECT_THAT(FieldsOf(Update(request).status()), ElementsAre("study.fit_options.variant"));
}

TEST_F(Services, StaleEtagIsAborted) {
  const std::string name = CreateStudy("x");
  v1::UpdateStudyRequest request = UpdateOf(name, "description");
  request.mutable_study()->set_etag("stale");
  EXPECT_EQ(ReasonOf(Update(request).status()), "ETAG_MISMATCH");
}

TEST_F(Services, RepeatedUpdateWithItsEtagReturnsTheFirstResult) {
  const std::string name = CreateStudy("x");
  v1::GetStudyRequest get;
  get.set_name(name);
  v1::UpdateStudyRequest request = UpdateOf(name, "description");
  request.mutable_study()->set_etag(core().studies.GetStudy(call_, get)->etag());
  request.mutable_study()->set_description("new");
  request.set_request_id("r1");
  const auto first = Update(request);
  const auto repeat = Update(request);
  ASSERT_TRUE(first.ok() && repeat.ok()) << first.status() << repeat.status();
  EXPECT_EQ(repeat->etag(), first->etag());
}

TEST_F(Services, AllParametersAreCountedOnlyIfAllAreKnown) {
  const std::string name = CreateStudy("x");
  v1::Experiment known = FullPrecisionRun(1'000'000, 1'000'000);
  known.set_embedding_parameters(5);
  Store(name, {known, FullPrecisionRun(2'000'000, 1'000'000)});
  v1::UpdateStudyRequest request = UpdateOf(name, "parameter_convention");
  request.mutable_study()->set_parameter_convention(v1::TOTAL);
  EXPECT_EQ(ReasonOf(Update(request).status()), "EMBEDDINGS_UNKNOWN");
}

TEST_F(Services, RepeatedCreateOfADeletedStudyBringsNothingBack) {
  v1::CreateStudyRequest create;
  create.set_study_id("x");
  *create.mutable_study() = ChinchillaStudy();
  create.set_request_id("r1");
  ASSERT_TRUE(core().studies.CreateStudy(call_, create).ok());
  v1::DeleteStudyRequest erase;
  erase.set_name("studies/x");
  ASSERT_TRUE(core().studies.DeleteStudy(call_, erase).ok());
  EXPECT_TRUE(core().studies.CreateStudy(call_, create).ok());
  EXPECT_FALSE(core().registry.Find("studies/x").ok());
}

TEST_F(Services, BatchReportsEveryBadRowByIndex) {
  const std::string name = CreateStudy("x");
  v1::BatchCreateExperimentsRequest request;
  request.set_parent(name);
  for (int i = 0; i < 4; ++i) *request.add_experiments() = FullPrecisionRun(1'000'000 + i, 1'000);
  request.mutable_experiments(1)->set_loss_nats(-1);
  request.mutable_experiments(3)->set_weight_bits(17);
  const auto stored = core().experiments.BatchCreateExperiments(call_, request);
  EXPECT_THAT(FieldsOf(stored.status()),
              ElementsAre("experiments[1].loss_nats", "experiments[3].weight_bits"));
}

TEST_F(Services, ImportStoresAcrossMessages) {
  const auto imported = Import(ImportInto(CreateStudy("x")), FullPrecisionGrid());
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->created_count(), 36);
  EXPECT_EQ(imported->revision(), 1);
}

TEST_F(Services, ImportTwiceChangesNothing) {
  const std::string name = CreateStudy("x");
  ASSERT_TRUE(Import(ImportInto(name), FullPrecisionGrid()).ok());
  const auto again = Import(ImportInto(name), FullPrecisionGrid());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->created_count(), 0);
  EXPECT_EQ(again->unchanged_count(), 36);
  EXPECT_EQ(again->revision(), 1);
}

TEST_F(Services, BadRowRefusesTheWholeImport) {
  const std::string name = CreateStudy("x");
  std::vector<v1::Experiment> rows = FullPrecisionGrid();
  rows[5].set_loss_nats(0);
  rows[5].set_replicate(-1);
  rows[5].mutable_provenance()->set_line(7);
  const auto imported = Import(ImportInto(name), rows);
  EXPECT_EQ(ReasonOf(imported.status()), "ROWS_REJECTED");
  const ErrorDetails details = *GetErrorDetails(imported.status());
  ASSERT_EQ(details.rejected_rows.size(), 2u);
  EXPECT_EQ(details.rejected_rows[0].index, 5);
  EXPECT_EQ(details.rejected_rows[0].line, 7);
  EXPECT_EQ(details.rejected_rows[0].field, "replicate");
  EXPECT_THAT(std::string(imported.status().message()), HasSubstr("line 7"));
  v1::ListExperimentsRequest list;
  list.set_parent(name);
  EXPECT_EQ(core().experiments.ListExperiments(call_, list)->experiments_size(), 0);
}

TEST_F(Services, SkippedRowsKeepTheirPositions) {
  const std::string name = CreateStudy("x");
  std::vector<v1::Experiment> rows = FullPrecisionGrid();
  Store(name, {rows[6]});
  rows[2].set_loss_nats(-1);                          // breaks a rule
  rows[6].set_loss_nats(rows[6].loss_nats() + 0.25);  // contradicts what is stored
  v1::ImportExperimentsRequest first = ImportInto(name);
  first.set_skip_invalid(true);
  const auto imported = Import(first, rows);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->created_count(), 34);
  EXPECT_EQ(imported->rejected_count(), 2);
  ASSERT_EQ(imported->rejected_rows_size(), 2);
  EXPECT_EQ(imported->rejected_rows(0).index(), 2);
  EXPECT_EQ(imported->rejected_rows(1).index(), 6);
}

TEST_F(Services, ValidateOnlyStoresNothing) {
  const std::string name = CreateStudy("x");
  v1::ImportExperimentsRequest first = ImportInto(name);
  first.set_validate_only(true);
  const auto imported = Import(first, FullPrecisionGrid());
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->created_count(), 36);
  EXPECT_EQ(imported->revision(), 0);
}

TEST_F(Services, RequestIdOfAnImportCoversItsRows) {
  const std::string name = CreateStudy("x");
  v1::ImportExperimentsRequest first = ImportInto(name);
  first.set_request_id("r1");
  ASSERT_TRUE(Import(first, FullPrecisionGrid()).ok());
  const auto repeat = Import(first, FullPrecisionGrid());
  ASSERT_TRUE(repeat.ok()) << repeat.status();
  EXPECT_EQ(repeat->created_count(), 36) << "a repeat returns the first result";
  EXPECT_EQ(ReasonOf(Import(first, {FullPrecisionRun(5, 5)}).status()), "REQUEST_ID_REUSED");
}

TEST_F(Services, ImportIntoAnUnknownStudyEndsAtTheFirstMessage) {
  ExperimentImport import(core().experiments);
  EXPECT_EQ(ReasonOf(import.Add(ImportInto("studies/none"))), "STUDY_NOT_FOUND");
}

TEST_F(Services, EmptyImportStreamNeedsAParent) {
  ExperimentImport import(core().experiments);
  EXPECT_THAT(FieldsOf(import.Finish().status()), ElementsAre("parent"));
}

TEST_F(Services, ExportIsOneMessageEvenWithoutRows) {
  v1::ExportExperimentsRequest request;
  request.set_parent(CreateStudy("x"));
  const auto messages = core().experiments.ExportExperiments(call_, request);
  ASSERT_TRUE(messages.ok()) << messages.status();
  ASSERT_EQ(messages->size(), 1u);
  EXPECT_EQ(messages->front().experiments_size(), 0);
}

TEST_F(Services, ExportCutsMessagesOfTwoHundredAndFiftySix) {
  const std::string name = CreateStudy("x");
  std::vector<v1::Experiment> rows;
  rows.reserve(257);
  for (int i = 0; i < 257; ++i) rows.push_back(FullPrecisionRun(1'000 + i, 1'000));
  const int64_t revision = Store(name, rows);
  v1::ExportExperimentsRequest request;
  request.set_parent(name);
  const auto messages = core().experiments.ExportExperiments(call_, request);
  ASSERT_TRUE(messages.ok()) << messages.status();
  ASSERT_EQ(messages->size(), 2u);
  EXPECT_EQ((*messages)[0].experiments_size(), 256);
  EXPECT_EQ((*messages)[1].experiments_size(), 1);
  EXPECT_EQ((*messages)[1].revision(), revision);
}

}  // namespace
}  // namespace bitbudget::server
