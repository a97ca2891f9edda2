// Tables of text. Pure.

#ifndef BITBUDGET_CLIENT_CLI_TABLE_H_
#define BITBUDGET_CLIENT_CLI_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace bitbudget::cli {

class Table {
 public:
  // A heading for each column; all may be empty for a table without headings.
  explicit Table(std::vector<std::string> headings);

  // As many cells as there are headings. Tabs and line ends in a cell become
  // spaces.
  void AddRow(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }

  // For eyes: columns aligned, those whose cells are all numbers or empty to the
  // right; `indent` before each line.
  std::string Aligned(std::string_view indent = "") const;

  // For documents: a Markdown table.
  std::string Markdown() const;

  // For programs: cells divided by tabs.
  std::string TabSeparated() const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_TABLE_H_
