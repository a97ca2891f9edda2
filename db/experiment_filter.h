// SQL for the filter and the order of a list of experiments.

#ifndef BITBUDGET_DB_EXPERIMENT_FILTER_H_
#define BITBUDGET_DB_EXPERIMENT_FILTER_H_

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bitbudget/v1/experiment.pb.h"

namespace bitbudget::db {

// A condition under construction, with the values of its parameters. Values
// never become part of the SQL.
class Condition {
 public:
  using Value = std::variant<int64_t, double, std::string>;

  // Adds `sql` with "and"; each "?" in it stands for the next of `values`.
  void Add(const std::string& sql, const std::vector<Value>& values = {});

  const std::string& sql() const { return sql_; }
  // Binds the values to ?1, ?2, ...
  void Bind(SQLite::Statement& statement) const;

 private:
  std::string sql_;
  std::vector<Value> values_;
};

// Adds what `filter` asks for.
void AddFilter(const v1::ExperimentFilter& filter, Condition& condition);

// The expression that a list is ordered by: "row_number", "loss_nats", ...
std::string OrderExpression(v1::ListExperimentsRequest::OrderBy order_by);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_EXPERIMENT_FILTER_H_
