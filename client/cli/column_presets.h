// The column maps that the program knows by name, in the format of docs/import.md.

#ifndef BITBUDGET_CLIENT_CLI_COLUMN_PRESETS_H_
#define BITBUDGET_CLIENT_CLI_COLUMN_PRESETS_H_

#include <optional>
#include <span>
#include <string_view>

namespace bitbudget::cli {

struct ColumnPreset {
  std::string_view name;
  std::string_view json;
};

std::span<const ColumnPreset> AllColumnPresets();

// Its JSON; nullopt if there is none of that name.
std::optional<std::string_view> FindColumnPreset(std::string_view name);

}  // namespace bitbudget::cli

#endif  // BITBUDGET_CLIENT_CLI_COLUMN_PRESETS_H_
