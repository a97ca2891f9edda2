#include "db/store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StudiesTest : public StoreTest {
 protected:
  Store::StudyUpdate Update(const std::string& title) {
    Store::StudyUpdate update{.study = StudyFields()};
    update.study.set_name("studies/s");
    update.study.set_display_name(title);
    return update;
  }

  std::vector<std::string> Names(const StudyPage& page) {
    std::vector<std::string> names;
    for (const v1::Study& study : page.studies) names.push_back(study.name());
    return names;
  }
};

TEST_F(StudiesTest, NewStudyHasItsFieldsAndRevisionZero) {
  v1::Study fields = StudyFields();
  fields.mutable_model_family()->add_shapes()->set_parameters(7);
  fields.mutable_fit_options()->set_huber_delta(1e-3);
  fields.set_revision(99);  // output only: ignored
  const absl::StatusOr<v1::Study> created = store_->CreateStudy("new", fields, {});
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ(created->name(), "studies/new");
  EXPECT_EQ(created->revision(), 0);
  EXPECT_EQ(created->create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(created->model_family().shapes(0).parameters(), 7);
  EXPECT_EQ(created->fit_options().huber_delta(), 1e-3);
  EXPECT_EQ(store_->GetStudy("studies/new")->SerializeAsString(), created->SerializeAsString());
}

TEST_F(StudiesTest, TakenIdIsRefused) {
  EXPECT_THAT(store_->CreateStudy("s", StudyFields(), {}),
              FailsWith(absl::StatusCode::kAlreadyExists, "STUDY_EXISTS"));
}

TEST_F(StudiesTest, UnknownAndMalformedNamesAreNotFound) {
  for (const char* name : {"studies/t", "studies/", "s", "", "studies/s/fits/1", "Studies/s"}) {
    EXPECT_THAT(store_->GetStudy(name), FailsWith(absl::StatusCode::kNotFound, "STUDY_NOT_FOUND"))
        << name;
  }
}

TEST_F(StudiesTest, CountsFollowTheData) {
  Insert(QatRuns(0, 3));
  ASSERT_THAT(Exclude({"studies/s/experiments/2"}), IsOk());
  const absl::StatusOr<v1::Study> study = store_->GetStudy("studies/s");
  EXPECT_EQ(study->experiment_count(), 2);
  EXPECT_EQ(study->excluded_experiment_count(), 1);
  EXPECT_EQ(study->revision(), 2);
}

TEST_F(StudiesTest, UpdateReplacesFieldsWithoutNewRevision) {
  clock_.Advance(absl::Seconds(5));
  const absl::StatusOr<v1::Study> updated = store_->UpdateStudy(Update("B"));
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->display_name(), "B");
  EXPECT_EQ(updated->revision(), 0);
  EXPECT_EQ(updated->update_time().seconds(), 1'700'000'005);
}

TEST_F(StudiesTest, UpdateOfLawOrOptionsAdvancesTheRevision) {
  Store::StudyUpdate update = Update("A study");
  update.study.set_law("chinchilla");
  update.advance_revision = true;
  EXPECT_EQ(store_->UpdateStudy(update)->revision(), 1);
}

TEST_F(StudiesTest, UpdateThatChangesNothingHasNoEffect) {
  const std::string before = store_->GetStudy("studies/s")->SerializeAsString();
  clock_.Advance(absl::Seconds(5));
  Store::StudyUpdate update = Update("A study");
  update.advance_revision = true;
  EXPECT_EQ(store_->UpdateStudy(update)->SerializeAsString(), before);
}

TEST_F(StudiesTest, EtagChangesWithTheFieldsAndNotWithTheData) {
  const std::string etag = store_->GetStudy("studies/s")->etag();
  Insert({QatRun(0)});
  EXPECT_EQ(store_->GetStudy("studies/s")->etag(), etag);
  EXPECT_NE(store_->UpdateStudy(Update("B"))->etag(), etag);
}

TEST_F(StudiesTest, StaleEtagIsAbortedAndChangesNothing) {
  Store::StudyUpdate first = Update("B");
  first.expected_etag = store_->GetStudy("studies/s")->etag();
  Store::StudyUpdate second = Update("C");
  second.expected_etag = first.expected_etag;
  ASSERT_THAT(store_->UpdateStudy(first), IsOk());
  EXPECT_THAT(store_->UpdateStudy(second), FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  EXPECT_EQ(store_->GetStudy("studies/s")->display_name(), "B");
}

TEST_F(StudiesTest, StudyWithExperimentsIsDeletedByForceOnly) {
  Insert({QatRun(0)});
  ASSERT_THAT(Exclude({"studies/s/experiments/1"}), IsOk());
  EXPECT_THAT(store_->DeleteStudy("studies/s", false, {}),
              FailsWith(absl::StatusCode::kFailedPrecondition, "STUDY_NOT_EMPTY"));
  EXPECT_THAT(store_->DeleteStudy("studies/s", true, {}), IsOk());
}

TEST_F(StudiesTest, NoCallReturnsADeletedStudy) {
  Insert({QatRun(0)});
  ASSERT_THAT(store_->InsertFit("studies/s", {}, {}), IsOk());
  ASSERT_THAT(store_->DeleteStudy("studies/s", true, {}), IsOk());
  const auto gone = FailsWith(absl::StatusCode::kNotFound, "STUDY_NOT_FOUND");
  EXPECT_THAT(store_->GetStudy("studies/s"), gone);
  EXPECT_THAT(store_->GetExperiment("studies/s/experiments/1"), gone);
  EXPECT_THAT(store_->GetFit("studies/s/fits/latest"), gone);
  EXPECT_THAT(store_->ListFits("studies/s", {}), gone);
  EXPECT_THAT(store_->InsertExperiments(Batch({QatRun(0)})), gone);
  EXPECT_THAT(Exclude({"studies/s/experiments/1"}), gone);
  EXPECT_THAT(store_->UpdateStudy(Update("B")), gone);
  EXPECT_THAT(store_->ReadExclusionsSince("studies/s", 0), gone);
  EXPECT_THAT(store_->DeleteStudy("studies/s", true, {}), gone);
  EXPECT_THAT(store_->ListStudies({})->studies, IsEmpty());
}

TEST_F(StudiesTest, DeletedStudyStaysInTheHistory) {
  Insert(QatRuns(0, 2));
  ASSERT_THAT(store_->DeleteStudy("studies/s", true, {}), IsOk());
  EXPECT_EQ(QueryNumber("SELECT count(*) FROM experiments"), 2);
  EXPECT_EQ(QueryNumber("SELECT count(*) FROM changes WHERE kind = 'delete_study'"), 1);
}

TEST_F(StudiesTest, NewStudyOfADeletedIdIsEmptyAndNamesNothingOld) {
  Insert(QatRuns(0, 2));
  ASSERT_THAT(store_->InsertFit("studies/s", {}, {}), IsOk());
  ASSERT_THAT(store_->DeleteStudy("studies/s", true, {}), IsOk());
  ASSERT_THAT(store_->CreateStudy("s", StudyFields(), {}), IsOk());
  EXPECT_EQ(store_->GetStudy("studies/s")->experiment_count(), 0);
  EXPECT_EQ(Insert({QatRun(0)}).experiments[0].name(), "studies/s/experiments/3");
  EXPECT_EQ(store_->InsertFit("studies/s", {}, {})->name(), "studies/s/fits/2");
  EXPECT_THAT(store_->GetExperiment("studies/s/experiments/1"),
              FailsWith(absl::StatusCode::kNotFound, "EXPERIMENT_NOT_FOUND"));
}

TEST_F(StudiesTest, PagesAreOrderedById) {
  for (const char* id : {"c", "a", "b"}) {
    ASSERT_THAT(store_->CreateStudy(id, StudyFields(), {}), IsOk());
  }
  const absl::StatusOr<StudyPage> first = store_->ListStudies({.size = 2});
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(Names(*first), ElementsAre("studies/a", "studies/b"));
  const absl::StatusOr<StudyPage> second =
      store_->ListStudies({.size = 2, .token = first->next_page_token});
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(Names(*second), ElementsAre("studies/c", "studies/s"));
  EXPECT_EQ(second->next_page_token, "");
}

}  // namespace
}  // namespace bitbudget::db
