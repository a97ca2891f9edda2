#include "client/cli/run_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "client/cli/csv_reader.h"
#include "util/status_macros.h"
#include "util/utf8.h"

namespace bitbudget::cli {
namespace {

using Json = nlohmann::json;

// The text of a value as a cell would have it; nested ones and null have none.
std::string CellText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() || value.is_boolean() ? value.dump() : "";
}

// Makes table rows of MLflow's runs.
class MlflowTable {
 public:
  explicit MlflowTable(const RowHandler& handler) : handler_(handler) {}

  void AddRun(const Json& run) {
    TableRow row;
    ++run_count_;
    row.place = fmt::format("run number {}", run_count_);
    if (!run.is_object() || !run.contains("info") || !run["info"].is_object()) {
      row.problem = "is no run of MLflow: it has no \"info\"";
      return handler_(table_.columns, std::move(row));
    }
    for (const auto& [key, value] : run["info"].items()) Set(key, CellText(value), row);
    if (const auto id = run["info"].find("run_id"); id != run["info"].end()) {
      row.place = fmt::format("run {}", CellText(*id));
    }
    if (const auto data = run.find("data"); data != run.end() && data->is_object()) {
      for (const char* kind : {"params", "metrics", "tags"}) AddList(*data, kind, row);
    }
    handler_(table_.columns, std::move(row));
  }

  RunTable& table() { return table_; }

 private:
  // A list of {"key": ..., "value": ...}.
  void AddList(const Json& data, const std::string& kind, TableRow& row) {
    const auto list = data.find(kind);
    if (list == data.end() || !list->is_array()) return;
    for (const Json& entry : *list) {
      if (!entry.is_object() || !entry.contains("key") || !entry.contains("value")) continue;
      Set(kind + "." + CellText(entry["key"]), CellText(entry["value"]), row);
    }
  }

  void Set(const std::string& column, std::string text, TableRow& row) {
    const auto [at, is_new] = index_.emplace(column, table_.columns.size());
    if (is_new) table_.columns.push_back(column);
    if (row.cells.size() <= at->second) row.cells.resize(at->second + 1);
    row.cells[at->second] = std::move(text);
  }

  const RowHandler& handler_;
  RunTable table_;
  std::unordered_map<std::string, size_t> index_;
  int64_t run_count_ = 0;
};

// Hands over each run as soon as it is parsed, and drops it, so that one is in memory at
// a time.
class RunFilter {
 public:
  explicit RunFilter(MlflowTable& table) : table_(table) {}

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (depth == 0 && event == Json::parse_event_t::array_start) run_depth_ = 1;
    if (depth == 1 && event == Json::parse_event_t::key) key_ = parsed.get<std::string>();
    if (depth == 1 && event == Json::parse_event_t::array_start && key_ == "runs") run_depth_ = 2;
    if (depth == 1 && event == Json::parse_event_t::array_end) run_depth_.reset();
    if (depth == 1 && event == Json::parse_event_t::value && key_ == "next_page_token") {
      table_.table().next_page_token = CellText(parsed);
    }
    if (event != Json::parse_event_t::object_end || depth != run_depth_) return true;
    table_.AddRun(parsed);
    return false;
  }

 private:
  MlflowTable& table_;
  std::string key_;
  std::optional<int> run_depth_;
};

}  // namespace

bool LooksLikeJson(std::istream& input) {
  const int next = input.peek();
  if (next == std::char_traits<char>::eof()) input.clear();
  return next == '{' || next == '[';
}

absl::StatusOr<RunTable> ReadCsvTable(std::istream& input, const RowHandler& handler) {
  CsvReader reader(input);
  ASSIGN_OR_RETURN(std::optional<CsvRow> header, reader.Next());
  if (!header) {
    return absl::InvalidArgumentError("line 1: the file is empty; it needs a header row");
  }
  RunTable table{.columns = std::move(header->cells)};
  while (true) {
    ASSIGN_OR_RETURN(std::optional<CsvRow> row, reader.Next());
    if (!row) return table;
    const size_t cell_count = row->cells.size();
    TableRow next{.place = fmt::format("line {}", row->line),
                  .line = row->line,
                  .cells = std::move(row->cells)};
    if (cell_count != table.columns.size()) {
      next.problem = fmt::format(
          "has {} cells where the header has {} columns", cell_count, table.columns.size());
    }
    handler(table.columns, std::move(next));
  }
}

absl::StatusOr<RunTable> ReadMlflowRuns(std::istream& input, const RowHandler& handler) {
  MlflowTable table(handler);
  try {
    const Json rest = Json::parse(input, RunFilter(table));
    // MLflow leaves the list out where it is empty.
    if (rest.is_object() && !rest.empty() && !rest.contains("runs") &&
        !rest.contains("next_page_token")) {
      return absl::InvalidArgumentError(
          "no runs of MLflow: it should be {\"runs\": [{\"info\": ..., \"data\": ...}]}");
    }
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(fmt::format("no JSON: {}", ToUtf8(error.what())));
  }
  return std::move(table.table());
}

}  // namespace bitbudget::cli
