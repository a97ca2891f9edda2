#include "client/cli/mapping_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <vector>

#include "client/cli/field.h"
#include "client/cli/table.h"
#include "client/cli/text.h"
#include "google/protobuf/message.h"

namespace bitbudget::cli {
namespace {

constexpr size_t kShownRows = 5;
constexpr size_t kListedColumns = 20;

// "eval/loss (38 rows), val_loss (2 rows)"; without counts if it is one for all rows.
std::string OriginsText(const std::map<std::string, int64_t>& origins, size_t row_count) {
  std::vector<std::string> parts;
  for (const auto& [origin, count] : origins) {
    const bool all = static_cast<size_t>(count) == row_count;
    parts.push_back(all ? origin : fmt::format("{} ({})", origin, Counted(count, "row")));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

// Fields of experiments in the order of a file of ours, then what they derive from.
std::vector<std::string> FieldsInOrder() {
  std::vector<std::string> fields(ExperimentColumns().begin(), ExperimentColumns().end());
  fields.insert(fields.end(), std::begin(kDerivedFrom), std::end(kDerivedFrom));
  return fields;
}

}  // namespace

std::string MappingText(const RunMapper& mapper, const std::string& source) {
  const MappingUse& use = mapper.use();
  std::string text = fmt::format("{}, read by the column map {}:\n", source, mapper.map().name);
  Table table({"", ""});
  for (const std::string& field : FieldsInOrder()) {
    const auto found = use.sources.find(field);
    if (found == use.sources.end()) continue;
    table.AddRow({field, "<- " + OriginsText(found->second, mapper.file().rows.size())});
  }
  if (!table.empty()) text += table.Aligned("  ");
  for (const auto& [why, count] : use.left_out) {
    text += fmt::format("  left out: {}, {}\n", Counted(count, "row"), why);
  }
  if (!use.unread.empty()) {
    const std::span<const std::string> listed(use.unread.data(),
                                              std::min(use.unread.size(), kListedColumns));
    text += fmt::format("  not read: {}{}\n",
                        fmt::join(listed, ", "),
                        use.unread.size() > listed.size() ? ", ..." : "");
  }
  return text;
}

std::string FirstRowsText(const ParsedFile& file) {
  const std::span<const v1::Experiment> rows(file.rows.data(),
                                             std::min(file.rows.size(), kShownRows));
  std::vector<std::string> columns;
  for (const char* column : ExperimentColumns()) {
    const bool is_set = std::any_of(rows.begin(), rows.end(), [&](const v1::Experiment& row) {
      return row.GetReflection()->HasField(row, &FieldOf(row, column));
    });
    if (is_set) columns.emplace_back(column);
  }
  Table table(columns);
  for (const v1::Experiment& row : rows) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const std::string& column : columns) cells.push_back(FieldText(row, FieldOf(row, column)));
    table.AddRow(std::move(cells));
  }
  return table.empty() ? "" : table.Aligned("  ");
}

}  // namespace bitbudget::cli
