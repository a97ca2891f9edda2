#include "client/cli/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "client/cli/quantity.h"

namespace bitbudget::cli {
namespace {

// Code points, which is what a terminal gives a column each of.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool IsNumber(const std::string& cell) { return ParseReal(cell, Unit::kShare).ok(); }

}  // namespace

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

void Table::AddRow(std::vector<std::string> cells) {
  assert(cells.size() == headings_.size());
  for (std::string& cell : cells) {
    std::replace_if(
        cell.begin(), cell.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  }
  rows_.push_back(std::move(cells));
}

std::string Table::Aligned(std::string_view indent) const {
  std::vector<size_t> widths;
  std::vector<bool> right;
  for (size_t column = 0; column < headings_.size(); ++column) {
    widths.push_back(Width(headings_[column]));
    bool any = false;
    bool all = true;
    for (const std::vector<std::string>& row : rows_) {
      widths[column] = std::max(widths[column], Width(row[column]));
      any |= !row[column].empty();
      all &= row[column].empty() || IsNumber(row[column]);
    }
    right.push_back(any && all);
  }
  std::string text;
  const auto add_line = [&](const std::vector<std::string>& cells) {
    std::string line(indent);
    for (size_t column = 0; column < cells.size(); ++column) {
      const std::string padding(widths[column] - Width(cells[column]), ' ');
      if (column > 0) line += "  ";
      line += right[column] ? padding + cells[column] : cells[column] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  const bool has_headings =
      std::any_of(headings_.begin(), headings_.end(), [](const std::string& heading) {
        return !heading.empty();
      });
  if (has_headings) add_line(headings_);
  for (const std::vector<std::string>& row : rows_) add_line(row);
  return text;
}

std::string Table::Markdown() const {
  const auto line = [](std::vector<std::string> cells) {
    for (std::string& cell : cells) {
      for (size_t at = 0; (at = cell.find('|', at)) != std::string::npos; at += 2) {
        cell.insert(at, 1, '\\');
      }
    }
    return fmt::format("| {} |\n", fmt::join(cells, " | "));
  };
  std::string text = line(headings_);
  for (size_t column = 0; column < headings_.size(); ++column) text += "|---";
  text += "|\n";
  for (const std::vector<std::string>& row : rows_) text += line(row);
  return text;
}

std::string Table::TabSeparated() const {
  std::string text = fmt::format("{}\n", fmt::join(headings_, "\t"));
  for (const std::vector<std::string>& row : rows_) {
    text += fmt::format("{}\n", fmt::join(row, "\t"));
  }
  return text;
}

}  // namespace bitbudget::cli
