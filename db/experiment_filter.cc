#include "db/experiment_filter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <type_traits>

namespace bitbudget::db {
namespace {

template <typename Values>
void AddOneOf(const std::string& column, const Values& values, Condition& condition) {
  if (values.empty()) return;
  const std::vector<std::string> marks(static_cast<size_t>(values.size()), "?");
  condition.Add(fmt::format("{} IN ({})", column, fmt::join(marks, ", ")),
                {values.begin(), values.end()});
}

}  // namespace

void Condition::Add(const std::string& sql, const std::vector<Value>& values) {
  sql_ += (sql_.empty() ? "" : " AND ") + sql;
  values_.insert(values_.end(), values.begin(), values.end());
}

void Condition::Bind(SQLite::Statement& statement) const {
  int index = 0;
  for (const Value& value : values_) {
    ++index;
    std::visit([&](const auto& content) { statement.bind(index, content); }, value);
  }
}

void AddFilter(const v1::ExperimentFilter& filter, Condition& condition) {
  std::vector<int64_t> roles(filter.roles().begin(), filter.roles().end());
  AddOneOf("role", roles, condition);
  AddOneOf("weight_bits", filter.weight_bits(), condition);
  AddOneOf("parameters", filter.parameters(), condition);
  if (filter.has_schedule()) condition.Add("schedule = ?", {filter.schedule()});
  if (filter.has_recipe()) condition.Add("recipe = ?", {filter.recipe()});
  if (filter.has_optimizer()) condition.Add("optimizer = ?", {filter.optimizer()});
  if (filter.has_trunk()) condition.Add("trunk = ?", {filter.trunk()});
  if (filter.has_import_batch()) {
    // Said twice so that SQLite sees that the partial index on batches will do.
    const bool labelled = !filter.import_batch().empty();
    condition.Add(labelled ? "import_batch <> '' AND import_batch = ?" : "import_batch = ?",
                  {filter.import_batch()});
  }
  if (filter.exclusion() == v1::ExperimentFilter::INCLUDED) condition.Add("excluded = 0");
  if (filter.exclusion() == v1::ExperimentFilter::EXCLUDED) condition.Add("excluded = 1");
  if (filter.has_min_total_tokens()) {
    condition.Add("fp_tokens + qat_tokens >= ?", {filter.min_total_tokens()});
  }
  if (filter.has_max_total_tokens()) {
    condition.Add("fp_tokens + qat_tokens <= ?", {filter.max_total_tokens()});
  }
}

std::string OrderExpression(v1::ListExperimentsRequest::OrderBy order_by) {
  switch (order_by) {
    case v1::ListExperimentsRequest::LOSS:
      return "loss_nats";
    case v1::ListExperimentsRequest::PARAMETERS:
      return "parameters";
    case v1::ListExperimentsRequest::TOTAL_TOKENS:
      return "fp_tokens + qat_tokens";
    case v1::ListExperimentsRequest::WEIGHT_BITS:
      return "weight_bits";
    default:
      return "row_number";
  }
}

}  // namespace bitbudget::db
