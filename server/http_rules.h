// Who may ask the HTTP port, decided from headers. Pure functions, thread-safe.

#ifndef BITBUDGET_SERVER_HTTP_RULES_H_
#define BITBUDGET_SERVER_HTTP_RULES_H_

#include <string>
#include <string_view>
#include <vector>

namespace bitbudget::server {

// The host of "HOST", "HOST:PORT" or "[V6]:PORT", in lower case and without brackets.
std::string HostOf(std::string_view authority);

// Whether a host names this machine alone: localhost or below, 127.0.0.0/8, ::1.
bool IsLoopbackHost(const std::string& host);

// Whether text is an origin, "http://HOST[:PORT]" or "https://...", and nothing more.
bool IsOrigin(std::string_view text);

// Whether a request with this Host header may be answered. A page of another site whose
// name was made to lead here (DNS rebinding) asks under the name of that site; here only
// loopback's own names and those of the allowed origins are known.
bool IsKnownHost(std::string_view host_header, const std::vector<std::string>& allowed_origins);

// Whether a path of a URL is that of a call, "/PACKAGE.SERVICE/METHOD".
bool IsCallPath(std::string_view path);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_HTTP_RULES_H_
