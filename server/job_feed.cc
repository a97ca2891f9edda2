#include "server/job_feed.h"

#include <algorithm>
#include <utility>

namespace bitbudget::server {
namespace {

bool IsOf(std::string_view job, std::string_view study) {
  return study.empty() || (job.starts_with(study) && job.substr(study.size()).starts_with('/'));
}

}  // namespace

std::optional<std::string> JobFeed::Subscription::Take() {
  const std::lock_guard lock(feed_.mutex_);
  if (changed_.empty()) {
    is_woken_ = false;
    return std::nullopt;
  }
  std::string job = std::move(changed_.front());
  changed_.pop_front();
  is_changed_.erase(job);
  return job;
}

bool JobFeed::Subscription::is_drained() const {
  const std::lock_guard lock(feed_.mutex_);
  return feed_.is_drained_;
}

JobFeed::JobFeed() : thread_([this] { Run(); }) {}

JobFeed::~JobFeed() {
  Drain();
  thread_.join();
}

std::shared_ptr<JobFeed::Subscription> JobFeed::Subscribe(Interest interest) {
  // make_shared has no access to the constructor.
  std::shared_ptr<Subscription> subscription(new Subscription(*this, std::move(interest)));
  const std::lock_guard lock(mutex_);
  subscriptions_.push_back(subscription);
  return subscription;
}

void JobFeed::Publish(const std::vector<std::string>& jobs) {
  if (jobs.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const std::weak_ptr<Subscription>& weak : subscriptions_) {
    const std::shared_ptr<Subscription> subscription = weak.lock();
    if (subscription == nullptr) continue;
    for (const std::string& job : jobs) {
      if (!IsOf(job, subscription->interest_.study)) continue;
      if (subscription->is_changed_.insert(job).second) subscription->changed_.push_back(job);
    }
  }
  has_news_.notify_all();
}

void JobFeed::Drain() {
  const std::lock_guard lock(mutex_);
  is_drained_ = true;
  has_news_.notify_all();
}

std::vector<std::shared_ptr<JobFeed::Subscription>> JobFeed::TakeDue(TimePoint* next) {
  const TimePoint now = std::chrono::steady_clock::now();
  *next = TimePoint::max();
  std::vector<std::shared_ptr<Subscription>> due;
  std::erase_if(subscriptions_, [&](const std::weak_ptr<Subscription>& weak) {
    std::shared_ptr<Subscription> subscription = weak.lock();
    if (subscription == nullptr) return true;
    const bool waits = !subscription->changed_.empty() && !subscription->is_woken_;
    if (waits && subscription->next_wake_ > now && !is_drained_) {
      *next = std::min(*next, subscription->next_wake_);
    } else if (waits || is_drained_) {
      subscription->is_woken_ = true;
      subscription->next_wake_ = now + subscription->interest_.interval;
      due.push_back(std::move(subscription));
    }
    return false;
  });
  return due;
}

void JobFeed::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    TimePoint next;
    const bool is_last = is_drained_;
    const std::vector<std::shared_ptr<Subscription>> due = TakeDue(&next);
    if (!due.empty() || is_last) {
      lock.unlock();
      for (const std::shared_ptr<Subscription>& subscription : due) subscription->interest_.wake();
      if (is_last) return;
      lock.lock();
      continue;
    }
    if (next == TimePoint::max()) {
      has_news_.wait(lock);
    } else {
      has_news_.wait_until(lock, next);
    }
  }
}

}  // namespace bitbudget::server
