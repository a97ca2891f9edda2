#include "server/lease_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "server/call_gate.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

// How soon a call that was cancelled, or whose time is over, stops waiting.
constexpr std::chrono::milliseconds kPoll(50);

absl::Status TooManyWaiting(int limit) {
  return MakeError(absl::StatusCode::kResourceExhausted,
                   fmt::format("{} workers wait for a job already, the most that may; ask again "
                               "later",
                               limit),
                   {.reason = "TOO_MANY_WAITING", .retry_delay_seconds = 1});
}

}  // namespace

LeaseDesk::LeaseDesk(WorkerPool& pool, int waiter_limit)
    : pool_(pool), waiter_limit_(waiter_limit), thread_([this] { Run(); }) {}

LeaseDesk::~LeaseDesk() {
  Drain();
  thread_.join();
}

void LeaseDesk::Wait(const CallContext& call, absl::Duration wait, Take take, Done done) {
  absl::Status refusal;
  {
    const std::lock_guard lock(mutex_);
    if (is_draining_) {
      refusal = ShuttingDown();
    } else if (static_cast<int>(waiters_.size()) >= waiter_limit_) {
      refusal = TooManyWaiting(waiter_limit_);
    } else {
      const absl::Duration time = std::min(wait, call.deadline - absl::Now());
      waiters_.push_back(
          {.cancelled = call.cancelled,
           .deadline = std::chrono::steady_clock::now() + absl::ToChronoMicroseconds(time),
           .take = std::move(take),
           .done = std::move(done)});
      StartTry(std::prev(waiters_.end()));
      has_news_.notify_all();
      return;
    }
  }
  done(refusal);
}

void LeaseDesk::Notify() {
  const std::lock_guard lock(mutex_);
  ++news_;
  has_news_.notify_all();
}

void LeaseDesk::Drain() {
  const std::lock_guard lock(mutex_);
  is_draining_ = true;
  has_news_.notify_all();
}

void LeaseDesk::StartTry(Waiters::iterator waiter) {
  waiter->is_trying = true;
  waiter->seen_news = news_;
  // A pool that is full gets the task with the next poll.
  if (!pool_.TryRun([this, waiter] { Try(waiter); })) {
    waiter->is_trying = false;
    --waiter->seen_news;
  }
}

void LeaseDesk::Try(Waiters::iterator waiter) {
  const absl::StatusOr<std::optional<v1::LeaseJobResponse>> taken = waiter->take();
  Done done;
  absl::StatusOr<v1::LeaseJobResponse> result;
  {
    const std::lock_guard lock(mutex_);
    waiter->is_trying = false;
    if (!taken.ok()) {
      result = taken.status();
    } else if (*taken) {
      result = **taken;
    } else if (const auto reason = ReasonToLeave(*waiter)) {
      result = *reason;
    } else {
      if (waiter->seen_news != news_) StartTry(waiter);
      return;
    }
    done = std::move(waiter->done);
    waiters_.erase(waiter);
    has_news_.notify_all();
  }
  done(std::move(result));
}

std::optional<absl::StatusOr<v1::LeaseJobResponse>> LeaseDesk::ReasonToLeave(
    const Waiter& waiter) const {
  using Result = absl::StatusOr<v1::LeaseJobResponse>;
  if (is_draining_) return Result(ShuttingDown());
  if (waiter.cancelled()) return Result(absl::CancelledError("the caller is gone"));
  if (waiter.deadline <= std::chrono::steady_clock::now()) return Result(v1::LeaseJobResponse());
  return std::nullopt;
}

std::vector<LeaseDesk::Ended> LeaseDesk::TakeLeaving() {
  std::vector<Ended> ended;
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    const auto current = waiter++;
    if (current->is_trying) continue;
    if (auto reason = ReasonToLeave(*current)) {
      ended.push_back({std::move(current->done), *std::move(reason)});
      waiters_.erase(current);
    } else if (current->seen_news != news_) {
      StartTry(current);
    }
  }
  return ended;
}

void LeaseDesk::Run() {
  std::unique_lock lock(mutex_);
  // Tries that are under way when the desk is drained end by themselves.
  while (!is_draining_ || !waiters_.empty()) {
    std::vector<Ended> ended = TakeLeaving();
    if (!ended.empty()) {
      lock.unlock();
      for (Ended& end : ended) end.done(std::move(end.result));
      lock.lock();
    } else if (waiters_.empty()) {
      has_news_.wait(lock);
    } else {
      has_news_.wait_for(lock, kPoll);
    }
  }
}

}  // namespace bitbudget::server
