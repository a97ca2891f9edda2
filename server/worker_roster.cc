#include "server/worker_roster.h"

#include <fmt/format.h>

#include <algorithm>

#include "db/job_match.h"

namespace bitbudget::server {
namespace {

constexpr size_t kShownHashDigits = 12;
constexpr size_t kShownWorkers = 3;

std::string DataText(const db::JobNeeds& job) {
  if (job.data_sha256.empty()) return fmt::format("data \"{}\"", job.data);
  return fmt::format(
      "data \"{}\" with SHA-256 {}...", job.data, job.data_sha256.substr(0, kShownHashDigits));
}

// "a, b, c and 4 more".
std::string Names(const std::vector<db::LeaseQuery>& workers) {
  std::string names;
  const size_t shown = std::min(workers.size(), kShownWorkers);
  for (size_t i = 0; i < shown; ++i) {
    names += (i == 0 ? "" : ", ") + workers[i].worker;
  }
  if (shown < workers.size()) names += fmt::format(" and {} more", workers.size() - shown);
  return names;
}

// What a worker would do that does not lack it.
std::string LackText(db::Lack lack, const db::JobNeeds& job) {
  switch (lack) {
    case db::Lack::kStudy:
      return fmt::format("takes jobs of {}", job.study);
    case db::Lack::kTrainer:
      return fmt::format("has trainer \"{}\"", job.trainer);
    case db::Lack::kData:
      return "has " + DataText(job);
    case db::Lack::kMemory:
      return fmt::format("offers the {} MiB of memory that it needs",
                         (job.memory_bytes + (1 << 20) - 1) >> 20);
    case db::Lack::kTime:
      return "has the time to end it";
    case db::Lack::kNothing:
      break;
  }
  return {};
}

}  // namespace

void WorkerRoster::Ask(const db::LeaseQuery& query) {
  const std::lock_guard lock(mutex_);
  std::erase_if(workers_, [this](const auto& worker) { return !IsRecent(worker.second); });
  workers_[query.worker] = {query, clock_->Steady()};
}

void WorkerRoster::Hear(const std::string& worker) {
  const std::lock_guard lock(mutex_);
  const auto entry = workers_.find(worker);
  if (entry != workers_.end()) entry->second.heard = clock_->Steady();
}

void WorkerRoster::Leave(const std::string& worker) {
  const std::lock_guard lock(mutex_);
  workers_.erase(worker);
}

std::vector<db::LeaseQuery> WorkerRoster::Lately() const {
  const std::lock_guard lock(mutex_);
  std::vector<db::LeaseQuery> workers;
  for (const auto& [name, entry] : workers_) {
    if (IsRecent(entry)) workers.push_back(entry.query);
  }
  return workers;
}

bool WorkerRoster::IsRecent(const Entry& entry) const {
  return clock_->Steady() - entry.heard <= kLately;
}

std::string WhyNobodyTakes(const std::vector<db::LeaseQuery>& workers, const db::JobNeeds& job) {
  if (workers.empty()) {
    return fmt::format("no worker has asked for jobs in the last {} minutes",
                       absl::ToInt64Minutes(WorkerRoster::kLately));
  }
  // What the best of them lack: those who have all that comes before.
  db::Lack lack = db::Lack::kStudy;
  for (const db::LeaseQuery& worker : workers) lack = std::max(lack, db::LackFor(worker, job));
  if (lack == db::Lack::kNothing) return {};
  return fmt::format("no worker {}; asking for jobs: {}", LackText(lack, job), Names(workers));
}

std::string WhyNobodyTakes(const std::vector<db::LeaseQuery>& workers,
                           const std::vector<db::ReadyJobs>& jobs) {
  int64_t ready = 0;
  int64_t stuck = 0;
  std::string why;
  for (const auto& [needs, count] : jobs) {
    ready += count;
    const std::string reason = WhyNobodyTakes(workers, needs);
    if (reason.empty()) continue;
    stuck += count;
    if (why.empty()) why = reason;
  }
  if (stuck == 0) return {};
  if (stuck == ready) return why;
  return fmt::format("{} of {} jobs that wait: {}", stuck, ready, why);
}

}  // namespace bitbudget::server
