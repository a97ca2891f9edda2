#include "server/job_board.h"

namespace bitbudget::server {

void DrainList::Set(const std::string& worker, bool drains) {
  const std::lock_guard lock(mutex_);
  if (drains) {
    workers_.insert(worker);
  } else {
    workers_.erase(worker);
  }
}

bool DrainList::Contains(const std::string& worker) const {
  const std::lock_guard lock(mutex_);
  return workers_.contains(worker);
}

void JobBoard::Announce(const std::vector<std::string>& changed) {
  if (changed.empty()) return;
  feed.Publish(changed);
  desk.Notify();
}

void JobBoard::SetLeaseRemaining(v1::Job& job) const {
  if (job.state() != v1::LEASED && job.state() != v1::RUNNING) return;
  const auto remaining = leases.Remaining({job.name(), job.attempt()});
  SetDuration(remaining.value_or(absl::ZeroDuration()), job.mutable_lease_remaining());
}

std::vector<db::LeaseQuery> JobBoard::AvailableWorkers() const {
  std::vector<db::LeaseQuery> available = workers.Lately();
  std::erase_if(available,
                [this](const db::LeaseQuery& worker) { return drains.Contains(worker.worker); });
  return available;
}

void JobBoard::Drain() {
  desk.Drain();
  feed.Drain();
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* message) {
  message->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  message->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

}  // namespace bitbudget::server
