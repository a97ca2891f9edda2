// Agents, trainers and the server killed, and agents frozen past their lease, at
// random moments of a campaign: every job is measured once.

#include <fmt/format.h>

#include <csignal>
#include <random>

#include "absl/time/clock.h"
#include "tests/worker/worker_fixture.h"

namespace bitbudget::testing {
namespace {

constexpr int kRounds = 50;
constexpr int kReplicatesAtOnce = 3;

class WorkerChaosTest : public WorkerTest {
 protected:
  // There are always jobs to be hit.
  void KeepJobsComing() {
    if (campaigns_ > 0 && !Campaign(Id(campaigns_ - 1)).ended()) return;
    CreateCampaign(Id(campaigns_), campaigns_ * kReplicatesAtOnce, kReplicatesAtOnce);
    ++campaigns_;
  }

  static std::string Id(int campaign) { return fmt::format("c{}", campaign); }

  void RestartAgent(size_t index) {
    agents_[index]->Signal(SIGKILL);
    ASSERT_TRUE(agents_[index]->Wait(absl::Minutes(1)));
    agents_[index] = StartAgent(Name(index));
  }

  static std::string Name(size_t index) { return fmt::format("agent{}", index); }

  // Trainings are short: waits for one, unless the agent has none to do.
  void KillTrainer(size_t index) {
    const absl::Time deadline = absl::Now() + absl::Seconds(2);
    pid_t trainer = 0;
    while ((trainer = TrainerOf(*agents_[index])) == 0 && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(5));
    }
    if (trainer == 0) return;
    ++killed_trainers_;
    kill(trainer, SIGKILL);
  }

  void RestartServer() {
    ASSERT_NO_FATAL_FAILURE(KillServer());
    ASSERT_NO_FATAL_FAILURE(StartServer());
  }

  // Longer than its lease of 5 s.
  void Freeze(size_t index) {
    agents_[index]->Signal(SIGSTOP);
    absl::SleepFor(absl::Seconds(6));
    agents_[index]->Signal(SIGCONT);
  }

  // A trainer may be killed as often as a job has retries: those jobs go on.
  void RetryFailed() {
    for (const v1::Job& job : Jobs()) {
      if (job.state() != v1::FAILED && job.state() != v1::CANCELLED) continue;
      if (job.state() == v1::FAILED) {
        EXPECT_EQ(job.failure().kind(), v1::JobFailure::TRANSIENT) << job.failure().message();
      }
      v1::RetryJobRequest request;
      request.set_name(job.name());
      (void)client().RetryJob(request);
    }
  }

  std::vector<std::unique_ptr<Process>> agents_;
  int campaigns_ = 0;
  int killed_trainers_ = 0;
};

TEST_F(WorkerChaosTest, EveryJobIsMeasuredOnceWhateverIsKilled) {
  for (size_t i = 0; i < 2; ++i) agents_.push_back(StartAgent(Name(i)));
  std::mt19937 random(7);
  std::uniform_int_distribution<int> pause_ms(50, 700);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    KeepJobsComing();
    absl::SleepFor(absl::Milliseconds(pause_ms(random)));
    const size_t victim = random() % agents_.size();
    const int what = round % 10;
    if (what == 4) {
      ASSERT_NO_FATAL_FAILURE(RestartServer());
    } else if (what == 9) {
      Freeze(victim);
    } else if (what % 2 == 0) {
      ASSERT_NO_FATAL_FAILURE(RestartAgent(victim));
    } else {
      KillTrainer(victim);
    }
  }
  for (int campaign = 0; campaign < campaigns_; ++campaign) {
    WaitForCampaign(Id(campaign), absl::Minutes(3));
  }
  RetryFailed();
  for (int campaign = 0; campaign < campaigns_; ++campaign) {
    WaitForCampaign(Id(campaign), absl::Minutes(3));
  }
  ExpectEachMeasuredOnce();
  // The blows fell into work, not between it.
  EXPECT_GT(killed_trainers_, kRounds / 10);
}

}  // namespace
}  // namespace bitbudget::testing
