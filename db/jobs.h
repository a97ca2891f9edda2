// Creating and reading jobs. See job_store.h for the contracts of the calls.

#ifndef BITBUDGET_DB_JOBS_H_
#define BITBUDGET_DB_JOBS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "db/connection.h"
#include "db/job_store.h"
#include "db/studies.h"
#include "db/writer.h"

namespace bitbudget::db {

// Queues `jobs` of a study, in order, as those of a campaign (0: of none).
// Returns their names.
absl::StatusOr<std::vector<std::string>> InsertJobs(WriteContext& context,
                                                    const StudyHandle& study,
                                                    int64_t campaign_key,
                                                    const std::vector<NewJob>& jobs);

absl::StatusOr<v1::Job> CreateJob(WriteContext& context,
                                  const std::string& study,
                                  const NewJob& job,
                                  const RequestKey& request);
absl::StatusOr<v1::Job> GetJob(Connection& connection, const std::string& name);
absl::StatusOr<std::map<v1::JobState, int64_t>> CountJobs(Connection& connection);
absl::StatusOr<JobPage> ListJobs(Connection& connection,
                                 const std::string& study,
                                 const v1::JobFilter& filter,
                                 const PageRequest& page);
absl::StatusOr<std::vector<v1::ProgressPoint>> ReadCurve(Connection& connection,
                                                         const std::string& name,
                                                         int64_t after_tokens);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_JOBS_H_
