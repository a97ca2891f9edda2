// Tells those who watch which jobs have changed. A subscriber that is slow finds
// each changed job once, not every change of it. Who waits holds no thread: it
// leaves a function behind, which the feed calls on a thread of its own.
// Thread-safe.

#ifndef BITBUDGET_SERVER_JOB_FEED_H_
#define BITBUDGET_SERVER_JOB_FEED_H_

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

class JobFeed {
 public:
  // What is subscribed to.
  struct Interest {
    std::string study;  // empty: all
    // Wakes are at least so far apart.
    std::chrono::milliseconds interval{0};
    // Called when there are changes, and when the feed is drained; not again until
    // Take has found nothing. Must not block.
    std::function<void()> wake;
  };

  // One subscriber; ends with its last owner.
  class Subscription {
   public:
    // The job that changed longest ago, taken out; nullopt if there is none.
    std::optional<std::string> Take();
    // No changes will come any more.
    bool is_drained() const;

   private:
    friend class JobFeed;
    Subscription(JobFeed& feed, Interest interest) : feed_(feed), interest_(std::move(interest)) {}

    JobFeed& feed_;  // outlives it
    const Interest interest_;
    // Guarded by the feed's mutex.
    std::deque<std::string> changed_;
    std::unordered_set<std::string> is_changed_;
    bool is_woken_ = false;
    std::chrono::steady_clock::time_point next_wake_;
  };

  JobFeed();
  // Drains.
  ~JobFeed();
  JobFeed(const JobFeed&) = delete;
  JobFeed& operator=(const JobFeed&) = delete;

  std::shared_ptr<Subscription> Subscribe(Interest interest);
  void Publish(const std::vector<std::string>& jobs);
  // Wakes all for the last time.
  void Drain();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

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

#endif  // BITBUDGET_SERVER_JOB_FEED_H_
