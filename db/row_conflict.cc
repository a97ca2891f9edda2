#include "db/row_conflict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace bitbudget::db {
namespace {

// The run whose key the row claims.
std::string Holder(const RowConflict& conflict) {
  if (!conflict.earlier_index) return conflict.existing_experiment;
  if (conflict.earlier_line > 0) return fmt::format("line {}", conflict.earlier_line);
  return fmt::format("experiments[{}]", *conflict.earlier_index);
}

// "has the natural key of studies/s/experiments/7 but another loss_nats".
std::string Describe(const RowConflict& conflict) {
  const std::string other = Holder(conflict);
  if (conflict.differing_fields.empty()) {
    return fmt::format("has the natural key of {}", other);
  }
  return fmt::format("has the natural key of {} but another {}",
                     other,
                     fmt::join(conflict.differing_fields, ", "));
}

}  // namespace

std::vector<std::string> DifferingFields(const v1::Experiment& a, const v1::Experiment& b) {
  std::vector<std::string> fields;
  const auto compare = [&](const char* field, bool equal) {
    if (!equal) fields.emplace_back(field);
  };
  compare("embedding_parameters", a.embedding_parameters() == b.embedding_parameters());
  compare("trunk", a.trunk() == b.trunk());
  compare("loss_nats", a.loss_nats() == b.loss_nats());
  compare("loss_stderr_nats",
          a.has_loss_stderr_nats() == b.has_loss_stderr_nats() &&
              a.loss_stderr_nats() == b.loss_stderr_nats());
  compare("note", a.note() == b.note());
  return fields;
}

absl::Status ConflictError(const std::string& first, const std::vector<RowConflict>& conflicts) {
  std::string message = fmt::format("{} {}", first, Describe(conflicts.front()));
  if (conflicts.size() > 1) message += fmt::format("; {} rows conflict in all", conflicts.size());
  message += "; exclude the wrong one first";
  ErrorDetails details;
  details.reason = "EXPERIMENT_CONFLICT";
  details.metadata["conflict_count"] = fmt::to_string(conflicts.size());
  const auto reported = std::min<size_t>(conflicts.size(), kMaxReportedRows);
  details.conflicts.assign(conflicts.begin(),
                           conflicts.begin() + static_cast<std::ptrdiff_t>(reported));
  return MakeError(absl::StatusCode::kAlreadyExists, message, std::move(details));
}

v1::RejectedRow RejectedBy(const RowConflict& conflict) {
  v1::RejectedRow rejected;
  rejected.set_index(conflict.index);
  rejected.set_line(conflict.line);
  // The field is known if there is only one.
  if (conflict.differing_fields.size() == 1) rejected.set_field(conflict.differing_fields.front());
  rejected.set_description(Describe(conflict));
  return rejected;
}

}  // namespace bitbudget::db
