// A server, agents and trainings of a fraction of a second, all as processes, to
// be killed.

#ifndef BITBUDGET_TESTS_WORKER_WORKER_FIXTURE_H_
#define BITBUDGET_TESTS_WORKER_WORKER_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "tests/process/process.h"

namespace bitbudget::testing {

// A single training of `tokens` in full precision with this seed; 128 tokens are a
// step.
v1::TrainingSpec SmallTraining(int seed, int64_t tokens);

// Skips, saying so, where bitbudget-train has not been built.
class WorkerTest : public ::testing::Test {
 protected:
  // Starts a server, makes a study and prepares text.
  void SetUp() override;

  // On the address of before.
  void StartServer();
  void KillServer();

  // Starts an agent on the work directory `folder`, under the name of it or another.
  std::unique_ptr<Process> StartAgent(const std::string& folder,
                                      const std::vector<std::string>& arguments = {},
                                      std::string name = "") const;

  // The trainer that an agent runs; 0 if it has none.
  static pid_t TrainerOf(const Process& agent);

  v1::Job CreateJob(const v1::TrainingSpec& training);
  v1::Job Job(const std::string& name);
  // Waits until the job is in the state; its latest state otherwise.
  v1::Job WaitForState(const std::string& name,
                       v1::JobState state,
                       absl::Duration timeout = absl::Minutes(1));

  // Classic runs of two fractions and two widths for each replicate, over trunks.
  v1::Campaign CreateCampaign(const std::string& id, int first_replicate, int replicates);
  v1::Campaign Campaign(const std::string& id);
  void WaitForCampaign(const std::string& id, absl::Duration timeout);

  // All jobs, and all experiments, excluded ones too.
  std::vector<v1::Job> Jobs();
  std::vector<v1::Experiment> Experiments();

  // Each measurement succeeded with an experiment of its own, and there is no
  // other experiment that counts.
  void ExpectEachMeasuredOnce();

  client::Client& client() { return *client_; }
  const std::string& address() const { return address_; }
  const std::string& study() const { return study_; }
  std::string File(const std::string& name) const { return directory_.File(name); }
  std::string WorkDirectory(const std::string& folder) const { return File("work-" + folder); }

 private:
  const std::string study_ = "studies/small";
  TemporaryDirectory directory_;
  std::string address_;
  std::unique_ptr<Process> server_;
  std::unique_ptr<client::Client> client_;
};

}  // namespace bitbudget::testing

#endif  // BITBUDGET_TESTS_WORKER_WORKER_FIXTURE_H_
