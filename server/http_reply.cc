#include "server/http_reply.h"

#include <utility>

#include "server/http_gzip.h"

namespace bitbudget::server {
namespace {

// Whether content of a type shrinks: images and fonts are compressed as they are.
bool Shrinks(std::string_view content_type) {
  return content_type.starts_with("text/") || content_type.starts_with("application/") ||
         content_type == "image/svg+xml";
}

}  // namespace

void ReplyWith(int http_status,
               std::string body,
               std::string_view content_type,
               const HttpConnection& connection,
               httplib::Response& response) {
  response.status = http_status;
  if (body.size() >= kLeastGzipBytes && Shrinks(content_type)) {
    response.set_header("Vary", "Accept-Encoding");
    if (connection.accepts_gzip()) {
      body = Gzip(body);
      response.set_header("Content-Encoding", "gzip");
    }
  }
  response.body = std::move(body);
  response.set_header("Content-Type", std::string(content_type));
}

void CloseAfter(HttpConnection& connection, httplib::Response& response) {
  if (connection.must_close()) return;
  connection.CloseAfterReply();
  response.set_header("Connection", "close");
}

}  // namespace bitbudget::server
