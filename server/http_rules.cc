#include "server/http_rules.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"

namespace bitbudget::server {

std::string HostOf(std::string_view authority) {
  std::string_view host = authority;
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  std::string lower(host);
  absl::AsciiStrToLower(&lower);
  return lower;
}

bool IsLoopbackHost(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool IsOrigin(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view name = text.substr(0, scheme);
  const std::string_view authority = text.substr(scheme + 3);
  return (name == "http" || name == "https") && !authority.empty() &&
         authority.find_first_of("/?#@ *,") == std::string_view::npos;
}

bool IsKnownHost(std::string_view host_header, const std::vector<std::string>& allowed_origins) {
  const std::string host = HostOf(host_header);
  return IsLoopbackHost(host) ||
         std::any_of(allowed_origins.begin(), allowed_origins.end(), [&](std::string_view origin) {
           return HostOf(origin.substr(origin.find("://") + 3)) == host;
         });
}

bool IsCallPath(std::string_view path) {
  if (!path.starts_with('/')) return false;
  const size_t slash = path.find('/', 1);
  if (slash == std::string_view::npos || slash + 1 == path.size()) return false;
  const std::string_view service = path.substr(1, slash - 1);
  return service.find('.') != std::string_view::npos && !service.starts_with('.') &&
         path.find('/', slash + 1) == std::string_view::npos;
}

}  // namespace bitbudget::server
