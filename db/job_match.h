// Whether a worker can run a job. Pure, thread-safe.

#ifndef BITBUDGET_DB_JOB_MATCH_H_
#define BITBUDGET_DB_JOB_MATCH_H_

#include "db/job_store.h"

namespace bitbudget::db {

// The first thing that a worker lacks for a job, in this order.
enum class Lack { kStudy, kTrainer, kData, kMemory, kTime, kNothing };

Lack LackFor(const LeaseQuery& worker, const JobNeeds& job);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_JOB_MATCH_H_
