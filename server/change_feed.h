// Tells those who watch which things have changed: jobs, the fits of a study. A
// subscriber that is slow finds each changed thing once, not every change of it. Who
// waits holds no thread: it leaves a function behind, which the feed calls on a thread
// of its own. Thread-safe.

#ifndef BITBUDGET_SERVER_CHANGE_FEED_H_
#define BITBUDGET_SERVER_CHANGE_FEED_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

namespace bitbudget::server {

class ChangeFeed {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // What is subscribed to.
  struct Interest {
    std::string study;  // empty: all
    // Wakes are at least so far apart.
    std::chrono::milliseconds interval{0};
    // Wakes without changes are so far apart; 0: there are none.
    std::chrono::milliseconds heartbeat{0};
    // Called when there are changes, at each heartbeat, and when the feed is drained;
    // not again until Take has found nothing. Must not block.
    std::function<void()> wake;
  };

  // One subscriber; ends with its last owner.
  class Subscription {
   public:
    // What changed longest ago, taken out; nullopt if nothing has.
    std::optional<std::string> Take();
    // No changes will come any more.
    bool is_drained() const;

   private:
    friend class ChangeFeed;
    Subscription(ChangeFeed& feed, Interest interest)
        : feed_(feed),
          interest_(std::move(interest)),
          next_heartbeat_(HeartbeatAfter(std::chrono::steady_clock::now())) {}
    // The end of time if there are none.
    TimePoint HeartbeatAfter(TimePoint time) const;

    ChangeFeed& feed_;  // outlives it
    const Interest interest_;
    // Guarded by the feed's mutex.
    std::deque<std::string> changed_;
    std::unordered_set<std::string> is_changed_;
    bool is_woken_ = false;
    TimePoint next_wake_;
    TimePoint next_heartbeat_;
  };

  ChangeFeed();
  // Drains.
  ~ChangeFeed();
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

  std::shared_ptr<Subscription> Subscribe(Interest interest);
  // Things are told from each other by name, "studies/{study}/...".
  void Publish(const std::vector<std::string>& names);
  // Wakes all for the last time.
  void Drain();

 private:
  void Run();
  // Those to be woken now; the time at which others are due. Called with mutex_
  // held.
  std::vector<std::shared_ptr<Subscription>> TakeDue(TimePoint* next);

  std::mutex mutex_;  // guards what follows, down to the thread
  std::condition_variable has_news_;
  // Subscribers own themselves: one that is gone is forgotten.
  std::vector<std::weak_ptr<Subscription>> subscriptions_;
  bool is_drained_ = false;
  std::thread thread_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_CHANGE_FEED_H_
