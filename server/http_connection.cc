#include "server/http_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "server/connect_protocol.h"
#include "server/http_limits.h"
#include "util/clock.h"

namespace bitbudget::server {
namespace {

// How much of a request that nobody reads is taken off the peer, and how long, so that
// it reads the reply before it sees the connection closed.
constexpr int kMostLingerReads = 256;
constexpr absl::Duration kLinger = absl::Seconds(1);

// Waits until `events` (or the end of the connection) are there; false if they are not
// within `patience`.
bool WaitForEvents(int socket, short events, absl::Duration patience) {
  const absl::Duration deadline = Clock::System()->Steady() + patience;
  for (;;) {
    pollfd entry{.fd = socket, .events = events, .revents = 0};
    const absl::Duration left =
        std::max(deadline - Clock::System()->Steady(), absl::ZeroDuration());
    const int count = poll(&entry, 1, static_cast<int>(absl::ToInt64Milliseconds(left)));
    if (count >= 0 || errno != EINTR) return count > 0;
  }
}

void StopReading(int socket) { shutdown(socket, SHUT_RD); }

}  // namespace

void HttpConnections::Add(int socket) {
  const std::lock_guard lock(mutex_);
  sockets_.insert(socket);
}

void HttpConnections::Remove(int socket) {
  const std::lock_guard lock(mutex_);
  sockets_.erase(socket);
  if (sockets_.empty()) is_empty_.notify_all();
}

bool HttpConnections::WaitForBytes(int socket, absl::Duration patience) {
  std::list<int>::iterator place;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return false;
    if (is_crowded_) patience = absl::ZeroDuration();
    place = resting_.insert(resting_.end(), socket);
  }
  const bool has_news = WaitForEvents(socket, POLLIN, patience);
  {
    const std::lock_guard lock(mutex_);
    resting_.erase(place);
  }
  char byte = 0;
  return has_news && recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

void HttpConnections::MakeRoom() {
  const std::lock_guard lock(mutex_);
  is_crowded_ = true;
  if (resting_.empty()) return;
  StopReading(resting_.front());
  // It takes itself out of the list; until then another may be let go.
  resting_.splice(resting_.end(), resting_, resting_.begin());
}

void HttpConnections::EndCrowd() {
  const std::lock_guard lock(mutex_);
  is_crowded_ = false;
}

void HttpConnections::Close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  for (const int socket : resting_) StopReading(socket);
}

void HttpConnections::End(absl::Duration patience) {
  std::unique_lock lock(mutex_);
  const auto time = absl::ToChronoNanoseconds(patience);
  if (is_empty_.wait_for(lock, time, [this] { return sockets_.empty(); })) return;
  for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
}

HttpConnection::HttpConnection(int socket, HttpConnections& connections)
    : socket_(socket), connections_(connections) {
  connections_.Add(socket_);
  const int on = 1;
  // A peer whose machine is gone is noticed in the end.
  setsockopt(socket_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

HttpConnection::~HttpConnection() {
  shutdown(socket_, SHUT_WR);
  if (must_close_) {
    // Closing with bytes unread would reset the connection, and take the reply with it.
    for (int i = 0; i < kMostLingerReads && WaitForEvents(socket_, POLLIN, kLinger); ++i) {
      if (recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT) <= 0) break;
    }
  }
  connections_.Remove(socket_);
  close(socket_);
}

bool HttpConnection::WaitForRequest() {
  if (must_close_) return false;
  if (begin_ == end_ && !connections_.WaitForBytes(socket_, kLongestIdle)) return false;
  // Some clients send head and body apart, and the body once the head is acknowledged.
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
  is_in_head_ = true;
  head_bytes_ = 0;
  arrival_deadline_ = Clock::System()->Steady() + kLongestArrival;
  return true;
}

void HttpConnection::TakeHead(httplib::Request& request) {
  is_in_head_ = false;
  accepts_gzip_ = AcceptsGzip(request.get_header_value("Accept-Encoding"));
  content_encoding_ = request.get_header_value("Content-Encoding");
  request.headers.erase("Accept-Encoding");
  request.headers.erase("Content-Encoding");
  request.ranges.clear();
}

bool HttpConnection::IsPeerGone() const {
  pollfd entry{.fd = socket_, .events = POLLRDHUP, .revents = 0};
  return poll(&entry, 1, 0) > 0;
}

bool HttpConnection::Receive() {
  const absl::Duration left = arrival_deadline_ - Clock::System()->Steady();
  if (!WaitForEvents(socket_, POLLIN, left)) return false;
  const ssize_t count = recv(socket_, buffer_.data(), buffer_.size(), 0);
  if (count <= 0) return false;
  begin_ = 0;
  end_ = static_cast<size_t>(count);
  return true;
}

ssize_t HttpConnection::read(char* data, size_t size) {
  const bool has_bytes = begin_ != end_ || Receive();
  const size_t count = std::min(size, end_ - begin_);
  if (is_in_head_) head_bytes_ += count;
  if (!has_bytes || head_bytes_ > kMostHeadBytes) {
    must_close_ = true;
    return -1;
  }
  std::memcpy(data, buffer_.data() + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t HttpConnection::write(const char* data, size_t size) {
  for (;;) {
    const ssize_t count = send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) return count;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || !WaitForEvents(socket_, POLLOUT, kLongestStall)) return -1;
  }
}

// Nobody asks: the log names calls by their ids.
void HttpConnection::get_remote_ip_and_port(std::string&, int&) const {}
void HttpConnection::get_local_ip_and_port(std::string&, int&) const {}

}  // namespace bitbudget::server
