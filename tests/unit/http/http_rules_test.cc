#include "server/http_rules.h"

#include <gtest/gtest.h>

namespace bitbudget::server {
namespace {

TEST(HttpHost, OfThisMachineIsKnown) {
  for (const char* host : {"127.0.0.1:7410",
                           "127.9.9.9",
                           "localhost:7410",
                           "LocalHost",
                           "dash.localhost:80",
                           "[::1]:7410",
                           "[::1]"}) {
    EXPECT_TRUE(IsKnownHost(host, {})) << host;
  }
}

TEST(HttpHost, OfAnotherSiteIsNot) {
  for (const char* host : {"evil.example",
                           "127.0.0.1.evil.example",
                           "localhost.evil.example",
                           "notlocalhost",
                           "10.0.0.1:7410",
                           "[::2]:7410",
                           "[",
                           ""}) {
    EXPECT_FALSE(IsKnownHost(host, {})) << host;
  }
}

TEST(HttpHost, OfAnAllowedOriginIsKnown) {
  const std::vector<std::string> allowed = {"https://plans.example:8443", "http://[fd00::1]"};
  EXPECT_TRUE(IsKnownHost("plans.example", allowed));
  EXPECT_TRUE(IsKnownHost("[fd00::1]:80", allowed));
  EXPECT_FALSE(IsKnownHost("example", allowed));
}

TEST(HttpOrigin, IsSchemeHostAndPort) {
  for (const char* origin : {"http://localhost:5173", "https://a.example", "http://[::1]:80"}) {
    EXPECT_TRUE(IsOrigin(origin)) << origin;
  }
  for (const char* origin :
       {"*", "localhost:5173", "http://", "http://a/", "ftp://a", "http://a,http://b", "null"}) {
    EXPECT_FALSE(IsOrigin(origin)) << origin;
  }
}

TEST(HttpPath, OfACallIsServiceAndMethod) {
  EXPECT_TRUE(IsCallPath("/bitbudget.v1.StudyService/GetStudy"));
  EXPECT_TRUE(IsCallPath("/grpc.health.v1.Health/Check"));
  for (const char* path :
       {"/", "/plan", "/plan/x", "/assets/a.js", "/.git/config", "/a.b/", "/a.b", "/a.b/c/d", ""}) {
    EXPECT_FALSE(IsCallPath(path)) << path;
  }
}

}  // namespace
}  // namespace bitbudget::server
