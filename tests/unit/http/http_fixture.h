// The HTTP door over the server's core, and clients of its own: httplib's, and bare
// sockets for those that behave badly.

#ifndef BITBUDGET_TESTS_UNIT_HTTP_HTTP_FIXTURE_H_
#define BITBUDGET_TESTS_UNIT_HTTP_HTTP_FIXTURE_H_

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "server/http_library.h"
#include "server/http_server.h"
#include "server/job_service.h"
#include "tests/unit/server/server_fixture.h"

namespace bitbudget::server::testing {

inline constexpr int64_t kMostMessageBytes = 100'000;

// A bare connection. Reads and writes block, at most kPatience.
class Socket {
 public:
  explicit Socket(int port);
  ~Socket();
  Socket(Socket&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  Socket& operator=(Socket&&) = delete;

  void Send(std::string_view bytes) const;
  // What arrives until `end` has; less at the end of the stream.
  std::string ReadUntil(std::string_view end) const;

 private:
  int file_;
};

// A message of a stream in JSON, or its last word.
struct StreamMessage {
  bool is_end = false;
  nlohmann::json body;
};

class HttpTest : public ServerFixture {
 protected:
  explicit HttpTest(std::vector<std::string> allowed_origins = {});
  ~HttpTest() override;

  HttpServer& server() { return *server_; }
  int port() const;
  httplib::Client Client() const;
  // Of a call of "StudyService/GetStudy" with JSON.
  httplib::Result Call(const std::string& method,
                       const std::string& json,
                       const httplib::Headers& headers = {}) const;
  // Opens a stream and hands over its messages until the function returns false.
  void Stream(const std::string& method,
              const std::string& json,
              const std::function<bool(const StreamMessage&)>& on_message,
              const httplib::Headers& headers = {}) const;
  // The bytes of a call of a stream, to be sent by hand.
  static std::string StreamRequest(const std::string& method, const std::string& json);

  CallGate gate_;
  JobBoard board_;

 private:
  JobService jobs_;
  LawService laws_;
  CampaignService campaigns_;
  ConnectMethods methods_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace bitbudget::server::testing

#endif  // BITBUDGET_TESTS_UNIT_HTTP_HTTP_FIXTURE_H_
