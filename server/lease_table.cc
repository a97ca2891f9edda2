#include "server/lease_table.h"

#include <algorithm>

namespace bitbudget::server {

void LeaseTable::Renew(const db::OpenLease& lease) {
  const std::lock_guard lock(mutex_);
  Entry& entry = leases_[lease.job];
  if (entry.attempt > lease.attempt) return;
  entry = {lease.attempt, lease.period, clock_->Steady() + lease.period};
}

void LeaseTable::End(const db::Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  const auto entry = leases_.find(attempt.job);
  if (entry != leases_.end() && entry->second.attempt == attempt.attempt) leases_.erase(entry);
}

std::optional<absl::Duration> LeaseTable::Remaining(const db::Attempt& attempt) const {
  const std::lock_guard lock(mutex_);
  const auto entry = leases_.find(attempt.job);
  if (entry == leases_.end() || entry->second.attempt != attempt.attempt) return std::nullopt;
  return std::max(absl::ZeroDuration(), entry->second.deadline - clock_->Steady());
}

std::vector<db::OpenLease> LeaseTable::TakeExpired() {
  const std::lock_guard lock(mutex_);
  const absl::Duration now = clock_->Steady();
  std::vector<db::OpenLease> expired;
  std::erase_if(leases_, [&](const auto& lease) {
    const Entry& entry = lease.second;
    if (entry.deadline > now) return false;
    expired.push_back({lease.first, entry.attempt, entry.period});
    return true;
  });
  return expired;
}

bool LeaseTable::empty() const {
  const std::lock_guard lock(mutex_);
  return leases_.empty();
}

size_t LeaseTable::size() const {
  const std::lock_guard lock(mutex_);
  return leases_.size();
}

}  // namespace bitbudget::server
