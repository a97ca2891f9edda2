// A limit on how many expensive calls run at a time; those beyond it are
// refused at once rather than queued. Thread-safe.

#ifndef BITBUDGET_SERVER_ADMISSION_H_
#define BITBUDGET_SERVER_ADMISSION_H_

#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace bitbudget::server {

class Admission {
 public:
  // At most `limit` of `what` ("fits") at a time.
  Admission(int limit, std::string what) : limit_(limit), what_(std::move(what)) {}

  // A place, given back when it is destroyed; it may not outlive this.
  class Ticket {
   public:
    explicit Ticket(Admission* admission) : admission_(admission) {}
    Ticket(Ticket&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (admission_ != nullptr) admission_->Leave();
    }

   private:
    Admission* admission_;  // null once moved from
  };

  // RESOURCE_EXHAUSTED, TOO_MANY_CALLS, saying when to try again, if all places
  // are taken.
  absl::StatusOr<Ticket> Enter();

 private:
  void Leave();

  const int limit_;
  const std::string what_;
  std::mutex mutex_;
  int count_ = 0;  // guarded by mutex_
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_ADMISSION_H_
