// What the HTTP port grants at most, so that nobody starves others: every connection
// has a thread, half of which streams and waiting calls may hold.

#ifndef BITBUDGET_SERVER_HTTP_LIMITS_H_
#define BITBUDGET_SERVER_HTTP_LIMITS_H_

#include <cstddef>

#include "absl/time/time.h"

namespace bitbudget::server {

inline constexpr int kMostHttpConnections = 256;
inline constexpr int kMostHttpWaits = kMostHttpConnections / 2;

// Connections that the kernel keeps until a thread takes them.
inline constexpr int kHttpBacklog = 512;

// Of a request line and headers together.
inline constexpr size_t kMostHeadBytes = size_t{64} * 1024;

// How long a connection may rest between two requests.
inline constexpr absl::Duration kLongestIdle = absl::Seconds(60);
// How long a request may take to arrive, from its first byte to its last.
inline constexpr absl::Duration kLongestArrival = absl::Seconds(30);
// How long a receiver may take nothing of a reply.
inline constexpr absl::Duration kLongestStall = absl::Seconds(20);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_HTTP_LIMITS_H_
