#include "db/studies.h"

#include <fmt/format.h>

#include "bitbudget/v1/job.pb.h"
#include "db/content_hash.h"
#include "db/history.h"
#include "db/names.h"
#include "db/page_token.h"
#include "db/records.pb.h"
#include "db/requests.h"
#include "db/sqlite_error.h"
#include "util/error.h"
#include "util/sha256.h"
#include "util/status_macros.h"

#define BITBUDGET_SELECT_STUDIES                                                       \
  "SELECT study_id, definition, definition_hash, revision, create_time, update_time, " \
  "experiment_count, excluded_experiment_count FROM studies "

namespace bitbudget::db {
namespace {

// Half of the SHA-256: enough to tell definitions apart, short to pass around.
constexpr size_t kEtagBytes = 16;

// The writable fields: what the caller decides, and what the etag covers.
v1::Study Definition(const v1::Study& study) {
  v1::Study definition = study;
  definition.clear_name();
  definition.clear_revision();
  definition.clear_etag();
  definition.clear_create_time();
  definition.clear_update_time();
  definition.clear_experiment_count();
  definition.clear_excluded_experiment_count();
  definition.clear_fit_status();
  return definition;
}

std::string Etag(const std::string& definition_hash) {
  return ToHex(std::string_view(definition_hash).substr(0, kEtagBytes));
}

absl::StatusOr<v1::Study> ReadStudy(const Query& row, const std::string& path) {
  const std::string study_id = row.Bytes(0);
  const std::string hash = row.Bytes(2);
  v1::Study study;
  if (!study.ParseFromString(row.Bytes(1)) || HashMessage(study) != hash) {
    return DatabaseDamaged(path, fmt::format("study {} does not match its hash", study_id));
  }
  study.set_name(StudyName(study_id));
  study.set_etag(Etag(hash));
  study.set_revision(row.Int(3));
  SetTimestamp(row.Int(4), study.mutable_create_time());
  SetTimestamp(row.Int(5), study.mutable_update_time());
  study.set_experiment_count(row.Int(6));
  study.set_excluded_experiment_count(row.Int(7));
  return study;
}

absl::Status StudyExists(const std::string& study_id) {
  ErrorDetails details;
  details.reason = "STUDY_EXISTS";
  details.resource_type = "study";
  details.resource_name = StudyName(study_id);
  return MakeError(absl::StatusCode::kAlreadyExists,
                   fmt::format("study {} exists already; choose another id", study_id),
                   std::move(details));
}

absl::Status EtagMismatch(const v1::Study& current) {
  ErrorDetails details;
  details.reason = "ETAG_MISMATCH";
  details.resource_type = "study";
  details.resource_name = current.name();
  details.metadata["etag"] = current.etag();
  return MakeError(
      absl::StatusCode::kAborted,
      fmt::format("{} has changed since it was read; read it again and repeat", current.name()),
      std::move(details));
}

int64_t CountOpenJobs(Connection& connection, int64_t study_key) {
  Query query(connection,
              "SELECT count(*) FROM jobs WHERE study_key = ?1 AND state IN (1, 2, 3, 7)",
              study_key);
  query.Next();
  return query.Int(0);
}

absl::Status StudyNotEmpty(const StudyHandle& study, int64_t open_job_count) {
  ErrorDetails details;
  details.reason = "STUDY_NOT_EMPTY";
  details.resource_type = "study";
  details.resource_name = study.name;
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   fmt::format("{} has {} experiments, excluded ones included, and {} jobs that "
                               "have not ended; set force to delete them with it",
                               study.name,
                               study.experiment_count + study.excluded_experiment_count,
                               open_job_count),
                   std::move(details));
}

// Where the numbers of a new study start: after those of deleted studies of the
// same id, so that a name once given never means another record.
struct LastNumbers {
  int64_t row_number;
  int64_t fit_number;
  int64_t job_number;
  int64_t campaign_number;
};

LastNumbers LastNumbersOfId(Connection& connection, const std::string& study_id) {
  Query query(connection,
              "SELECT ifnull(max(last_row_number), 0), ifnull(max(last_fit_number), 0), "
              "ifnull(max(last_job_number), 0), ifnull(max(last_campaign_number), 0) FROM "
              "studies WHERE study_id = ?1 AND deleted = 1",
              study_id);
  query.Next();
  return {query.Int(0), query.Int(1), query.Int(2), query.Int(3)};
}

void InsertStudy(const WriteContext& context,
                 const std::string& study_id,
                 const v1::Study& definition,
                 const std::string& request_id) {
  const LastNumbers last = LastNumbersOfId(context.connection, study_id);
  const std::string bytes = definition.SerializeAsString();
  Query(context.connection,
        "INSERT INTO studies (study_id, definition, definition_hash, last_row_number, "
        "last_fit_number, last_job_number, last_campaign_number, create_time, update_time) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        study_id,
        Blob{bytes},
        Blob{HashMessage(definition)},
        last.row_number,
        last.fit_number,
        last.job_number,
        last.campaign_number,
        context.now_microseconds)
      .Run();
  AppendChange(context.connection,
               context.connection.database().getLastInsertRowid(),
               {.kind = "create_study",
                .definition = bytes,
                .request_id = request_id,
                .time = context.now_microseconds});
}

// So that none of a study that is gone is leased.
void CancelJobs(const WriteContext& context, int64_t study_key) {
  Query(context.connection,
        "UPDATE jobs SET state = ?2, reason = 'the study was deleted', end_time = ?3 "
        "WHERE study_key = ?1 AND state IN (1, 2, 3, 7)",
        study_key,
        v1::CANCELLED,
        context.now_microseconds)
      .Run();
}

absl::StatusOr<v1::Study> ReplaceDefinition(WriteContext& context,
                                            StudyHandle study,
                                            const Store::StudyUpdate& update) {
  ASSIGN_OR_RETURN(v1::Study current, GetStudy(context.connection, study.name));
  if (!update.expected_etag.empty() && update.expected_etag != current.etag()) {
    return EtagMismatch(current);
  }
  const v1::Study definition = Definition(update.study);
  const std::string hash = HashMessage(definition);
  if (Etag(hash) == current.etag()) return current;
  const std::string bytes = definition.SerializeAsString();
  if (update.advance_revision) ++study.revision;
  Query(context.connection,
        "UPDATE studies SET definition = ?2, definition_hash = ?3 WHERE study_key = ?1",
        study.key,
        Blob{bytes},
        Blob{hash})
      .Run();
  SaveStudyState(context, study);
  AppendChange(context.connection,
               study.key,
               {.kind = "update_study",
                .revision = study.revision,
                .definition = bytes,
                .description = update.change_description,
                .request_id = update.request.request_id,
                .time = context.now_microseconds});
  return GetStudy(context.connection, study.name);
}

}  // namespace

absl::StatusOr<StudyHandle> FindStudy(Connection& connection, const std::string& name) {
  const std::optional<std::string> study_id = ParseStudyName(name);
  if (!study_id.has_value()) return NotFound("study", name);
  Query query(connection,
              "SELECT study_key, revision, experiment_count, excluded_experiment_count, "
              "last_row_number, last_fit_number FROM studies WHERE study_id = ?1 AND deleted = 0",
              *study_id);
  if (!query.Next()) return NotFound("study", name);
  return StudyHandle{.key = query.Int(0),
                     .name = name,
                     .revision = query.Int(1),
                     .experiment_count = query.Int(2),
                     .excluded_experiment_count = query.Int(3),
                     .last_row_number = query.Int(4),
                     .last_fit_number = query.Int(5)};
}

void SaveStudyState(const WriteContext& context, const StudyHandle& study) {
  Query(context.connection,
        "UPDATE studies SET revision = ?2, experiment_count = ?3, excluded_experiment_count = ?4, "
        "last_row_number = ?5, last_fit_number = ?6, update_time = ?7 WHERE study_key = ?1",
        study.key,
        study.revision,
        study.experiment_count,
        study.excluded_experiment_count,
        study.last_row_number,
        study.last_fit_number,
        context.now_microseconds)
      .Run();
}

absl::StatusOr<v1::Study> CreateStudy(WriteContext& context,
                                      const std::string& study_id,
                                      const v1::Study& study,
                                      const RequestKey& request) {
  return Once<v1::Study>(context, kNoStudy, request, [&]() -> absl::StatusOr<v1::Study> {
    const std::string name = StudyName(study_id);
    if (FindStudy(context.connection, name).ok()) return StudyExists(study_id);
    InsertStudy(context, study_id, Definition(study), request.request_id);
    return GetStudy(context.connection, name);
  });
}

absl::StatusOr<v1::Study> GetStudy(Connection& connection, const std::string& name) {
  const std::optional<std::string> study_id = ParseStudyName(name);
  if (!study_id.has_value()) return NotFound("study", name);
  Query query(
      connection, BITBUDGET_SELECT_STUDIES "WHERE study_id = ?1 AND deleted = 0", *study_id);
  if (!query.Next()) return NotFound("study", name);
  return ReadStudy(query, connection.path());
}

absl::StatusOr<StudyPage> ListStudies(Connection& connection, const PageRequest& page) {
  const PageTokens tokens("ListStudies");
  ASSIGN_OR_RETURN(const std::string after, tokens.Parse(page.token));
  Query query(connection,
              BITBUDGET_SELECT_STUDIES
              "WHERE deleted = 0 AND study_id > ?1 ORDER BY study_id LIMIT ?2",
              after,
              int64_t{page.size} + 1);
  StudyPage result;
  while (query.Next()) {
    if (static_cast<int>(result.studies.size()) == page.size) {
      result.next_page_token = tokens.Make(*ParseStudyName(result.studies.back().name()));
      break;
    }
    ASSIGN_OR_RETURN(result.studies.emplace_back(), ReadStudy(query, connection.path()));
  }
  return result;
}

absl::StatusOr<v1::Study> UpdateStudy(WriteContext& context, const Store::StudyUpdate& update) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(context.connection, update.study.name()));
  return Once<v1::Study>(context, study.key, update.request, [&] {
    return ReplaceDefinition(context, study, update);
  });
}

absl::Status DeleteStudy(WriteContext& context,
                         const std::string& name,
                         bool force,
                         const RequestKey& request) {
  const auto effect = [&]() -> absl::StatusOr<DeleteRecord> {
    ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(context.connection, name));
    const int64_t open_job_count = CountOpenJobs(context.connection, study.key);
    const bool empty =
        study.experiment_count + study.excluded_experiment_count + open_job_count == 0;
    if (!empty && !force) return StudyNotEmpty(study, open_job_count);
    Query(context.connection,
          "UPDATE studies SET deleted = 1, update_time = ?2 WHERE study_key = ?1",
          study.key,
          context.now_microseconds)
        .Run();
    CancelJobs(context, study.key);
    AppendChange(context.connection,
                 study.key,
                 {.kind = "delete_study",
                  .revision = study.revision,
                  .request_id = request.request_id,
                  .time = context.now_microseconds});
    return DeleteRecord();
  };
  return Once<DeleteRecord>(context, kNoStudy, request, effect).status();
}

}  // namespace bitbudget::db
