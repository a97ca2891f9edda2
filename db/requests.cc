#include "db/requests.h"

#include <chrono>

#include "util/error.h"

namespace bitbudget::db {
namespace {

constexpr int64_t kKeptMicroseconds =
    std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::days(30)).count();

absl::Status RequestIdReused(const RequestKey& request) {
  ErrorDetails details;
  details.reason = "REQUEST_ID_REUSED";
  details.metadata["request_id"] = request.request_id;
  return MakeError(absl::StatusCode::kAlreadyExists,
                   fmt::format("request_id: \"{}\" was used for another request; use a new id for "
                               "each request",
                               request.request_id),
                   std::move(details));
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FindResult(const WriteContext& context,
                                                      int64_t study_key,
                                                      const RequestKey& request) {
  Query query(context.connection,
              "SELECT request_hash, result FROM requests "
              "WHERE study_key = ?1 AND scope = ?2 AND request_id = ?3 AND time > ?4",
              study_key,
              request.scope,
              request.request_id,
              context.now_microseconds - kKeptMicroseconds);
  if (!query.Next()) return std::nullopt;
  if (query.Bytes(0) != request.request_hash) return RequestIdReused(request);
  return query.Bytes(1);
}

void StoreResult(const WriteContext& context,
                 int64_t study_key,
                 const RequestKey& request,
                 const std::string& result) {
  // Two for each new one: the table shrinks to what is kept without ever
  // holding up a write.
  Query(context.connection,
        "DELETE FROM requests WHERE request_key IN "
        "(SELECT request_key FROM requests WHERE time <= ?1 ORDER BY time LIMIT 2)",
        context.now_microseconds - kKeptMicroseconds)
      .Run();
  // REPLACE: an old result of the same id may not be forgotten yet.
  Query(context.connection,
        "INSERT OR REPLACE INTO requests (study_key, scope, request_id, request_hash, result, time)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        study_key,
        request.scope,
        request.request_id,
        Blob{request.request_hash},
        Blob{result},
        context.now_microseconds)
      .Run();
}

void ForgetOldResults(Connection& connection, int64_t now_microseconds) {
  Query(connection, "DELETE FROM requests WHERE time <= ?1", now_microseconds - kKeptMicroseconds)
      .Run();
}

}  // namespace bitbudget::db
