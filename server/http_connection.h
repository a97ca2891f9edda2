// A connection of the HTTP port as the parser reads and writes it, with what the
// parser's own lacks: limits on how long a request may take to arrive, and an eye on
// whether the peer is still there while its call is served.

#ifndef BITBUDGET_SERVER_HTTP_CONNECTION_H_
#define BITBUDGET_SERVER_HTTP_CONNECTION_H_

#include <array>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "server/http_library.h"

namespace bitbudget::server {

// The connections that there are. Each holds a thread, also while it rests between two
// requests; when others wait for one, the connection that has rested longest is let go,
// and none may rest. Thread-safe.
class HttpConnections {
 public:
  // A connection comes, and goes.
  void Add(int socket);
  void Remove(int socket);

  // Waits until bytes arrive on `socket`; false if none do within `patience`, or the
  // connection is let go.
  bool WaitForBytes(int socket, absl::Duration patience);

  // Another connection waits for a thread.
  void MakeRoom();
  // None waits any more.
  void EndCrowd();

  // Lets those go that rest, and that come to rest later.
  void Close();
  // Waits until there are none, at most `patience`, then breaks off those there are.
  void End(absl::Duration patience);

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable is_empty_;
  std::set<int> sockets_;
  std::list<int> resting_;  // that which has rested longest first
  bool is_crowded_ = false;
  bool is_closed_ = false;
};

// Used by one thread at a time.
class HttpConnection final : public httplib::Stream {
 public:
  // Owns the socket; `connections` is borrowed.
  HttpConnection(int socket, HttpConnections& connections);
  // Says goodbye so that the peer gets all that was sent.
  ~HttpConnection() override;
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Waits for the next request; false if the connection shall end instead.
  bool WaitForRequest();
  // The head of the request has been read. Takes out of it what the parser would act on
  // by itself and without limits: compression both ways, ranges.
  void TakeHead(httplib::Request& request);
  bool accepts_gzip() const { return accepts_gzip_; }
  const std::string& content_encoding() const { return content_encoding_; }

  // True if the peer has closed the connection or is lost.
  bool IsPeerGone() const;

  // To be closed after the reply, because the request has not been read to its end; so is
  // a connection on which one did not arrive.
  void CloseAfterReply() { must_close_ = true; }
  bool must_close() const { return must_close_; }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return !IsPeerGone(); }
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  // Fills the buffer; false at the end of the stream or of the peer's time.
  bool Receive();

  const int socket_;
  HttpConnections& connections_;
  std::array<char, 8192> buffer_;
  size_t begin_ = 0;  // of what is unread in the buffer
  size_t end_ = 0;
  bool is_in_head_ = true;
  bool must_close_ = false;
  bool accepts_gzip_ = false;
  std::string content_encoding_;
  size_t head_bytes_ = 0;
  absl::Duration arrival_deadline_;  // of Clock::Steady()
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_HTTP_CONNECTION_H_
