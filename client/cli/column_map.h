// Which columns of another program's table are fields of experiments: the column map
// of docs/import.md, read from JSON. Pure but for LoadColumnMap.

#ifndef BITBUDGET_CLIENT_CLI_COLUMN_MAP_H_
#define BITBUDGET_CLIENT_CLI_COLUMN_MAP_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bitbudget::cli {

// What a loss is written in.
enum class LossScale { kNats, kBits, kPerplexity };

// Where the value of a field comes from.
struct ColumnSource {
  // Names of columns, exactly; the first that has a value counts. A table that has none
  // of them is refused, unless there is a fallback.
  std::vector<std::string> columns;

  // Names of columns without case and punctuation, tried after those; none need be there.
  std::vector<std::string> like;

  std::optional<std::string> constant;  // the value of every row; then no column is read
  std::optional<std::string> fallback;  // the value of rows whose columns have none

  std::map<std::string, std::string> words;  // what the text of a cell stands for

  // Of replicate: where its columns have no value, a number made of the text of the
  // first of these that has one (names as in `like`), for ever the same.
  std::vector<std::string> hash_of;

  double scale = 1;                   // numbers are multiplied by it
  LossScale unit = LossScale::kNats;  // of loss_nats and loss_stderr_nats
  bool rounded = false;               // to whole numbers
};

// Rows are taken if the column has one of the values, without regard to case.
struct RowCondition {
  std::string column;
  std::vector<std::string> values;
  bool optional = false;  // a table without the column passes
};

struct ColumnMap {
  std::string name;    // of the preset or the file, for reports
  std::string preset;  // that it is or extends; empty if none

  // By field of bitbudget.v1.Experiment (those of ExperimentColumns()), or by one of
  // kDerivedFrom.
  std::map<std::string, ColumnSource> fields;

  std::vector<RowCondition> where;
};

// What experiments do not have and their token counts can be derived from.
inline constexpr const char* kDerivedFrom[] = {"total_tokens", "qat_fraction", "compute_flops"};

// "wandb", "mlflow", "chinchilla".
std::vector<std::string> ColumnPresets();

// Reads a column map, named `name` in reports and errors. INVALID_ARGUMENT saying what
// is wrong where: no JSON, an unknown key, field or preset, a value of the wrong kind.
absl::StatusOr<ColumnMap> ParseColumnMap(std::string_view json, const std::string& name);

// The preset of that name, or else the map in the file of that name. NOT_FOUND if it is
// neither, naming the presets; otherwise as ParseColumnMap.
absl::StatusOr<ColumnMap> LoadColumnMap(const std::string& preset_or_file);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_COLUMN_MAP_H_
