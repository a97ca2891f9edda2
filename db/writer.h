// The single writer: one thread, one queue, many writes a commit.

#ifndef BITBUDGET_DB_WRITER_H_
#define BITBUDGET_DB_WRITER_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "db/connection.h"
#include "util/clock.h"
#include "util/status_macros.h"

namespace bitbudget::db {

// What a write works with. `discard` set: the effect is undone although the
// write succeeds.
struct WriteContext {
  Connection& connection;
  int64_t now_microseconds = 0;
  bool discard = false;
};

// Thread-safe.
class Writer {
 public:
  // A write. Runs on the writer's thread in a savepoint of its own; may throw
  // SQLite::Exception. An error undoes its effect, and only its.
  using Work = std::function<absl::Status(WriteContext&)>;

  // Writes waiting at once; each holds a request thread of the server, so that
  // more than this means that the disk does not keep up.
  static constexpr size_t kMaxWaitingWrites = 1024;

  Writer(std::unique_ptr<Connection> connection,
         const Clock* clock,
         size_t max_waiting_writes = kMaxWaitingWrites);
  ~Writer();  // no Run may be under way
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Runs `work` and returns its status once its effect is durable. Writes that
  // wait at the same time share a commit; if that fails, none has happened and
  // all are UNAVAILABLE. RESOURCE_EXHAUSTED, TOO_MANY_WRITES if the queue is
  // full.
  absl::Status Run(const Work& work);

  // The same for `write(context)`, which returns a StatusOr<Result>.
  template <typename Result, typename Write>
  absl::StatusOr<Result> RunFor(Write write) {
    absl::StatusOr<Result> result = absl::UnknownError("not run");
    RETURN_IF_ERROR(Run([&](WriteContext& context) {
      result = write(context);
      return result.status();
    }));
    return result;
  }

  // Writes that wait for the one under way.
  size_t waiting_count() const;

 private:
  struct Pending {
    const Work* work;
    absl::Status status;
    bool done = false;
    std::condition_variable answered;
  };

  void Loop();
  void Commit(const std::vector<Pending*>& group);
  absl::Status RunInSavepoint(const Work& work);

  const std::unique_ptr<Connection> connection_;
  const Clock* const clock_;
  const size_t max_waiting_writes_;
  mutable std::mutex mutex_;
  std::condition_variable work_arrived_;
  std::deque<Pending*> queue_;  // guarded by mutex_; waited for by their callers
  bool stopping_ = false;       // guarded by mutex_
  std::thread thread_;
};

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_WRITER_H_
