#include "db/experiments.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "db/content_hash.h"
#include "db/experiment_filter.h"
#include "db/experiment_row.h"
#include "db/names.h"
#include "db/page_token.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::db {
namespace {

// How many rows an export reads between two looks at `cancelled`.
constexpr int64_t kRowsPerCancellationCheck = 256;

// The place of a row in a list: the value ordered by, then its number.
struct Position {
  Condition::Value value;
  int64_t row_number = 0;
};

// Sixteen bytes. A column holds either integers or reals, so that the order
// tells how to read the first eight.
std::string Encode(const Position& position) {
  const auto bits = std::holds_alternative<double>(position.value)
                        ? std::bit_cast<int64_t>(std::get<double>(position.value))
                        : std::get<int64_t>(position.value);
  const int64_t words[2] = {bits, position.row_number};
  std::string bytes(sizeof words, '\0');
  std::memcpy(bytes.data(), words, sizeof words);
  return bytes;
}

Position Decode(const std::string& bytes, bool real) {
  int64_t words[2] = {};
  std::memcpy(words, bytes.data(), sizeof words);
  if (real) return {std::bit_cast<double>(words[0]), words[1]};
  return {words[0], words[1]};
}

// One list of experiments: which rows, in which order.
class ExperimentList {
 public:
  ExperimentList(const StudyHandle& study, const v1::ListExperimentsRequest& query)
      : column_(OrderExpression(query.order_by())),
        real_(query.order_by() == v1::ListExperimentsRequest::LOSS ||
              query.order_by() == v1::ListExperimentsRequest::WEIGHT_BITS),
        descending_(query.descending()),
        tokens_(TokenQuery(study, query)) {
    condition_.Add("study_key = ?", {study.key});
    AddFilter(query.filter(), condition_);
  }

  const PageTokens& tokens() const { return tokens_; }

  // Starts after the row at `position`, a token's; from the first if empty.
  void StartAfter(const std::string& position) {
    if (position.empty()) return;
    const Position last = Decode(position, real_);
    const char* const beyond = descending_ ? "<" : ">";
    if (column_ == "row_number") {
      condition_.Add(fmt::format("row_number {} ?", beyond), {last.row_number});
    } else {
      condition_.Add(fmt::format("({0} {1} ? OR ({0} = ? AND row_number > ?))", column_, beyond),
                     {last.value, last.value, last.row_number});
    }
  }

  // Equal values are listed in the order of storing, whatever the direction.
  std::string Sql(int limit) const {
    return fmt::format(BITBUDGET_SELECT_EXPERIMENTS "WHERE {} ORDER BY {} {}{} LIMIT {}",
                       condition_.sql(),
                       column_,
                       descending_ ? "DESC" : "ASC",
                       column_ == "row_number" ? "" : ", row_number",
                       limit);
  }
  void Bind(SQLite::Statement& statement) const { condition_.Bind(statement); }

  std::string PositionOf(const v1::Experiment& experiment, int64_t row_number) const {
    if (column_ == "loss_nats") return Encode({experiment.loss_nats(), row_number});
    if (column_ == "weight_bits") return Encode({experiment.weight_bits(), row_number});
    if (column_ == "parameters") return Encode({experiment.parameters(), row_number});
    if (column_ == "row_number") return Encode({row_number, row_number});
    return Encode({experiment.fp_tokens() + experiment.qat_tokens(), row_number});
  }

 private:
  // By the study's key: another study may have its name later.
  static std::string TokenQuery(const StudyHandle& study, const v1::ListExperimentsRequest& query) {
    return fmt::format("ListExperiments {} {} {} {}",
                       study.key,
                       OrderExpression(query.order_by()),
                       query.descending(),
                       HashMessage(query.filter()));
  }

  const std::string column_;
  const bool real_;
  const bool descending_;
  const PageTokens tokens_;
  Condition condition_;
};

}  // namespace

absl::StatusOr<v1::Experiment> LoadExperiment(Connection& connection,
                                              const StudyHandle& study,
                                              int64_t row_number) {
  Query query(connection,
              BITBUDGET_SELECT_EXPERIMENTS "WHERE study_key = ?1 AND row_number = ?2",
              study.key,
              row_number);
  if (!query.Next()) return NotFound("experiment", ExperimentName(study.name, row_number));
  v1::Experiment experiment;
  RETURN_IF_ERROR(
      ReadExperiment(query.statement(), study.name, connection.path(), experiment).status());
  return experiment;
}

absl::StatusOr<v1::Experiment> GetExperiment(Connection& connection, const std::string& name) {
  const std::optional<ChildName> parts = ParseChildName(name, "experiments");
  const std::optional<int64_t> row_number = parts ? ParseNumber(parts->id) : std::nullopt;
  if (!row_number.has_value()) return NotFound("experiment", name);
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, parts->study));
  return LoadExperiment(connection, study, *row_number);
}

absl::StatusOr<ExperimentPage> ListExperiments(Connection& connection,
                                               const v1::ListExperimentsRequest& query,
                                               const PageRequest& page) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, query.parent()));
  ExperimentList list(study, query);
  ASSIGN_OR_RETURN(const std::string position, list.tokens().Parse(page.token));
  list.StartAfter(position);
  SQLite::Statement statement(connection.database(), list.Sql(page.size + 1));
  list.Bind(statement);
  ExperimentPage result{.revision = study.revision};
  int64_t row_number = 0;
  while (statement.executeStep()) {
    if (static_cast<int>(result.experiments.size()) == page.size) {
      result.next_page_token =
          list.tokens().Make(list.PositionOf(result.experiments.back(), row_number));
      break;
    }
    ASSIGN_OR_RETURN(
        row_number,
        ReadExperiment(
            statement, study.name, connection.path(), result.experiments.emplace_back()));
  }
  return result;
}

absl::StatusOr<int64_t> ExportExperiments(Connection& connection,
                                          const std::string& study_name,
                                          const v1::ExperimentFilter& filter,
                                          const ExperimentVisitor& visit,
                                          const std::function<bool()>& cancelled) {
  ASSIGN_OR_RETURN(const StudyHandle study, FindStudy(connection, study_name));
  Condition condition;
  condition.Add("study_key = ?", {study.key});
  AddFilter(filter, condition);
  SQLite::Statement statement(
      connection.database(),
      fmt::format(BITBUDGET_SELECT_EXPERIMENTS "WHERE {} ORDER BY row_number", condition.sql()));
  condition.Bind(statement);
  v1::Experiment experiment;
  for (int64_t count = 0; statement.executeStep(); ++count) {
    if (count % kRowsPerCancellationCheck == 0 && cancelled()) {
      return absl::CancelledError("the export was cancelled");
    }
    RETURN_IF_ERROR(ReadExperiment(statement, study.name, connection.path(), experiment).status());
    visit(experiment);
  }
  return study.revision;
}

}  // namespace bitbudget::db
