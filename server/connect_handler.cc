#include "server/connect_handler.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "server/connect_codec.h"
#include "server/connect_protocol.h"
#include "server/http_gzip.h"
#include "server/http_reply.h"
#include "server/served_call.h"
#include "util/clock.h"
#include "util/codes.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

// How soon a stream without news notices that its receiver has gone, or that its time
// is over.
constexpr std::chrono::milliseconds kReceiverPoll(200);

// The body of a request, which has at most `limit` bytes.
absl::StatusOr<std::string> ReadBody(const httplib::Request& request,
                                     const httplib::ContentReader& reader,
                                     size_t limit,
                                     HttpConnection& connection,
                                     httplib::Response& response) {
  std::string body;
  // Without a length there is none; the parser would read on until the peer closes.
  if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
    return body;
  }
  bool is_too_large = false;
  const bool is_whole = reader([&](const char* data, size_t size) {
    is_too_large = size > limit - body.size();
    if (!is_too_large) body.append(data, size);
    return !is_too_large;
  });
  if (is_whole) return body;
  CloseAfter(connection, response);
  if (is_too_large) return MessageTooLarge(limit);
  if (connection.IsPeerGone()) return absl::CancelledError("the caller is gone");
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "the body breaks off, or is framed badly",
                   {.reason = "INVALID_FIELD"});
}

// What of a call does not depend on its method.
class ConnectCall {
 public:
  ConnectCall(CallGate& gate,
              const ConnectMethod& method,
              ContentFormat format,
              const httplib::Request& request,
              HttpConnection& connection)
      : method_(method),
        format_(format),
        connection_(connection),
        call_(gate,
              Protocol::kConnect,
              method.name,
              method.kind,
              request.get_header_value(kRequestIdKey)),
        version_(request.get_header_value("Connect-Protocol-Version")),
        timeout_(request.get_header_value("Connect-Timeout-Ms")),
        begin_(Clock::System()->Now()) {}

  const ConnectMethod& method() const { return method_; }
  ContentFormat format() const { return format_; }
  const ServedCall& served() const { return call_; }

  // Checks the headers, and sets the deadline.
  absl::Status CheckHeaders() {
    RETURN_IF_ERROR(CheckProtocolVersion(version_));
    ASSIGN_OR_RETURN(const absl::Duration timeout, ParseTimeout(timeout_));
    deadline_ = begin_ + timeout;
    return absl::OkStatus();
  }

  CallContext MakeContext() const {
    return call_.MakeContext(deadline_, [this] { return IsOver() || connection_.IsPeerGone(); });
  }

  // True if nobody waits for the outcome any more.
  bool IsOver() const { return Clock::System()->Now() >= deadline_; }

  // A request message out of its bytes.
  absl::StatusOr<MessagePointer> Decode(std::string_view bytes) const {
    MessagePointer message(method_.request->New());
    RETURN_IF_ERROR(DecodeMessage(format_.codec, bytes, message.get()));
    return message;
  }

  // The status to answer with.
  absl::Status End(const absl::Status& outcome) {
    const bool ran_out_of_time = absl::IsCancelled(outcome) && IsOver();
    return call_.End(ran_out_of_time
                         ? absl::DeadlineExceededError("the deadline of the call has passed")
                         : outcome);
  }

 private:
  const ConnectMethod& method_;
  const ContentFormat format_;
  HttpConnection& connection_;
  ServedCall call_;
  const std::string version_;
  const std::string timeout_;
  const absl::Time begin_;
  absl::Time deadline_ = absl::InfiniteFuture();
};

absl::StatusOr<std::string> Unpacked(std::string_view encoding, std::string bytes, size_t limit) {
  ASSIGN_OR_RETURN(const Compression compression, ParseCompression(encoding));
  return compression == Compression::kGzip ? Gunzip(bytes, limit) : std::move(bytes);
}

absl::StatusOr<std::string> AnswerUnary(ConnectCall& call, std::string_view body) {
  RETURN_IF_ERROR(call.CheckHeaders());
  ASSIGN_OR_RETURN(const MessagePointer request, call.Decode(body));
  const auto& serve = std::get<ServeUnaryCall>(call.method().serve);
  ASSIGN_OR_RETURN(const MessagePointer reply, serve(call.MakeContext(), *request));
  return EncodeMessage(call.format().codec, *reply);
}

// Rung when a stream may have news; outlives the stream in the hands of who rings.
class Bell {
 public:
  void Ring() {
    const std::lock_guard lock(mutex_);
    is_rung_ = true;
    has_rung_.notify_one();
  }
  // Waits until it is rung, or `patience` has passed.
  void Wait(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    has_rung_.wait_for(lock, patience, [this] { return is_rung_; });
    is_rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable has_rung_;
  bool is_rung_ = false;  // guarded by mutex_
};

// The one message of a request in envelopes.
absl::StatusOr<std::string> OnlyEnvelope(std::string_view body,
                                         std::string_view encoding,
                                         size_t limit) {
  ASSIGN_OR_RETURN(const std::optional<Envelope> envelope, TakeEnvelope(&body, limit));
  if (!envelope || !body.empty() || envelope->flags > Envelope::kCompressed) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "the body is not one message in an envelope: a byte of flags, four of its "
                     "length, and the message",
                     {.reason = "INVALID_FIELD"});
  }
  if (envelope->flags != Envelope::kCompressed) return std::string(envelope->data);
  return Unpacked(encoding, std::string(envelope->data), limit);
}

// Sends the messages of a stream, each as soon as there is one.
absl::Status SendStream(ConnectCall& call,
                        const absl::StatusOr<std::string>& body,
                        httplib::DataSink& sink) {
  RETURN_IF_ERROR(call.CheckHeaders());
  RETURN_IF_ERROR(body.status());
  ASSIGN_OR_RETURN(const MessagePointer request, call.Decode(*body));
  const auto bell = std::make_shared<Bell>();
  const CallContext context = call.MakeContext();
  const auto& open = std::get<OpenStream>(call.method().serve);
  ASSIGN_OR_RETURN(const std::unique_ptr<MessageSource> source,
                   open(context, *request, [bell] { bell->Ring(); }));
  while (!context.cancelled()) {
    ASSIGN_OR_RETURN(const std::optional<MessagePointer> message, source->Next());
    if (message) {
      ASSIGN_OR_RETURN(const std::string bytes, EncodeMessage(call.format().codec, **message));
      const std::string envelope = WriteEnvelope({.data = bytes});
      if (!sink.write(envelope.data(), envelope.size())) break;
    } else if (source->has_ended()) {
      return absl::OkStatus();
    } else {
      bell->Wait(kReceiverPoll);
    }
  }
  return absl::CancelledError("the receiver is gone");
}

void ReplyUnary(ConnectCall& call,
                const absl::StatusOr<std::string>& body,
                const HttpConnection& connection,
                httplib::Response& response) {
  std::string reply;
  const absl::Status status = call.End(call.served().Guard([&] {
    RETURN_IF_ERROR(body.status());
    ASSIGN_OR_RETURN(reply, AnswerUnary(call, *body));
    return absl::OkStatus();
  }));
  if (status.ok()) {
    ReplyWith(200, std::move(reply), ContentTypeOf(call.format()), connection, response);
  } else {
    ReplyWith(CodeRowOf(status.code()).http_status,
              ErrorJson(status),
              ContentTypeOf({}),
              connection,
              response);
  }
}

void ReplyStream(std::shared_ptr<ConnectCall> call,
                 absl::StatusOr<std::string> body,
                 httplib::Response& response) {
  response.status = 200;
  const std::string content_type(ContentTypeOf(call->format()));
  response.set_chunked_content_provider(
      content_type, [call, body = std::move(body)](size_t, httplib::DataSink& sink) {
        const absl::Status outcome =
            call->End(call->served().Guard([&] { return SendStream(*call, body, sink); }));
        const std::string end = EndStreamJson(outcome);
        const std::string envelope = WriteEnvelope({.flags = Envelope::kEndOfStream, .data = end});
        const bool is_sent = sink.write(envelope.data(), envelope.size());
        sink.done();
        return is_sent;
      });
}

}  // namespace

void ConnectHandler::Serve(const ConnectMethod& method,
                           const httplib::Request& request,
                           const httplib::ContentReader& reader,
                           HttpConnection& connection,
                           httplib::Response& response) {
  const Framing framing = method.is_stream() ? Framing::kEnvelopes : Framing::kBare;
  const auto format = ParseContentType(request.get_header_value("Content-Type"));
  if (!format || format->framing != framing) {
    response.status = 415;
    response.set_header("Accept-Post", std::string(AcceptPost(framing)));
    CloseAfter(connection, response);
    return;
  }
  const bool is_stream = method.is_stream();
  // Of a stream the one envelope, head and message.
  const size_t limit = most_message_bytes_ + (is_stream ? Envelope::kHeadBytes : 0);
  absl::StatusOr<std::string> body = ReadBody(request, reader, limit, connection, response);
  auto call = std::make_shared<ConnectCall>(gate_, method, *format, request, connection);
  response.set_header(kRequestIdKey, call->served().id());
  if (is_stream) {
    if (body.ok()) {
      body = OnlyEnvelope(
          *body, request.get_header_value("Connect-Content-Encoding"), most_message_bytes_);
    }
    ReplyStream(std::move(call), std::move(body), response);
  } else {
    if (body.ok()) {
      body = Unpacked(connection.content_encoding(), *std::move(body), most_message_bytes_);
    }
    ReplyUnary(*call, body, connection, response);
  }
}

}  // namespace bitbudget::server
