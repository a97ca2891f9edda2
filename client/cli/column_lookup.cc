#include "client/cli/column_lookup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <span>
#include <string_view>

#include "client/cli/suggest.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

constexpr size_t kListedColumns = 30;

// Letters and digits alone, in lower case.
std::string Normalized(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter) != 0) letters.push_back(static_cast<char>(std::tolower(letter)));
  }
  return letters;
}

bool SameWord(std::string_view a, std::string_view b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(), [](unsigned char one, unsigned char other) {
        return std::tolower(one) == std::tolower(other);
      });
}

// A cell without a value, as Python and JSON write it too.
bool IsNothing(std::string_view text) {
  return text.empty() || text == "None" || text == "null" || text == "N/A";
}

std::string_view CellOf(const TableRow& row, size_t column) {
  return column < row.cells.size() ? std::string_view(row.cells[column]) : std::string_view();
}

void AddNamed(const std::string& name,
              const std::vector<std::string>& columns,
              std::vector<size_t>& found) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == name) found.push_back(i);
  }
}

// Those whose names differ from `name` in case and punctuation at most.
void AddAlike(const std::string& name,
              const std::vector<std::string>& normalized_columns,
              std::vector<size_t>& found) {
  for (size_t i = 0; i < normalized_columns.size(); ++i) {
    if (normalized_columns[i] == Normalized(name)) found.push_back(i);
  }
}

// A number of 31 bits that is the same for the same text on every machine (FNV-1a).
int32_t HashOf(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<int32_t>((hash ^ (hash >> 32)) & 0x7FFFFFFF);
}

}  // namespace

void ColumnLookup::SetColumns(const std::vector<std::string>& columns) {
  if (columns == columns_) return;
  columns_ = columns;
  resolved_.clear();
  std::vector<std::string> normalized;
  normalized.reserve(columns.size());
  for (const std::string& column : columns) normalized.push_back(Normalized(column));
  for (const auto& [field, source] : map_.fields) {
    Resolved& resolved = resolved_[field];
    for (const std::string& name : source.columns) AddNamed(name, columns, resolved.columns);
    for (const std::string& name : source.like) AddAlike(name, normalized, resolved.columns);
    for (const std::string& name : source.hash_of) AddAlike(name, normalized, resolved.hash_of);
  }
}

std::optional<ColumnLookup::Found> ColumnLookup::Find(const std::string& field,
                                                      const TableRow& row) const {
  const ColumnSource& source = map_.fields.at(field);
  if (source.constant) return Found{*source.constant, *source.constant, false};
  const Resolved& resolved = resolved_.at(field);
  for (const size_t column : resolved.columns) {
    const std::string_view cell = CellOf(row, column);
    if (!IsNothing(cell)) return Found{std::string(cell), columns_[column]};
  }
  for (const size_t column : resolved.hash_of) {
    const std::string_view cell = CellOf(row, column);
    if (!IsNothing(cell)) {
      return Found{fmt::to_string(HashOf(cell)), "hash of " + columns_[column], false};
    }
  }
  if (!source.fallback) return std::nullopt;
  return Found{*source.fallback, *source.fallback + " (default)", false};
}

std::optional<std::string> ColumnLookup::LeftOutBecause(const TableRow& row) const {
  for (const RowCondition& condition : map_.where) {
    const auto column = std::find(columns_.begin(), columns_.end(), condition.column);
    if (column == columns_.end() && condition.optional) continue;
    const std::string_view cell = CellOf(row, static_cast<size_t>(column - columns_.begin()));
    const bool taken = std::any_of(condition.values.begin(),
                                   condition.values.end(),
                                   [&](const std::string& value) { return SameWord(value, cell); });
    if (!taken) return fmt::format("{} is {}", condition.column, cell.empty() ? "empty" : cell);
  }
  return std::nullopt;
}

std::vector<std::string> ColumnLookup::ColumnsOf(const std::string& field) const {
  std::vector<std::string> names;
  const auto resolved = resolved_.find(field);
  if (resolved == resolved_.end()) return names;
  for (const size_t column : resolved->second.columns) names.push_back(columns_[column]);
  return names;
}

absl::Status ColumnLookup::Check() const {
  RETURN_IF_ERROR(CheckNamed());
  return CheckNeeded();
}

// Those that a user has named must be there, once; those that presets guess need not.
absl::Status ColumnLookup::CheckNamed() const {
  for (const auto& [field, source] : map_.fields) {
    std::vector<size_t> found;
    for (const std::string& name : source.columns) AddNamed(name, columns_, found);
    if (!source.columns.empty() && found.empty() && !source.fallback) {
      return absl::InvalidArgumentError(fmt::format("{}: there is no column '{}'{} ({})",
                                                    field,
                                                    fmt::join(source.columns, "', '"),
                                                    DidYouMean(source.columns[0], columns_),
                                                    Listing()));
    }
    for (const size_t column : found) {
      if (std::count(columns_.begin(), columns_.end(), columns_[column]) == 1) continue;
      return absl::InvalidArgumentError(
          fmt::format("{}: column '{}' stands there twice", field, columns_[column]));
    }
  }
  for (const RowCondition& condition : map_.where) {
    if (condition.optional || std::count(columns_.begin(), columns_.end(), condition.column) > 0) {
      continue;
    }
    return absl::InvalidArgumentError(fmt::format("where: there is no column '{}'{} ({})",
                                                  condition.column,
                                                  DidYouMean(condition.column, columns_),
                                                  Listing()));
  }
  return absl::OkStatus();
}

absl::Status ColumnLookup::CheckNeeded() const {
  const bool has_flops = HasSource("compute_flops");
  const bool has_total = HasSource("total_tokens");
  const bool has_size = HasSource("parameters");
  std::string missing;
  if (!HasSource("loss_nats")) missing = "loss_nats";
  if (!HasSource("weight_bits")) missing = "weight_bits";
  if (!HasSource("fp_tokens") && !has_total && !(has_flops && has_size)) missing = "total_tokens";
  if (!has_size && !(has_flops && has_total)) missing = "parameters";
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("no column is known to tell {} ({}); name it in a column map: "
                  "{{\"extends\": \"{}\", \"fields\": {{\"{}\": \"COLUMN\"}}}}",
                  missing,
                  Listing(),
                  map_.preset.empty() ? "wandb" : map_.preset,
                  missing));
}

bool ColumnLookup::HasSource(const std::string& field) const {
  const auto source = map_.fields.find(field);
  if (source == map_.fields.end()) return false;
  return source->second.constant || source->second.fallback || !ColumnsOf(field).empty();
}

std::string ColumnLookup::Listing() const {
  const std::span<const std::string> listed(columns_.data(),
                                            std::min(columns_.size(), kListedColumns));
  return fmt::format(
      "columns: {}{}", fmt::join(listed, ", "), columns_.size() > listed.size() ? ", ..." : "");
}

std::vector<std::string> ColumnLookup::UnreadColumns() const {
  std::vector<bool> is_read(columns_.size());
  for (const auto& [field, resolved] : resolved_) {
    for (const size_t column : resolved.columns) is_read[column] = true;
    for (const size_t column : resolved.hash_of) is_read[column] = true;
  }
  std::vector<std::string> unread;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const bool is_condition =
        std::any_of(map_.where.begin(), map_.where.end(), [&](const RowCondition& condition) {
          return condition.column == columns_[i];
        });
    if (!is_read[i] && !is_condition) unread.push_back(columns_[i]);
  }
  return unread;
}

}  // namespace bitbudget::cli
