// Request ids: one effect and one result, however often a request is sent.

#include "db/store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

class RequestsTest : public StoreTest {
 protected:
  static RequestKey Key(const std::string& id, const std::string& hash = "hash") {
    return {id, "method and parent", hash};
  }
  static constexpr auto kReused = absl::StatusCode::kAlreadyExists;
};

TEST_F(RequestsTest, RepeatReturnsTheFirstResult) {
  const absl::StatusOr<InsertResult> first = store_->InsertExperiments(Batch({QatRun(0)}, "id"));
  const absl::StatusOr<InsertResult> again = store_->InsertExperiments(Batch({QatRun(0)}, "id"));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->created_count, 1);
  EXPECT_EQ(again->unchanged_count, 0);
  EXPECT_EQ(again->revision, 1);
  EXPECT_EQ(again->experiments[0].SerializeAsString(), first->experiments[0].SerializeAsString());
}

TEST_F(RequestsTest, RepeatAfterExclusionStoresNothingAndReturnsTheFirstResult) {
  const absl::StatusOr<InsertResult> first = store_->InsertExperiments(Batch({QatRun(0)}, "id"));
  ASSERT_THAT(Exclude({"studies/s/experiments/1"}), IsOk());
  const absl::StatusOr<InsertResult> again = store_->InsertExperiments(Batch({QatRun(0)}, "id"));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->experiments[0].SerializeAsString(), first->experiments[0].SerializeAsString());
  EXPECT_EQ(QueryNumber("SELECT count(*) FROM experiments"), 1);
  EXPECT_EQ(store_->GetStudy("studies/s")->revision(), 2);
}

TEST_F(RequestsTest, RepeatReturnsRowsInTheOrderOfTheRequest) {
  Insert({QatRun(5)});
  const std::vector<v1::Experiment> rows = {QatRun(1), QatRun(5), QatRun(2), QatRun(3), QatRun(1)};
  const absl::StatusOr<InsertResult> first = store_->InsertExperiments(Batch(rows, "id"));
  const absl::StatusOr<InsertResult> again = store_->InsertExperiments(Batch(rows, "id"));
  ASSERT_THAT(again, IsOk());
  ASSERT_EQ(again->experiments.size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(again->experiments[i].name(), first->experiments[i].name());
    EXPECT_EQ(again->experiments[i].replicate(), rows[i].replicate());
  }
}

TEST_F(RequestsTest, RepeatReturnsTheRowsRejectedAtFirst) {
  Insert({QatRun(0)});
  InsertBatch batch = Batch({QatRun(0, 9), QatRun(1)}, "id");
  batch.skip_conflicts = true;
  ASSERT_THAT(store_->InsertExperiments(batch), IsOk());
  const absl::StatusOr<InsertResult> again = store_->InsertExperiments(batch);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->rejected_count, 1);
  EXPECT_EQ(again->rejected.at(0).field(), "loss_nats");
}

TEST_F(RequestsTest, SameIdWithAnotherRequestIsRefused) {
  InsertBatch batch = Batch({QatRun(0)}, "id");
  ASSERT_THAT(store_->InsertExperiments(batch), IsOk());
  batch.experiments = {QatRun(1)};
  batch.request.request_hash = "other";
  EXPECT_THAT(store_->InsertExperiments(batch), FailsWith(kReused, "REQUEST_ID_REUSED"));
  EXPECT_EQ(QueryNumber("SELECT count(*) FROM experiments"), 1);
}

TEST_F(RequestsTest, IdsBelongToTheirScope) {
  InsertBatch batch = Batch({QatRun(0)}, "id");
  ASSERT_THAT(store_->InsertExperiments(batch), IsOk());
  batch.experiments = {QatRun(1)};
  batch.request.scope = "other";
  EXPECT_EQ(store_->InsertExperiments(batch)->created_count, 1);
}

TEST_F(RequestsTest, ResultsOutliveTheServer) {
  ASSERT_THAT(store_->InsertExperiments(Batch({QatRun(0)}, "id")), IsOk());
  Reopen();
  EXPECT_EQ(store_->InsertExperiments(Batch({QatRun(0)}, "id"))->created_count, 1);
}

TEST_F(RequestsTest, RefusedRequestMayBeSentAgain) {
  Insert({QatRun(0)});
  InsertBatch batch = Batch({QatRun(0, 9)}, "id");
  EXPECT_FALSE(store_->InsertExperiments(batch).ok());
  ASSERT_THAT(Exclude({"studies/s/experiments/1"}), IsOk());
  EXPECT_EQ(store_->InsertExperiments(batch)->created_count, 1);
}

TEST_F(RequestsTest, IdIsForgottenAfterThirtyDays) {
  const absl::Duration kept = absl::Hours(24 * 30);
  ASSERT_THAT(store_->InsertExperiments(Batch({QatRun(0)}, "id")), IsOk());
  clock_.Advance(kept - absl::Seconds(1));
  EXPECT_EQ(store_->InsertExperiments(Batch({QatRun(0)}, "id"))->created_count, 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(store_->InsertExperiments(Batch({QatRun(0)}, "id"))->unchanged_count, 1);
}

TEST_F(RequestsTest, OldIdsLeaveTheFile) {
  for (int i = 0; i < 5; ++i) {
    const std::string id(1, static_cast<char>('a' + i));
    ASSERT_THAT(store_->InsertExperiments(Batch({QatRun(i)}, id)), IsOk());
  }
  clock_.Advance(absl::Hours(24 * 30));
  // Two old ones leave with each new one.
  ASSERT_THAT(store_->InsertExperiments(Batch({QatRun(9)}, "new")), IsOk());
  EXPECT_EQ(QueryNumber("SELECT count(*) FROM requests"), 4);
  // All when the file is opened.
  Reopen();
  EXPECT_EQ(QueryNumber("SELECT count(*) FROM requests"), 1);
}

TEST_F(RequestsTest, RepeatedCreateReturnsTheStudyAsFirstCreated) {
  const absl::StatusOr<v1::Study> first = store_->CreateStudy("t", StudyFields(), Key("id"));
  ASSERT_THAT(first, IsOk());
  Store::StudyUpdate update{.study = *first};
  update.study.set_display_name("changed");
  ASSERT_THAT(store_->UpdateStudy(update), IsOk());
  EXPECT_EQ(store_->CreateStudy("t", StudyFields(), Key("id"))->SerializeAsString(),
            first->SerializeAsString());
}

TEST_F(RequestsTest, RepeatedUpdateHasNoSecondEffect) {
  Store::StudyUpdate update{.study = StudyFields(), .request = Key("id")};
  update.study.set_name("studies/s");
  update.study.set_display_name("B");
  update.expected_etag = store_->GetStudy("studies/s")->etag();
  const absl::StatusOr<v1::Study> first = store_->UpdateStudy(update);
  ASSERT_THAT(first, IsOk());
  // The etag is no longer the study's; the repeat is no conflict all the same.
  EXPECT_EQ(store_->UpdateStudy(update)->SerializeAsString(), first->SerializeAsString());
}

TEST_F(RequestsTest, RepeatedDeleteSparesANewStudyOfTheSameId) {
  ASSERT_THAT(store_->DeleteStudy("studies/s", false, Key("id")), IsOk());
  EXPECT_THAT(store_->DeleteStudy("studies/s", false, Key("id")), IsOk());
  ASSERT_THAT(store_->CreateStudy("s", StudyFields(), {}), IsOk());
  EXPECT_THAT(store_->DeleteStudy("studies/s", false, Key("id")), IsOk());
  EXPECT_THAT(store_->GetStudy("studies/s"), IsOk());
}

TEST_F(RequestsTest, IdsOfADeletedStudyDoNotBindItsSuccessor) {
  ASSERT_THAT(store_->InsertExperiments(Batch({QatRun(0)}, "id")), IsOk());
  ASSERT_THAT(store_->DeleteStudy("studies/s", true, {}), IsOk());
  ASSERT_THAT(store_->CreateStudy("s", StudyFields(), {}), IsOk());
  ASSERT_THAT(store_->InsertExperiments(Batch({QatRun(0)}, "id")), IsOk());
  EXPECT_EQ(store_->GetStudy("studies/s")->experiment_count(), 1);
}

TEST_F(RequestsTest, RepeatedExclusionReturnsTheFirstResult) {
  Insert(QatRuns(0, 2));
  const ExclusionChange change{.study = "studies/s",
                               .names = {"studies/s/experiments/1"},
                               .reason = "mistyped",
                               .request = Key("id")};
  ASSERT_THAT(store_->ExcludeExperiments(change), IsOk());
  ASSERT_THAT(Include({"studies/s/experiments/1"}), IsOk());
  const absl::StatusOr<ExclusionResult> again = store_->ExcludeExperiments(change);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->revision, 2);
  EXPECT_EQ(again->changed_count, 1);
  EXPECT_FALSE(store_->GetExperiment("studies/s/experiments/1")->excluded());
}

TEST_F(RequestsTest, RepeatedFitIsStoredOnce) {
  const absl::StatusOr<v1::Fit> first = store_->InsertFit("studies/s", {}, Key("id"));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(store_->InsertFit("studies/s", {}, Key("id"))->name(), first->name());
  EXPECT_EQ(QueryNumber("SELECT count(*) FROM fits"), 1);
}

}  // namespace
}  // namespace bitbudget::db
