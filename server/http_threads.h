// A thread for every connection of the HTTP port, up to a limit; those beyond it wait.
// When none is free, the connection that has rested longest is let go for them.
// Thread-safe.

#ifndef BITBUDGET_SERVER_HTTP_THREADS_H_
#define BITBUDGET_SERVER_HTTP_THREADS_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "server/http_connection.h"
#include "server/http_library.h"

namespace bitbudget::server {

class HttpThreads final : public httplib::TaskQueue {
 public:
  // `connections` is borrowed.
  HttpThreads(size_t limit, HttpConnections& connections)
      : limit_(limit), connections_(connections) {}

  void enqueue(std::function<void()> connection) override;
  // Serves what is queued, then ends.
  void shutdown() override;

 private:
  void Work();

  const size_t limit_;
  HttpConnections& connections_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable has_news_;
  std::deque<std::function<void()>> queue_;
  size_t free_count_ = 0;
  bool is_ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_HTTP_THREADS_H_
