// Server streams over the callback API: a WatchSource read on a thread of the
// pool, one message at a time, as fast as the receiver takes them. A stream that
// has nothing to send holds no thread.

#ifndef BITBUDGET_SERVER_GRPC_WATCH_H_
#define BITBUDGET_SERVER_GRPC_WATCH_H_

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "server/admission.h"
#include "server/grpc_call.h"
#include "server/watch_source.h"
#include "server/worker_pool.h"

namespace bitbudget::server {

// Owns itself until the stream has ended.
template <typename Response>
class WatchReactor final : public grpc::ServerWriteReactor<Response>,
                           public std::enable_shared_from_this<WatchReactor<Response>> {
 public:
  using Source = std::unique_ptr<WatchSource<Response>>;
  // Makes the source, which calls the function when it has news.
  using MakeSource = std::function<absl::StatusOr<Source>(std::function<void()>)>;

  // Begins a stream. `admission` and `pool` are borrowed.
  static WatchReactor* Start(GrpcCall call,
                             Admission& admission,
                             WorkerPool& pool,
                             const MakeSource& make_source) {
    auto reactor = std::make_shared<WatchReactor>(std::move(call), pool);
    reactor->self_ = reactor;
    reactor->Begin(admission, make_source);
    return reactor.get();
  }

  WatchReactor(GrpcCall call, WorkerPool& pool) : call_(std::move(call)), pool_(pool) {}

 private:
  enum class State { kIdle, kBusy, kFinished };

  void Begin(Admission& admission, const MakeSource& make_source) {
    const absl::Status outcome = call_.Guard([&] {
      absl::StatusOr<Admission::Ticket> ticket = admission.Enter();
      if (!ticket.ok()) return ticket.status();
      ticket_.emplace(*std::move(ticket));
      // Weak: the source, which belongs to the reactor, must not keep it alive.
      absl::StatusOr<Source> source = make_source([weak = this->weak_from_this()] {
        if (const auto reactor = weak.lock()) reactor->Wake();
      });
      if (!source.ok()) return source.status();
      source_ = *std::move(source);
      return absl::OkStatus();
    });
    if (outcome.ok()) {
      Schedule();
    } else {
      End(outcome);
    }
  }

  // There may be news. On any thread.
  void Wake() {
    {
      const std::lock_guard lock(mutex_);
      if (state_ == State::kFinished) return;
      if (state_ == State::kBusy) {
        has_news_ = true;
        return;
      }
      state_ = State::kBusy;
    }
    Schedule();
  }

  // Continues on the pool; here if that is full. The state is busy.
  void Schedule() {
    if (!pool_.TryRun([self = this->shared_from_this()] { self->Advance(); })) Advance();
  }

  // Sends the next message, or ends the stream, or falls asleep.
  void Advance() {
    while (!IsCancelled()) {
      std::optional<Response> message;
      const absl::Status outcome = call_.Guard([&] {
        absl::StatusOr<std::optional<Response>> next = source_->Next();
        if (!next.ok()) return next.status();
        message = *std::move(next);
        return absl::OkStatus();
      });
      if (!outcome.ok()) return End(outcome);
      if (message) {
        message_ = *std::move(message);
        return this->StartWrite(&message_);
      }
      if (source_->has_ended()) return End(absl::OkStatus());
      const std::lock_guard lock(mutex_);
      if (!std::exchange(has_news_, false)) {
        state_ = State::kIdle;
        return;
      }
    }
    End(absl::CancelledError("the receiver is gone"));
  }

  bool IsCancelled() {
    const std::lock_guard lock(mutex_);
    return is_cancelled_;
  }

  void Cancel() {
    const std::lock_guard lock(mutex_);
    is_cancelled_ = true;
  }

  void End(const absl::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      state_ = State::kFinished;
    }
    // Now, because work on the pool may hold the reactor for longer than those
    // live from whom it has borrowed.
    ticket_.reset();
    this->Finish(call_.End(status));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) Cancel();
    Schedule();
  }
  void OnCancel() override {
    Cancel();
    Wake();
  }
  void OnDone() override { self_.reset(); }

  GrpcCall call_;
  WorkerPool& pool_;
  std::optional<Admission::Ticket> ticket_;
  Source source_;
  Response message_;  // being sent
  std::mutex mutex_;  // guards what follows
  State state_ = State::kBusy;
  bool has_news_ = false;
  bool is_cancelled_ = false;
  // Shared with work for it on the pool.
  std::shared_ptr<WatchReactor> self_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_GRPC_WATCH_H_
