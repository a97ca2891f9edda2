#include "server/snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server {
namespace {

using testing::ReasonOf;

constexpr char kStudy[] = "studies/x";

std::shared_ptr<const FitSnapshot> SnapshotOf(int64_t revision) {
  auto snapshot = std::make_shared<FitSnapshot>();
  snapshot->fit.set_revision(revision);
  return snapshot;
}

// A wait whose outcome can be looked at.
class Wait {
 public:
  Wait(SnapshotRegistry& registry, int64_t min_revision, const CallContext& call = {}) {
    registry.Await(call, kStudy, min_revision, [this](absl::StatusOr<StudyState> state) {
      outcome_.Set(std::move(state));
    });
  }

  bool IsOver() const { return outcome_.IsThere(); }
  absl::StatusOr<StudyState> Outcome() { return outcome_.Get(); }

 private:
  testing::Outcome<absl::StatusOr<StudyState>> outcome_;
};

class Snapshots : public ::testing::Test {
 protected:
  Snapshots() {
    registry_.AddStudy(kStudy, 0);
    generation_ = registry_.Find(kStudy)->generation;
  }

  SnapshotRegistry registry_{2};
  int64_t generation_ = 0;
};

TEST_F(Snapshots, UnknownStudyIsNotFound) {
  EXPECT_EQ(ReasonOf(registry_.Find("studies/y").status()), "STUDY_NOT_FOUND");
  EXPECT_EQ(ReasonOf(registry_.FindCovering("studies/y", 0).status()), "STUDY_NOT_FOUND");
}

TEST_F(Snapshots, StudyWithoutRowsCannotAnswer) {
  const absl::Status status = registry_.FindCovering(kStudy, 0).status();
  EXPECT_EQ(ReasonOf(status), "DATA_CANNOT_ANSWER");
  EXPECT_EQ(GetErrorDetails(status)->missing_axes.at(0).axis, "experiments");
}

TEST_F(Snapshots, FirstFitUnderWayTellsToPassMinRevision) {
  registry_.AdvanceRevision(kStudy, 3);
  const absl::Status status = registry_.FindCovering(kStudy, 0).status();
  EXPECT_EQ(ReasonOf(status), "DATA_CANNOT_ANSWER");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("min_revision 3"));
}

TEST_F(Snapshots, RevisionThatDoesNotExistIsOutOfRange) {
  registry_.AdvanceRevision(kStudy, 3);
  EXPECT_EQ(registry_.FindCovering(kStudy, 4).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(Snapshots, CurrentFitAnswersAtOnceWhileARefitIsDue) {
  registry_.Publish(kStudy, generation_, SnapshotOf(3));
  registry_.AdvanceRevision(kStudy, 4);
  const auto state = registry_.FindCovering(kStudy, 0);
  ASSERT_TRUE(state.ok() && state->has_value());
  EXPECT_EQ((*state)->covered_revision(), 3);
}

TEST_F(Snapshots, WaitEndsWithTheFitThatCoversTheRevision) {
  registry_.AdvanceRevision(kStudy, 5);
  Wait wait(registry_, 5);
  registry_.Publish(kStudy, generation_, SnapshotOf(4));
  EXPECT_FALSE(wait.IsOver());
  registry_.Publish(kStudy, generation_, SnapshotOf(5));
  ASSERT_TRUE(wait.IsOver());
  EXPECT_EQ(wait.Outcome()->covered_revision(), 5);
}

TEST_F(Snapshots, SatisfiedWaitEndsOnTheSpot) {
  registry_.Publish(kStudy, generation_, SnapshotOf(5));
  Wait wait(registry_, 5);
  EXPECT_TRUE(wait.IsOver());
}

TEST_F(Snapshots, WaitEndsWithTheReasonWhenTheNewestRevisionCannotBeFitted) {
  registry_.AdvanceRevision(kStudy, 5);
  Wait wait(registry_, 5);
  registry_.RecordFailure(kStudy, generation_, 5, DataCannotAnswer({{.axis = "weight_bits"}}, "x"));
  ASSERT_TRUE(wait.IsOver());
  EXPECT_EQ(GetErrorDetails(wait.Outcome().status())->missing_axes.at(0).axis, "weight_bits");
}

TEST_F(Snapshots, FaultOfTheMachineIsNamedAsOne) {
  registry_.RecordFailure(
      kStudy,
      generation_,
      5,
      MakeError(absl::StatusCode::kUnavailable, "the disk is full", {.reason = "DATABASE_FULL"}));
  const absl::Status status = registry_.FindCovering(kStudy, 0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "DATABASE_FULL");
  EXPECT_EQ(std::string(status.message()), "The refit of revision 5 failed: the disk is full");
}

TEST_F(Snapshots, OptionsThatTheDataDoNotBearAreAMatterOfTheData) {
  registry_.RecordFailure(kStudy, generation_, 5, InvalidField("variant", "is none of full"));
  const absl::Status status = registry_.FindCovering(kStudy, 0).status();
  EXPECT_EQ(ReasonOf(status), "DATA_CANNOT_ANSWER");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("is none of full"));
}

TEST_F(Snapshots, FailureOfAnEarlierRevisionIsForgottenWhenTheDataMoveOn) {
  registry_.RecordFailure(kStudy, generation_, 5, absl::UnavailableError("full"));
  EXPECT_TRUE(registry_.Find(kStudy)->has_failed());
  registry_.AdvanceRevision(kStudy, 6);
  EXPECT_FALSE(registry_.Find(kStudy)->has_failed());
}

TEST_F(Snapshots, OlderFitNeverDisplacesANewerOne) {
  registry_.Publish(kStudy, generation_, SnapshotOf(5));
  registry_.Publish(kStudy, generation_, SnapshotOf(4));
  EXPECT_EQ(registry_.Find(kStudy)->covered_revision(), 5);
}

TEST_F(Snapshots, FitOfADeletedStudyNeverBecomesThatOfItsSuccessor) {
  registry_.RemoveStudy(kStudy);
  registry_.AddStudy(kStudy, 0);
  registry_.Publish(kStudy, generation_, SnapshotOf(5));
  registry_.RecordFailure(kStudy, generation_, 5, absl::UnavailableError("full"));
  EXPECT_EQ(registry_.Find(kStudy)->snapshot, nullptr);
  EXPECT_EQ(registry_.Find(kStudy)->failed_revision, 0);
}

TEST_F(Snapshots, WaitEndsWhenTheStudyIsDeleted) {
  registry_.AdvanceRevision(kStudy, 5);
  Wait wait(registry_, 5);
  registry_.RemoveStudy(kStudy);
  EXPECT_EQ(ReasonOf(wait.Outcome().status()), "STUDY_NOT_FOUND");
}

TEST_F(Snapshots, WaitEndsAtItsDeadline) {
  registry_.AdvanceRevision(kStudy, 5);
  Wait wait(registry_, 5, {.deadline = absl::Now() + absl::Milliseconds(1)});
  EXPECT_EQ(ReasonOf(wait.Outcome().status()), "REFIT_NOT_READY");
}

TEST_F(Snapshots, WaitEndsWhenTheCallerIsGone) {
  registry_.AdvanceRevision(kStudy, 5);
  std::atomic<bool> is_gone = false;
  Wait wait(registry_, 5, {.cancelled = [&is_gone] { return is_gone.load(); }});
  EXPECT_FALSE(wait.IsOver());
  is_gone = true;
  EXPECT_EQ(wait.Outcome().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(Snapshots, NoMoreThanTheLimitMayWait) {
  registry_.AdvanceRevision(kStudy, 5);
  Wait first(registry_, 5);
  Wait second(registry_, 5);
  Wait third(registry_, 5);
  EXPECT_EQ(ReasonOf(third.Outcome().status()), "TOO_MANY_WAITING");
  registry_.Publish(kStudy, generation_, SnapshotOf(5));
  EXPECT_TRUE(first.Outcome().ok());
  EXPECT_TRUE(second.Outcome().ok());
}

TEST_F(Snapshots, DrainEndsAllWaitsAndRefusesFurtherOnes) {
  registry_.AdvanceRevision(kStudy, 5);
  Wait early(registry_, 5);
  registry_.Drain();
  EXPECT_EQ(ReasonOf(early.Outcome().status()), "SHUTTING_DOWN");
  Wait late(registry_, 5);
  EXPECT_EQ(ReasonOf(late.Outcome().status()), "SHUTTING_DOWN");
}

TEST_F(Snapshots, ReadersSeeWholeSnapshotsWhileOthersPublish) {
  constexpr int kRevisions = 500;
  registry_.AdvanceRevision(kStudy, kRevisions);
  std::vector<std::thread> readers;
  std::atomic<bool> went_back = false;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([this, &went_back] {
      int64_t last = 0;
      while (last < kRevisions) {
        const int64_t seen = registry_.Find(kStudy)->covered_revision();
        if (seen < last) went_back = true;
        last = seen;
      }
    });
  }
  Wait wait(registry_, kRevisions);
  for (int revision = 1; revision <= kRevisions; ++revision) {
    registry_.Publish(kStudy, generation_, SnapshotOf(revision));
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(went_back);
  EXPECT_TRUE(wait.Outcome().ok());
}

}  // namespace
}  // namespace bitbudget::server
