// Replies of the HTTP port, whatever they carry.

#ifndef BITBUDGET_SERVER_HTTP_REPLY_H_
#define BITBUDGET_SERVER_HTTP_REPLY_H_

#include <string>
#include <string_view>

#include "server/http_connection.h"
#include "server/http_library.h"

namespace bitbudget::server {

// Replies with `body`, compressed if the peer takes that and it is worth it.
void ReplyWith(int http_status,
               std::string body,
               std::string_view content_type,
               const HttpConnection& connection,
               httplib::Response& response);

// Replies without reading the rest of the request: the connection ends afterwards.
void CloseAfter(HttpConnection& connection, httplib::Response& response);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_HTTP_REPLY_H_
