// Request ids: a request takes effect once, however often it is sent.

#ifndef BITBUDGET_DB_REQUESTS_H_
#define BITBUDGET_DB_REQUESTS_H_

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "db/sqlite_error.h"
#include "db/store.h"
#include "db/writer.h"
#include "util/status_macros.h"

namespace bitbudget::db {

// In place of a study's key for requests whose parent is no study. Requests on a
// study belong to it, not to its name, which another may have later.
inline constexpr int64_t kNoStudy = 0;

// The stored result of an earlier request with this key; nullopt if there is
// none or it is older than 30 days. ALREADY_EXISTS, REQUEST_ID_REUSED if that was
// another request.
absl::StatusOr<std::optional<std::string>> FindResult(const WriteContext& context,
                                                      int64_t study_key,
                                                      const RequestKey& request);

// Stores a result, and forgets a few of those that are older than 30 days.
void StoreResult(const WriteContext& context,
                 int64_t study_key,
                 const RequestKey& request,
                 const std::string& result);

// Forgets all results that are older than 30 days.
void ForgetOldResults(Connection& connection, int64_t now_microseconds);

// Returns the result of `effect()`, a StatusOr<Record>, or what it returned when
// the same request came first. Record is a message.
template <typename Record, typename Effect>
absl::StatusOr<Record> Once(const WriteContext& context,
                            int64_t study_key,
                            const RequestKey& request,
                            Effect effect) {
  if (request.request_id.empty()) return effect();
  ASSIGN_OR_RETURN(const std::optional<std::string> first, FindResult(context, study_key, request));
  if (first.has_value()) {
    Record record;
    if (!record.ParseFromString(*first)) {
      return DatabaseDamaged(
          context.connection.path(),
          fmt::format("the result of request {} cannot be read", request.request_id));
    }
    return record;
  }
  ASSIGN_OR_RETURN(Record record, effect());
  StoreResult(context, study_key, request, record.SerializeAsString());
  return record;
}

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_REQUESTS_H_
