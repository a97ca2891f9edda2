#include "db/fits.h"

#include <fmt/format.h>

#include <limits>
#include <optional>

#include "db/content_hash.h"
#include "db/names.h"
#include "db/page_token.h"
#include "db/records.pb.h"
#include "db/requests.h"
#include "db/sqlite_error.h"
#include "db/studies.h"
#include "util/error.h"
#include "util/sha256.h"
#include "util/status_macros.h"

#define BITBUDGET_SELECT_FITS \
  "SELECT fit_number, content, content_hash, create_time, revision, standard_options FROM fits "

namespace bitbudget::db {
namespace {

std::string FitName(const std::string& study_name, int64_t fit_number) {
  return fmt::format("{}/fits/{}", study_name, fit_number);
}

// What is hashed and kept: all that the store does not set itself.
v1::Fit Content(const v1::Fit& fit) {
  v1::Fit content = fit;
  content.clear_name();
  content.clear_content_hash();
  content.clear_create_time();
  return content;
}

absl::StatusOr<v1::Fit> ReadFit(const Query& row,
                                const std::string& study_name,
                                const std::string& path) {
  const std::string name = FitName(study_name, row.Int(0));
  const std::string hash = row.Bytes(2);
  v1::Fit fit;
  if (!fit.ParseFromString(row.Bytes(1)) || HashMessage(fit) != hash ||
      fit.revision() != row.Int(4) || fit.standard_options() != (row.Int(5) != 0)) {
    return DatabaseDamaged(path, fmt::format("{} does not match its content hash", name));
  }
  fit.set_name(name);
  fit.set_content_hash(ToHex(hash));
  SetTimestamp(row.Int(3), fit.mutable_create_time());
  return fit;
}

absl::StatusOr<v1::Fit> LoadFit(Connection& connection,
                                const StudyHandle& study,
                                int64_t fit_number) {
  Query query(connection,
              BITBUDGET_SELECT_FITS "WHERE study_key = ?1 AND fit_number = ?2",
              study.key,
              fit_number);
  if (!query.Next()) return NotFound("fit", FitName(study.name, fit_number));
  return ReadFit(query, study.name, connection.path());
}

absl::StatusOr<v1::Fit> LoadLatestFit(Connection& connection, const StudyHandle& study) {
  Query query(connection,
              BITBUDGET_SELECT_FITS
              "WHERE study_key = ?1 AND standard_options = 1 "
              "ORDER BY revision DESC, fit_number DESC LIMIT 1",
              study.key);
  if (!query.Next()) return NotFound("fit", study.name + "/fits/latest");
  return ReadFit(query, study.name, connection.path());
}

FitRecord AppendFit(const WriteContext& context, StudyHandle study, const v1::Fit& fit) {
  ++study.last_fit_number;
  const v1::Fit content = Content(fit);
  Query(context.connection,
        "INSERT INTO fits (study_key, fit_number, revision, standard_options, content, "
        "content_hash, create_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        study.key,
        study.last_fit_number,
        content.revision(),
        content.standard_options(),
        Blob{content.SerializeAsString()},
        Blob{HashMessage(content)},
        context.now_microseconds)
      .Run();
  // Not SaveStudyState: a fit is no change of the study's fields or data, whose
  // time update_time is.
  Query(context.connection,
        "UPDATE studies SET last_fit_number = ?2 WHERE study_key = ?1",
        study.key,
        study.last_fit_number)
      .Run();
  FitRecord record;
  record.set_fit_number(study.last_fit_number);
  return record;
}

}  // namespace

absl::StatusOr<v1::Fit> InsertFit(WriteContext& context,
                                  const std::string& study_name,
                                  const v1::Fit& fit,
                                  const RequestKey& request) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(context.connection, study_name));
  ASSIGN_OR_RETURN(const FitRecord record,
                   Once<FitRecord>(context, study.key, request, [&]() -> absl::StatusOr<FitRecord> {
                     return AppendFit(context, study, fit);
                   }));
  return LoadFit(context.connection, study, record.fit_number());
}

absl::StatusOr<v1::Fit> GetFit(Connection& connection, const std::string& name) {
  const std::optional<ChildName> parts = ParseChildName(name, "fits");
  if (!parts.has_value()) return NotFound("fit", name);
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, parts->study));
  if (parts->id == "latest") return LoadLatestFit(connection, study);
  const std::optional<int64_t> fit_number = ParseNumber(parts->id);
  if (!fit_number.has_value()) return NotFound("fit", name);
  return LoadFit(connection, study, *fit_number);
}

absl::StatusOr<FitPage> ListFits(Connection& connection,
                                 const std::string& study_name,
                                 const PageRequest& page) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, study_name));
  const PageTokens tokens(fmt::format("ListFits {}", study.key));
  ASSIGN_OR_RETURN(const std::string position, tokens.Parse(page.token));
  const int64_t before = ParseNumber(position).value_or(std::numeric_limits<int64_t>::max());
  Query query(connection,
              BITBUDGET_SELECT_FITS
              "WHERE study_key = ?1 AND fit_number < ?2 ORDER BY fit_number DESC LIMIT ?3",
              study.key,
              before,
              int64_t{page.size} + 1);
  FitPage result;
  int64_t last_number = 0;
  while (query.Next()) {
    if (static_cast<int>(result.fits.size()) == page.size) {
      result.next_page_token = tokens.Make(fmt::to_string(last_number));
      break;
    }
    last_number = query.Int(0);
    ASSIGN_OR_RETURN(v1::Fit fit, ReadFit(query, study.name, connection.path()));
    fit.clear_inputs();
    result.fits.push_back(std::move(fit));
  }
  return result;
}

}  // namespace bitbudget::db
