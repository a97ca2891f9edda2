#include "db/job_match.h"

#include <algorithm>

namespace bitbudget::db {
namespace {

bool HasData(const v1::WorkerCapabilities& worker, const JobNeeds& job) {
  if (worker.data().empty()) return job.data_sha256.empty();
  return std::any_of(worker.data().begin(), worker.data().end(), [&](const auto& data) {
    return data.name() == job.data && (job.data_sha256.empty() || data.sha256() == job.data_sha256);
  });
}

}  // namespace

Lack LackFor(const LeaseQuery& worker, const JobNeeds& job) {
  const v1::WorkerCapabilities& can = worker.capabilities;
  if (!worker.study.empty() && worker.study != job.study) return Lack::kStudy;
  if (std::count(can.trainers().begin(), can.trainers().end(), job.trainer) == 0) {
    return Lack::kTrainer;
  }
  if (!HasData(can, job)) return Lack::kData;
  if (can.memory_bytes() != 0 && job.memory_bytes > can.memory_bytes()) return Lack::kMemory;
  return job.flops > worker.max_flops ? Lack::kTime : Lack::kNothing;
}

}  // namespace bitbudget::db
