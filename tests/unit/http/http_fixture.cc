#include "tests/unit/http/http_fixture.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <utility>

#include "server/connect_protocol.h"

namespace bitbudget::server::testing {
namespace {

constexpr char kPackage[] = "/bitbudget.v1.";
constexpr size_t kAnySize = std::numeric_limits<size_t>::max();

std::unique_ptr<HttpServer> StartServer(const ConnectMethods& methods,
                                        CallGate& gate,
                                        std::vector<std::string> allowed_origins) {
  auto server = HttpServer::Start({.listen = "127.0.0.1:0",
                                   .dashboard = "/nowhere/dist",
                                   .allowed_origins = std::move(allowed_origins),
                                   .most_message_bytes = kMostMessageBytes,
                                   .metrics = [] { return Metrics::Process().Text({}); }},
                                  methods,
                                  gate);
  if (!server.ok()) std::abort();
  return *std::move(server);
}

}  // namespace

Socket::Socket(int port) : file_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  setsockopt(file_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (connect(file_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) std::abort();
}

Socket::~Socket() {
  if (file_ >= 0) close(file_);
}

void Socket::Send(std::string_view bytes) const {
  EXPECT_EQ(send(file_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

std::string Socket::ReadUntil(std::string_view end) const {
  std::string text;
  char byte = 0;
  while (!std::string_view(text).ends_with(end) && recv(file_, &byte, 1, 0) == 1) text += byte;
  return text;
}

HttpTest::HttpTest(std::vector<std::string> allowed_origins)
    : board_(core().pool, 16),
      jobs_(core().parts, core().refits, board_),
      campaigns_(core().store(), board_),
      methods_({core().studies,
                core().experiments,
                core().fits,
                laws_,
                core().planner,
                jobs_,
                campaigns_}),
      server_(StartServer(methods_, gate_, std::move(allowed_origins))) {}

HttpTest::~HttpTest() {
  gate_.CancelCalls();
  server_->Shutdown();
}

int HttpTest::port() const {
  const std::string& address = server_->address();
  return std::atoi(address.c_str() + address.rfind(':') + 1);
}

httplib::Client HttpTest::Client() const {
  httplib::Client client("127.0.0.1", port());
  client.set_read_timeout(kPatience);
  return client;
}

httplib::Result HttpTest::Call(const std::string& method,
                               const std::string& json,
                               const httplib::Headers& headers) const {
  return Client().Post(kPackage + method, headers, json, "application/json");
}

void HttpTest::Stream(const std::string& method,
                      const std::string& json,
                      const std::function<bool(const StreamMessage&)>& on_message,
                      const httplib::Headers& headers) const {
  httplib::Request request;
  request.method = "POST";
  request.path = kPackage + method;
  request.headers = headers;
  request.set_header("Content-Type", "application/connect+json");
  request.body = WriteEnvelope({.data = json});
  std::string unread;
  request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
    unread.append(data, size);
    std::string_view rest = unread;
    while (const auto envelope = *TakeEnvelope(&rest, kAnySize)) {
      if (!on_message({.is_end = (envelope->flags & Envelope::kEndOfStream) != 0,
                       .body = nlohmann::json::parse(envelope->data)})) {
        return false;
      }
    }
    unread = std::string(rest);
    return true;
  };
  httplib::Client client = Client();
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  client.send(request, response, error);
}

std::string HttpTest::StreamRequest(const std::string& method, const std::string& json) {
  const std::string body = WriteEnvelope({.data = json});
  return fmt::format(
      "POST {}{} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/connect+json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      kPackage,
      method,
      body.size(),
      body);
}

}  // namespace bitbudget::server::testing
