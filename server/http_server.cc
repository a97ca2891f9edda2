#include "server/http_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <string_view>
#include <thread>
#include <utility>

#include "server/connect_handler.h"
#include "server/connect_protocol.h"
#include "server/http_connection.h"
#include "server/http_files.h"
#include "server/http_library.h"
#include "server/http_limits.h"
#include "server/http_reply.h"
#include "server/http_rules.h"
#include "server/http_threads.h"
#include "util/codes.h"
#include "util/error.h"

namespace bitbudget::server {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kMetricsText = "text/plain; version=0.0.4; charset=utf-8";

// Charts set styles of their own; all else comes from here alone.
constexpr char kContentSecurityPolicy[] =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

// There is no limit, and the header that tells a client needs one.
constexpr size_t kMostRequestsSaid = 1'000'000;

// For replies that are on their way when the door closes.
constexpr absl::Duration kFlushTime = absl::Seconds(2);

// How long a browser may remember what a preflight said.
constexpr char kPreflightSeconds[] = "7200";

// The connection whose request this thread serves: the parser does not hand it on.
thread_local HttpConnection* current_connection = nullptr;

void ReplyWithError(const absl::Status& error, int http_status, httplib::Response& response) {
  ReplyWith(http_status, ErrorJson(error), ContentTypeOf({}), *current_connection, response);
}

void RefuseMethod(std::string_view allowed, httplib::Response& response) {
  response.status = 405;
  response.set_header("Allow", std::string(allowed));
  CloseAfter(*current_connection, response);
}

bool IsGet(const httplib::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

// Whether a person goes there, rather than a page fetching what it needs.
bool IsNavigation(const httplib::Request& request) {
  return request.get_header_value("Accept").find("text/html") != std::string::npos;
}

void RefuseHost(const std::string& host, httplib::Response& response) {
  ReplyWithError(MakeError(absl::StatusCode::kPermissionDenied,
                           fmt::format("this server does not know itself as \"{}\"; ask for "
                                       "localhost, or start it with --http-allow-origin",
                                       host),
                           {.reason = "UNKNOWN_HOST"}),
                 CodeRowOf(absl::StatusCode::kPermissionDenied).http_status,
                 response);
}

// A call of a method that does not exist: 404, and what a client of the protocol makes
// of that.
void RefuseUnknownCall(const std::string& path, httplib::Response& response) {
  ReplyWithError(MakeError(absl::StatusCode::kUnimplemented,
                           fmt::format("there is no method at {}; docs/http.md says which there "
                                       "are",
                                       path),
                           {.reason = "UNKNOWN_METHOD"}),
                 404,
                 response);
}

}  // namespace

// The library's server with connections and routes of our own.
class HttpServer::Door final : public httplib::Server {
 public:
  Door(HttpOptions options, const ConnectMethods& methods, CallGate& gate)
      : options_(std::move(options)),
        methods_(methods),
        files_(options_.dashboard),
        calls_(gate, options_.most_message_bytes) {
    new_task_queue = [this] { return new HttpThreads(kMostHttpConnections, connections_); };
    set_tcp_nodelay(true);
    // Only what replies say of it: connections are kept by HttpConnection.
    set_keep_alive_timeout(absl::ToInt64Seconds(kLongestIdle));
    set_keep_alive_max_count(kMostRequestsSaid);
    // Without port sharing: a second server on the same port must fail.
    set_socket_options([](socket_t socket) {
      const int on = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    });
    SetRoutes();
  }
  ~Door() override { Shutdown(); }

  absl::Status Listen() {
    const size_t colon = options_.listen.rfind(':');
    const std::string host = options_.listen.substr(0, colon);
    int port = std::stoi(options_.listen.substr(colon + 1));
    if (port == 0) {
      port = bind_to_any_port(HostOf(host));
    } else if (!bind_to_port(HostOf(host), port)) {
      port = -1;
    }
    if (port < 0) {
      return MakeError(absl::StatusCode::kUnavailable,
                       fmt::format("cannot listen on {}: is another server running there? Choose "
                                   "another address with --http, port 0 for any free one",
                                   options_.listen),
                       {.reason = "ADDRESS_IN_USE"});
    }
    ::listen(svr_sock_, kHttpBacklog);  // the library's own backlog is 5
    address_ = fmt::format("{}:{}", host, port);
    acceptor_ = std::thread([this] { listen_after_bind(); });
    return absl::OkStatus();
  }

  void StopServing() { is_serving_ = false; }

  void Shutdown() {
    if (!acceptor_.joinable()) return;
    connections_.Close();
    stop();
    connections_.End(kFlushTime);
    acceptor_.join();
  }

  const std::string& address() const { return address_; }

 private:
  using Verdict = HandlerResponse;

  bool process_and_close_socket(socket_t socket) override {
    HttpConnection connection(socket, connections_);
    current_connection = &connection;
    bool goes_on = true;
    while (goes_on && connection.WaitForRequest()) {
      bool is_last = false;
      goes_on = process_request(connection,
                                /*close_connection=*/false,
                                is_last,
                                [&](httplib::Request& head) { connection.TakeHead(head); }) &&
                !is_last;
    }
    current_connection = nullptr;
    return goes_on;
  }

  void SetRoutes() {
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      SetCommonHeaders(request, response);
      return Route(request, response);
    });
    // What Route leaves: calls of methods that exist.
    Post(R"([^]*)",
         [this](const httplib::Request& request,
                httplib::Response& response,
                const httplib::ContentReader& reader) {
           calls_.Serve(
               *methods_.Find(request.path), request, reader, *current_connection, response);
         });
  }

  void SetCommonHeaders(const httplib::Request& request, httplib::Response& response) const {
    response.set_header("X-Content-Type-Options", "nosniff");
    response.set_header("Referrer-Policy", "no-referrer");
    if (options_.allowed_origins.empty()) return;
    response.set_header("Vary", "Origin");
    const std::string origin = request.get_header_value("Origin");
    const auto& allowed = options_.allowed_origins;
    if (std::find(allowed.begin(), allowed.end(), origin) == allowed.end()) return;
    response.set_header("Access-Control-Allow-Origin", origin);
    response.set_header("Access-Control-Expose-Headers", std::string(kRequestIdKey));
  }

  Verdict Route(const httplib::Request& request, httplib::Response& response) {
    const std::string host = request.get_header_value("Host");
    if (!IsKnownHost(host, options_.allowed_origins)) {
      RefuseHost(host, response);
    } else if (request.method == "OPTIONS") {
      Preflight(request, response);
    } else if (methods_.Find(request.path) != nullptr) {
      if (request.method == "POST") return Verdict::Unhandled;
      RefuseMethod("POST", response);
    } else if (IsCallPath(request.path)) {
      RefuseUnknownCall(request.path, response);
    } else if (!IsGet(request)) {
      RefuseMethod("GET, HEAD", response);
    } else if (request.path == "/healthz") {
      ReplyHealth(response);
    } else if (request.path == "/metrics") {
      ReplyWith(200, options_.metrics(), kMetricsText, *current_connection, response);
    } else {
      ReplyFile(request, response);
    }
    // What is left of a body that nobody reads is not the next request.
    if (!IsGet(request)) CloseAfter(*current_connection, response);
    return Verdict::Handled;
  }

  // Says to a browser which calls a page of another origin may make. Without the header
  // Access-Control-Allow-Origin it may make none.
  void Preflight(const httplib::Request& request, httplib::Response& response) const {
    response.status = 200;
    response.set_header("Allow", methods_.Find(request.path) != nullptr ? "POST" : "GET, HEAD");
    if (!response.has_header("Access-Control-Allow-Origin")) return;
    response.set_header("Access-Control-Allow-Methods", "POST");
    response.set_header("Access-Control-Allow-Headers",
                        "Content-Type, Content-Encoding, Connect-Protocol-Version, "
                        "Connect-Timeout-Ms, X-Request-Id, X-User-Agent");
    response.set_header("Access-Control-Max-Age", kPreflightSeconds);
  }

  void ReplyHealth(httplib::Response& response) const {
    response.set_header("Cache-Control", "no-store");
    const bool is_serving = is_serving_;
    ReplyWith(is_serving ? 200 : 503,
              is_serving ? "serving\n" : "shutting down\n",
              kText,
              *current_connection,
              response);
  }

  void ReplyFile(const httplib::Request& request, httplib::Response& response) const {
    response.set_header("Content-Security-Policy", kContentSecurityPolicy);
    response.set_header("X-Frame-Options", "DENY");
    response.set_header("Cross-Origin-Opener-Policy", "same-origin");
    std::optional<StaticFile> file = files_.Find(request.path, IsNavigation(request));
    if (!file && request.path == "/" && !files_.IsBuilt()) {
      ReplyWith(404, NotBuiltPage(options_.dashboard), kHtml, *current_connection, response);
    } else if (!file) {
      ReplyWith(404, "there is no such page\n", kText, *current_connection, response);
    } else {
      response.set_header("Cache-Control", std::string(file->cache_control));
      response.set_header("ETag", file->etag);
      if (request.get_header_value("If-None-Match") == file->etag) {
        response.status = 304;
        return;
      }
      ReplyWith(200, std::move(file->content), file->content_type, *current_connection, response);
    }
  }

  const HttpOptions options_;
  const ConnectMethods& methods_;
  const StaticFiles files_;
  ConnectHandler calls_;
  HttpConnections connections_;
  std::atomic<bool> is_serving_ = true;
  std::string address_;
  std::thread acceptor_;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpOptions& options,
                                                              const ConnectMethods& methods,
                                                              CallGate& gate) {
  auto door = std::make_unique<Door>(options, methods, gate);
  if (absl::Status status = door->Listen(); !status.ok()) return status;
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(door)));
}

HttpServer::HttpServer(std::unique_ptr<Door> door) : door_(std::move(door)) {}

HttpServer::~HttpServer() = default;

const std::string& HttpServer::address() const { return door_->address(); }

void HttpServer::StopServing() { door_->StopServing(); }

void HttpServer::Shutdown() { door_->Shutdown(); }

}  // namespace bitbudget::server
