#include "db/law_comparisons.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <utility>

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

#define BITBUDGET_SELECT_COMPARISONS \
  "SELECT comparison_number, content, content_hash, create_time FROM law_comparisons "

namespace bitbudget::db {
namespace {

constexpr char kCollection[] = "comparisons";

std::string ComparisonName(const std::string& study_name, int64_t number) {
  return fmt::format("{}/{}/{}", study_name, kCollection, number);
}

// What is hashed and kept: all that the store does not set itself.
v1::LawComparison Content(const v1::LawComparison& comparison) {
  v1::LawComparison content = comparison;
  content.clear_name();
  content.clear_content_hash();
  content.clear_create_time();
  return content;
}

absl::StatusOr<v1::LawComparison> ReadComparison(const Query& row,
                                                 const std::string& study_name,
                                                 const std::string& path) {
  const std::string name = ComparisonName(study_name, row.Int(0));
  const std::string hash = row.Bytes(2);
  v1::LawComparison comparison;
  if (!comparison.ParseFromString(row.Bytes(1)) || HashMessage(comparison) != hash) {
    return DatabaseDamaged(path, fmt::format("{} does not match its content hash", name));
  }
  comparison.set_name(name);
  comparison.set_content_hash(ToHex(hash));
  SetTimestamp(row.Int(3), comparison.mutable_create_time());
  return comparison;
}

// The newest of a study, before the number `before`.
constexpr char kSelectNewest[] = BITBUDGET_SELECT_COMPARISONS
    "WHERE study_key = ?1 AND comparison_number < ?2 ORDER BY comparison_number DESC LIMIT ?3";
constexpr int64_t kNoNumber = std::numeric_limits<int64_t>::max();

absl::StatusOr<v1::LawComparison> LoadComparison(Connection& connection,
                                                 const StudyHandle& study,
                                                 int64_t number) {
  Query query(connection,
              BITBUDGET_SELECT_COMPARISONS "WHERE study_key = ?1 AND comparison_number = ?2",
              study.key,
              number);
  if (!query.Next()) return NotFound("comparison", ComparisonName(study.name, number));
  return ReadComparison(query, study.name, connection.path());
}

LawComparisonRecord AppendComparison(const WriteContext& context,
                                     const StudyHandle& study,
                                     const v1::LawComparison& comparison) {
  LawComparisonRecord record;
  Query last(context.connection,
             "SELECT ifnull(max(comparison_number), 0) FROM law_comparisons WHERE study_key = ?1",
             study.key);
  last.Next();
  record.set_comparison_number(last.Int(0) + 1);
  const v1::LawComparison content = Content(comparison);
  Query(context.connection,
        "INSERT INTO law_comparisons (study_key, comparison_number, content, content_hash, "
        "create_time) VALUES (?1, ?2, ?3, ?4, ?5)",
        study.key,
        record.comparison_number(),
        Blob{content.SerializeAsString()},
        Blob{HashMessage(content)},
        context.now_microseconds)
      .Run();
  return record;
}

}  // namespace

absl::StatusOr<v1::LawComparison> InsertLawComparison(WriteContext& context,
                                                      const std::string& study_name,
                                                      const v1::LawComparison& comparison,
                                                      const RequestKey& request) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(context.connection, study_name));
  ASSIGN_OR_RETURN(const LawComparisonRecord record,
                   Once<LawComparisonRecord>(
                       context, study.key, request, [&]() -> absl::StatusOr<LawComparisonRecord> {
                         return AppendComparison(context, study, comparison);
                       }));
  return LoadComparison(context.connection, study, record.comparison_number());
}

absl::StatusOr<v1::LawComparison> GetLawComparison(Connection& connection,
                                                   const std::string& name) {
  const std::optional<ChildName> parts = ParseChildName(name, kCollection);
  if (!parts.has_value()) return NotFound("comparison", name);
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, parts->study));
  if (parts->id == "latest") {
    Query newest(connection, kSelectNewest, study.key, kNoNumber, int64_t{1});
    if (!newest.Next()) return NotFound("comparison", name);
    return ReadComparison(newest, study.name, connection.path());
  }
  const std::optional<int64_t> number = ParseNumber(parts->id);
  if (!number.has_value()) return NotFound("comparison", name);
  return LoadComparison(connection, study, *number);
}

absl::StatusOr<LawComparisonPage> ListLawComparisons(Connection& connection,
                                                     const std::string& study_name,
                                                     const PageRequest& page) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, study_name));
  const PageTokens tokens(fmt::format("ListLawComparisons {}", study.key));
  ASSIGN_OR_RETURN(const std::string position, tokens.Parse(page.token));
  Query query(connection,
              kSelectNewest,
              study.key,
              ParseNumber(position).value_or(kNoNumber),
              int64_t{page.size} + 1);
  LawComparisonPage result;
  int64_t last_number = 0;
  while (query.Next()) {
    if (static_cast<int>(result.comparisons.size()) == page.size) {
      result.next_page_token = tokens.Make(fmt::to_string(last_number));
      break;
    }
    last_number = query.Int(0);
    ASSIGN_OR_RETURN(v1::LawComparison comparison,
                     ReadComparison(query, study.name, connection.path()));
    result.comparisons.push_back(std::move(comparison));
  }
  return result;
}

}  // namespace bitbudget::db
