// What tests of jobs share: short ways to queue, lease and end them.

#ifndef BITBUDGET_TESTS_UNIT_DB_JOB_FIXTURE_H_
#define BITBUDGET_TESTS_UNIT_DB_JOB_FIXTURE_H_

#include <string>
#include <vector>

#include "db/job_store.h"
#include "tests/unit/db/store_fixture.h"

namespace bitbudget::db {

// A store with the study "studies/s". Jobs are named by their number.
class JobTest : public StoreTest {
 protected:
  JobStore& jobs() { return store_->jobs(); }

  static std::string Name(int number) { return "studies/s/jobs/" + std::to_string(number); }
  // A job that trains QatRun(seed); its dependencies by number.
  static NewJob Job(int seed = 0, const std::vector<int>& dependencies = {});
  // Queues a job; fails the test if that is refused. Its name.
  std::string Create(const NewJob& job = Job());
  v1::Job Get(const std::string& name);
  v1::JobState StateOf(const std::string& name) { return Get(name).state(); }

  static LeaseQuery Worker(const std::string& name = "w");
  // Leases a job; the empty name if there is none.
  Attempt Lease(const LeaseQuery& query = Worker());
  // Lets the lease of an attempt run out.
  void Lose(const Attempt& attempt);

  static ProgressReport Report(const Attempt& attempt, const std::vector<int64_t>& tokens);
  static Completion Result(const Attempt& attempt, double loss_nats = 3.25, int seed = 0);
  CompletionResult Complete(const Completion& completion);
  AttemptEnd Fail(const Attempt& attempt, v1::JobFailure::Kind kind = v1::JobFailure::TRANSIENT);
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_TESTS_UNIT_DB_JOB_FIXTURE_H_
