// Leasing jobs, and leases that run out. See job_store.h for the contracts of
// the calls.

#ifndef BITBUDGET_DB_JOB_LEASE_H_
#define BITBUDGET_DB_JOB_LEASE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "db/connection.h"
#include "db/job_store.h"
#include "db/writer.h"

namespace bitbudget::db {

absl::StatusOr<bool> HasJobFor(Connection& connection, const LeaseQuery& query);
absl::StatusOr<std::optional<LeasedJob>> LeaseJob(WriteContext& context, const LeaseQuery& query);
std::vector<OpenLease> ListOpenLeases(Connection& connection, const std::string& worker);
absl::StatusOr<std::optional<v1::Job>> ExpireLease(WriteContext& context, const Attempt& attempt);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_JOB_LEASE_H_
