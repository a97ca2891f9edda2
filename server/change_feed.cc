#include "server/change_feed.h"

#include <algorithm>
#include <utility>

namespace bitbudget::server {
namespace {

bool IsOf(std::string_view name, std::string_view study) {
  return study.empty() || (name.starts_with(study) && name.substr(study.size()).starts_with('/'));
}

}  // namespace

std::optional<std::string> ChangeFeed::Subscription::Take() {
  const std::lock_guard lock(feed_.mutex_);
  if (changed_.empty()) {
    is_woken_ = false;
    return std::nullopt;
  }
  std::string name = std::move(changed_.front());
  changed_.pop_front();
  is_changed_.erase(name);
  return name;
}

bool ChangeFeed::Subscription::is_drained() const {
  const std::lock_guard lock(feed_.mutex_);
  return feed_.is_drained_;
}

ChangeFeed::TimePoint ChangeFeed::Subscription::HeartbeatAfter(TimePoint time) const {
  return interest_.heartbeat.count() == 0 ? TimePoint::max() : time + interest_.heartbeat;
}

ChangeFeed::ChangeFeed() : thread_([this] { Run(); }) {}

ChangeFeed::~ChangeFeed() {
  Drain();
  thread_.join();
}

std::shared_ptr<ChangeFeed::Subscription> ChangeFeed::Subscribe(Interest interest) {
  // make_shared has no access to the constructor.
  std::shared_ptr<Subscription> subscription(new Subscription(*this, std::move(interest)));
  const std::lock_guard lock(mutex_);
  subscriptions_.push_back(subscription);
  has_news_.notify_all();  // of its first heartbeat
  return subscription;
}

void ChangeFeed::Publish(const std::vector<std::string>& names) {
  if (names.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const std::weak_ptr<Subscription>& weak : subscriptions_) {
    const std::shared_ptr<Subscription> subscription = weak.lock();
    if (subscription == nullptr) continue;
    for (const std::string& name : names) {
      if (!IsOf(name, subscription->interest_.study)) continue;
      if (subscription->is_changed_.insert(name).second) subscription->changed_.push_back(name);
    }
  }
  has_news_.notify_all();
}

void ChangeFeed::Drain() {
  const std::lock_guard lock(mutex_);
  is_drained_ = true;
  has_news_.notify_all();
}

std::vector<std::shared_ptr<ChangeFeed::Subscription>> ChangeFeed::TakeDue(TimePoint* next) {
  const TimePoint now = std::chrono::steady_clock::now();
  *next = TimePoint::max();
  std::vector<std::shared_ptr<Subscription>> due;
  std::erase_if(subscriptions_, [&](const std::weak_ptr<Subscription>& weak) {
    const std::shared_ptr<Subscription> subscription = weak.lock();
    if (subscription == nullptr) return true;
    const bool is_heartbeat = subscription->next_heartbeat_ <= now;
    if (is_heartbeat) subscription->next_heartbeat_ = subscription->HeartbeatAfter(now);
    const bool waits =
        (is_heartbeat || !subscription->changed_.empty()) && !subscription->is_woken_;
    if (waits && subscription->next_wake_ > now && !is_drained_) {
      *next = std::min(*next, subscription->next_wake_);
    } else if (waits || is_drained_) {
      subscription->is_woken_ = true;
      subscription->next_wake_ = now + subscription->interest_.interval;
      subscription->next_heartbeat_ = subscription->HeartbeatAfter(now);
      due.push_back(subscription);
    }
    *next = std::min(*next, subscription->next_heartbeat_);
    return false;
  });
  return due;
}

void ChangeFeed::Run() {
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
