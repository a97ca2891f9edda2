#include "server/experiment_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/validate.h"
#include "util/error.h"
#include "util/status_macros.h"

namespace bitbudget::server {
namespace {

constexpr size_t kMostProblems = 100;

// How a person finds the row.
std::string Place(const v1::RejectedRow& row) {
  return row.line() > 0 ? fmt::format("line {}", row.line()) : fmt::format("row {}", row.index());
}

}  // namespace

absl::Status ExperimentImport::Add(v1::ImportExperimentsRequest message) {
  RETURN_IF_ERROR(ToStatus(Validate(message, !has_begun_)));
  if (!has_begun_) RETURN_IF_ERROR(Begin(message));
  if (row_count_ + message.experiments_size() > kMostRowsInImport) {
    return InvalidField(
        "experiments",
        fmt::format("more than {} rows in one import; send them as several", kMostRowsInImport));
  }
  for (v1::Experiment& row : *message.mutable_experiments()) AddRow(std::move(row));
  return absl::OkStatus();
}

absl::Status ExperimentImport::Begin(const v1::ImportExperimentsRequest& first) {
  ASSIGN_OR_RETURN(const v1::Study study, service_.parts_.store.GetStudy(first.parent()));
  convention_ = study.parameter_convention();
  first_ = first;
  first_.clear_experiments();
  has_begun_ = true;
  return absl::OkStatus();
}

void ExperimentImport::AddRow(v1::Experiment row) {
  const int64_t position = row_count_++;
  const FieldViolations violations = ValidateExperiment(row, convention_);
  if (violations.empty()) {
    Canonicalize(row);
    kept_positions_.push_back(position);
    kept_.push_back(std::move(row));
    if (!first_.request_id().empty()) hasher_.Add(kept_.back());
    return;
  }
  ++rejected_count_;
  if (!first_.request_id().empty()) hasher_.Add(row);
  for (const FieldViolation& violation : violations) {
    if (rejected_.size() == kMostProblems) return;
    v1::RejectedRow& rejected = rejected_.emplace_back();
    rejected.set_index(position);
    rejected.set_line(row.provenance().line());
    rejected.set_field(violation.field);
    rejected.set_description(violation.description);
  }
}

absl::StatusOr<v1::ImportExperimentsResponse> ExperimentImport::Finish() {
  if (!has_begun_) return InvalidField("parent", "is required: \"studies/{study}\"");
  if (rejected_count_ > 0 && !first_.skip_invalid()) return RejectedRows();
  ASSIGN_OR_RETURN(db::InsertResult stored,
                   service_.Insert({.study = first_.parent(),
                                    .experiments = std::move(kept_),
                                    .import_batch = first_.import_batch(),
                                    .skip_conflicts = first_.skip_invalid(),
                                    .validate_only = first_.validate_only(),
                                    .request = RequestKey()}));
  RestorePositions(stored.rejected);
  std::vector<v1::RejectedRow> rejected = rejected_;
  rejected.insert(rejected.end(), stored.rejected.begin(), stored.rejected.end());
  std::stable_sort(rejected.begin(), rejected.end(), [](const auto& a, const auto& b) {
    return a.index() < b.index();
  });
  rejected.resize(std::min(rejected.size(), kMostProblems));

  v1::ImportExperimentsResponse response;
  response.set_revision(stored.revision);
  response.set_created_count(stored.created_count);
  response.set_unchanged_count(stored.unchanged_count);
  response.set_rejected_count(rejected_count_ + stored.rejected_count);
  response.mutable_rejected_rows()->Add(rejected.begin(), rejected.end());
  return response;
}

absl::Status ExperimentImport::RejectedRows() const {
  ErrorDetails details{.reason = "ROWS_REJECTED",
                       .metadata = {{"rejected_count", std::to_string(rejected_count_)},
                                    {"row_count", std::to_string(row_count_)}}};
  for (const v1::RejectedRow& row : rejected_) {
    details.rejected_rows.push_back({row.index(), row.line(), row.field(), row.description()});
  }
  const v1::RejectedRow& first = rejected_.front();
  return MakeError(absl::StatusCode::kInvalidArgument,
                   fmt::format("{} of {} rows break a rule, so nothing was stored; first {}: {} {}",
                               rejected_count_,
                               row_count_,
                               Place(first),
                               first.field(),
                               first.description()),
                   std::move(details));
}

db::RequestKey ExperimentImport::RequestKey() {
  db::RequestKey key = MakeRequestKey("ImportExperiments", first_.parent(), first_);
  if (key.request_id.empty()) return key;
  // The key has the hash of the options so far; the rows belong to it too.
  key.request_hash += hasher_.Finish();
  return key;
}

void ExperimentImport::RestorePositions(std::vector<v1::RejectedRow>& rows) const {
  for (v1::RejectedRow& row : rows) row.set_index(kept_positions_.at(row.index()));
}

}  // namespace bitbudget::server
