#include "db/store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class InsertTest : public StoreTest {
 protected:
  // The conflicts of a refused insert.
  std::vector<RowConflict> Conflicts(const InsertBatch& batch) {
    const absl::StatusOr<InsertResult> result = store_->InsertExperiments(batch);
    EXPECT_THAT(result, FailsWith(absl::StatusCode::kAlreadyExists, "EXPERIMENT_CONFLICT"));
    const std::optional<ErrorDetails> details = GetErrorDetails(result.status());
    return details.has_value() ? details->conflicts : std::vector<RowConflict>();
  }
  int64_t Revision() { return store_->GetStudy("studies/s")->revision(); }
};

TEST_F(InsertTest, StoresEveryField) {
  v1::Experiment run = QatRun(3, 2.5);
  run.set_embedding_parameters(7'000'000);
  run.set_activation_bits(8);
  run.set_group_size(128);
  run.set_loss_stderr_nats(0.001);
  run.set_note("a note");
  run.mutable_provenance()->set_line(17);
  run.mutable_provenance()->set_job("job");
  run.mutable_provenance()->set_attempt(2);
  run.mutable_provenance()->set_code_version("v1");
  InsertBatch batch = Batch({run});
  batch.import_batch = "july";

  const absl::StatusOr<InsertResult> result = store_->InsertExperiments(batch);

  ASSERT_THAT(result, IsOk());
  run.set_name("studies/s/experiments/1");
  run.mutable_provenance()->set_import_batch("july");
  run.mutable_create_time()->set_seconds(1'700'000'000);
  run.set_create_revision(1);
  run.set_content_hash(result->experiments[0].content_hash());
  EXPECT_EQ(result->experiments[0].SerializeAsString(), run.SerializeAsString());
  EXPECT_EQ(store_->GetExperiment(run.name())->SerializeAsString(), run.SerializeAsString());
}

TEST_F(InsertTest, OneWriteAdvancesTheRevisionByOne) {
  const InsertResult result = Insert(QatRuns(0, 5));
  EXPECT_EQ(result.created_count, 5);
  EXPECT_EQ(result.revision, 1);
  EXPECT_EQ(Revision(), 1);
}

TEST_F(InsertTest, SameContentIsTheStoredRow) {
  const InsertResult first = Insert({QatRun(0), QatRun(1)});
  const InsertResult second = Insert({QatRun(2), QatRun(1)});
  EXPECT_EQ(second.created_count, 1);
  EXPECT_EQ(second.unchanged_count, 1);
  EXPECT_EQ(second.experiments[1].SerializeAsString(), first.experiments[1].SerializeAsString());
}

TEST_F(InsertTest, WriteThatStoresNothingNewDoesNotAdvanceTheRevision) {
  Insert({QatRun(0)});
  const InsertResult again = Insert({QatRun(0)});
  EXPECT_EQ(again.unchanged_count, 1);
  EXPECT_EQ(again.revision, 1);
  EXPECT_EQ(Revision(), 1);
}

TEST_F(InsertTest, OtherContentUnderTheSameKeyNamesRowAndFields) {
  Insert({QatRun(0)});
  v1::Experiment other = QatRun(0, 9);
  other.set_note("again");
  other.mutable_provenance()->set_line(12);
  EXPECT_THAT(Conflicts(Batch({QatRun(1), other})),
              ElementsAre(RowConflict{.index = 1,
                                      .line = 12,
                                      .existing_experiment = "studies/s/experiments/1",
                                      .differing_fields = {"loss_nats", "note"}}));
}

TEST_F(InsertTest, ConflictStoresNothingOfTheBatch) {
  Insert({QatRun(0)});
  Conflicts(Batch({QatRun(1), QatRun(0, 9)}));
  EXPECT_THAT(RowsAt(100), ElementsAre("1:3.25"));
  EXPECT_EQ(Revision(), 1);
}

TEST_F(InsertTest, ContradictionInsideABatchNamesTheEarlierRow) {
  EXPECT_THAT(
      Conflicts(Batch({QatRun(5), QatRun(0), QatRun(0, 9)})),
      ElementsAre(RowConflict{.index = 2, .differing_fields = {"loss_nats"}, .earlier_index = 1}));
}

TEST_F(InsertTest, SameRowTwiceInABatchIsStoredOnce) {
  const InsertResult result = Insert({QatRun(0), QatRun(0)});
  EXPECT_EQ(result.created_count, 1);
  EXPECT_EQ(result.unchanged_count, 1);
  EXPECT_EQ(result.experiments[0].name(), result.experiments[1].name());
}

TEST_F(InsertTest, AtMostHundredConflictsAreListed) {
  Insert(QatRuns(0, 150));
  std::vector<v1::Experiment> others;
  for (int i = 0; i < 150; ++i) others.push_back(QatRun(i, 9));
  const absl::Status status = store_->InsertExperiments(Batch(others)).status();
  const std::optional<ErrorDetails> details = GetErrorDetails(status);
  ASSERT_TRUE(details.has_value()) << status;
  EXPECT_EQ(details->conflicts.size(), 100);
  EXPECT_EQ(details->metadata.at("conflict_count"), "150");
}

TEST_F(InsertTest, SkippingConflictsStoresTheOthers) {
  Insert({QatRun(0)});
  InsertBatch batch = Batch({QatRun(0, 9), QatRun(1), QatRun(1, 8)});
  batch.skip_conflicts = true;
  const absl::StatusOr<InsertResult> result = store_->InsertExperiments(batch);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->created_count, 1);
  EXPECT_EQ(result->rejected_count, 2);
  ASSERT_EQ(result->rejected.size(), 2);
  EXPECT_EQ(result->rejected[0].index(), 0);
  EXPECT_EQ(result->rejected[0].field(), "loss_nats");
  EXPECT_EQ(result->rejected[1].index(), 2);
  EXPECT_THAT(RowsAt(2), ElementsAre("1:3.25", "2:3.25"));
}

TEST_F(InsertTest, ValidationReportsAndStoresNothing) {
  Insert({QatRun(0)});
  InsertBatch batch = Batch({QatRun(0), QatRun(1), QatRun(2)}, "validation");
  batch.validate_only = true;
  const absl::StatusOr<InsertResult> result = store_->InsertExperiments(batch);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->created_count, 2);
  EXPECT_EQ(result->unchanged_count, 1);
  EXPECT_EQ(result->revision, 1);
  EXPECT_THAT(RowsAt(100), ElementsAre("1:3.25"));
}

TEST_F(InsertTest, ValidationDoesNotUseUpItsRequestId) {
  InsertBatch batch = Batch({QatRun(0)}, "id");
  batch.validate_only = true;
  ASSERT_THAT(store_->InsertExperiments(batch), IsOk());
  batch.validate_only = false;
  EXPECT_EQ(store_->InsertExperiments(batch)->created_count, 1);
}

TEST_F(InsertTest, RowsAreNotReturnedUnlessAskedFor) {
  InsertBatch batch = Batch({QatRun(0)});
  batch.return_experiments = false;
  const absl::StatusOr<InsertResult> result = store_->InsertExperiments(batch);
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->experiments, IsEmpty());
  EXPECT_EQ(result->created_count, 1);
}

TEST_F(InsertTest, UnknownStudyIsNotFound) {
  InsertBatch batch = Batch({QatRun(0)});
  batch.study = "studies/other";
  EXPECT_THAT(store_->InsertExperiments(batch),
              FailsWith(absl::StatusCode::kNotFound, "STUDY_NOT_FOUND"));
}

TEST_F(InsertTest, KeysBelongToTheirStudy) {
  ASSERT_THAT(store_->CreateStudy("other", StudyFields(), {}), IsOk());
  Insert({QatRun(0)});
  InsertBatch batch = Batch({QatRun(0, 9)});
  batch.study = "studies/other";
  EXPECT_EQ(store_->InsertExperiments(batch)->created_count, 1);
}

// Each part of the natural key makes another run, optional parts included.
class NaturalKeyTest : public InsertTest,
                       public testing::WithParamInterface<void (*)(v1::Experiment&)> {};

TEST_P(NaturalKeyTest, DistinguishesRuns) {
  v1::Experiment other = QatRun(0, 9);
  GetParam()(other);
  const InsertResult result = Insert({QatRun(0), other});
  EXPECT_EQ(result.created_count, 2);
}

TEST_P(NaturalKeyTest, HoldsWithThisPartChanged) {
  v1::Experiment run = QatRun(0);
  GetParam()(run);
  v1::Experiment other = run;
  other.set_loss_nats(9);
  Insert({run});
  EXPECT_EQ(Conflicts(Batch({other})).size(), 1);
}

INSTANTIATE_TEST_SUITE_P(Parts,
                         NaturalKeyTest,
                         testing::Values([](v1::Experiment& run) { run.set_role(v1::CONTROL); },
                                         [](v1::Experiment& run) { run.set_recipe("gptq"); },
                                         [](v1::Experiment& run) { run.set_optimizer(""); },
                                         [](v1::Experiment& run) { run.set_schedule("fused"); },
                                         [](v1::Experiment& run) { run.set_parameters(1); },
                                         [](v1::Experiment& run) { run.set_fp_tokens(1); },
                                         [](v1::Experiment& run) { run.set_qat_tokens(1); },
                                         [](v1::Experiment& run) { run.set_weight_bits(1.58); },
                                         [](v1::Experiment& run) { run.set_activation_bits(8); },
                                         [](v1::Experiment& run) { run.set_group_size(64); },
                                         [](v1::Experiment& run) { run.set_replicate(7); }));

}  // namespace
}  // namespace bitbudget::db
