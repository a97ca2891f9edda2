#include "db/writer.h"

#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <exception>

#include "db/names.h"
#include "db/sqlite_error.h"
#include "util/error.h"

namespace bitbudget::db {
namespace {

// Writes that share a commit: the fsync is spread thin by then, and the first
// of them should not wait for ever.
constexpr size_t kMaxWritesPerCommit = 256;

absl::Status QueueFull(size_t waiting_count) {
  ErrorDetails details;
  details.reason = "TOO_MANY_WRITES";
  details.retry_delay_seconds = 1.0;
  return MakeError(
      absl::StatusCode::kResourceExhausted,
      fmt::format("{} writes are waiting for the disk; repeat in a second", waiting_count),
      std::move(details));
}

}  // namespace

Writer::Writer(std::unique_ptr<Connection> connection,
               const Clock* clock,
               size_t max_waiting_writes)
    : connection_(std::move(connection)),
      clock_(clock),
      max_waiting_writes_(max_waiting_writes),
      thread_([this] { Loop(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_arrived_.notify_one();
  thread_.join();
}

absl::Status Writer::Run(const Work& work) {
  Pending pending{.work = &work};
  std::unique_lock lock(mutex_);
  if (queue_.size() >= max_waiting_writes_) return QueueFull(queue_.size());
  queue_.push_back(&pending);
  work_arrived_.notify_one();
  pending.answered.wait(lock, [&] { return pending.done; });
  return std::move(pending.status);
}

size_t Writer::waiting_count() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Writer::Loop() {
  std::vector<Pending*> group;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      work_arrived_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const auto end = queue_.begin() +
                       static_cast<std::ptrdiff_t>(std::min(queue_.size(), kMaxWritesPerCommit));
      group.assign(queue_.begin(), end);
      queue_.erase(queue_.begin(), end);
    }
    Commit(group);
    const std::lock_guard lock(mutex_);
    for (Pending* pending : group) {
      // Under the lock: once `done` can be seen, `pending` may be gone.
      pending->done = true;
      pending->answered.notify_one();
    }
  }
}

void Writer::Commit(const std::vector<Pending*>& group) {
  try {
    SQLite::Transaction transaction(connection_->database(),
                                    SQLite::TransactionBehavior::IMMEDIATE);
    for (Pending* pending : group) pending->status = RunInSavepoint(*pending->work);
    transaction.commit();
  } catch (const std::exception& error) {
    // The whole group is undone, those not yet run with it; a write with an
    // error of its own keeps it.
    const absl::Status failure = StatusOf(error, connection_->path(), Activity::kWriting);
    for (Pending* pending : group) {
      if (pending->status.ok()) pending->status = failure;
    }
  }
}

absl::Status Writer::RunInSavepoint(const Work& work) {
  Query(*connection_, "SAVEPOINT one_write").Run();
  WriteContext context{*connection_, ToMicroseconds(clock_->Now())};
  absl::Status status;
  try {
    status = work(context);
  } catch (const std::exception& error) {
    status = StatusOf(error, connection_->path(), Activity::kWriting);
    // Some errors, a full disk among them, make SQLite undo the transaction, and
    // what the neighbours wrote is gone too.
    if (sqlite3_get_autocommit(connection_->database().getHandle()) != 0) throw;
  }
  if (!status.ok() || context.discard) Query(*connection_, "ROLLBACK TO one_write").Run();
  Query(*connection_, "RELEASE one_write").Run();
  return status;
}

}  // namespace bitbudget::db
