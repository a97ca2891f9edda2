#include "client/cli/column_map.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "client/cli/column_presets.h"
#include "client/cli/experiment_file.h"
#include "client/cli/suggest.h"
#include "util/status_macros.h"
#include "util/utf8.h"

namespace bitbudget::cli {
namespace {

using Json = nlohmann::ordered_json;

absl::Status Wrong(std::string_view path, std::string_view problem) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", path, problem));
}

std::vector<std::string> FieldNames() {
  std::vector<std::string> names(ExperimentColumns().begin(), ExperimentColumns().end());
  names.insert(names.end(), std::begin(kDerivedFrom), std::end(kDerivedFrom));
  return names;
}

absl::Status Unknown(std::string_view path,
                     std::string_view kind,
                     const std::string& name,
                     const std::vector<std::string>& known) {
  return Wrong(path,
               fmt::format("unknown {} '{}'{} ({})",
                           kind,
                           ToUtf8(name),
                           DidYouMean(name, known),
                           fmt::join(known, ", ")));
}

absl::Status ReadBool(const Json& json, const std::string& path, bool& value) {
  if (!json.is_boolean()) return Wrong(path, "must be true or false");
  value = json.get<bool>();
  return absl::OkStatus();
}

// A text or a number, as a cell would have it.
absl::StatusOr<std::string> ReadValue(const Json& json, const std::string& path) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number()) return json.dump();
  return Wrong(path, "must be a text or a number");
}

// One value or a list of them.
absl::Status ReadValues(const Json& json, const std::string& path, std::vector<std::string>& list) {
  const Json values = json.is_array() ? json : Json::array({json});
  if (values.empty()) return Wrong(path, "must not be empty");
  for (const Json& value : values) {
    ASSIGN_OR_RETURN(std::string text, ReadValue(value, path));
    list.push_back(std::move(text));
  }
  return absl::OkStatus();
}

absl::Status ReadUnit(const Json& json, const std::string& path, LossScale& unit) {
  static const std::map<std::string, LossScale> kUnits = {{"bits", LossScale::kBits},
                                                          {"nats", LossScale::kNats},
                                                          {"perplexity", LossScale::kPerplexity}};
  const auto found = kUnits.find(json.is_string() ? json.get<std::string>() : "");
  if (found == kUnits.end()) return Wrong(path, "must be \"nats\", \"bits\" or \"perplexity\"");
  unit = found->second;
  return absl::OkStatus();
}

absl::Status ReadWords(const Json& json, const std::string& path, ColumnSource& source) {
  if (!json.is_object()) return Wrong(path, "must be an object: text of a cell, what it means");
  for (const auto& [word, meaning] : json.items()) {
    ASSIGN_OR_RETURN(source.words[word], ReadValue(meaning, fmt::format("{}.{}", path, word)));
  }
  return absl::OkStatus();
}

absl::Status ReadScale(const Json& json, const std::string& path, double& scale) {
  if (!json.is_number() || json.get<double>() <= 0) return Wrong(path, "must be a number above 0");
  scale = json.get<double>();
  return absl::OkStatus();
}

absl::Status ReadKey(const std::string& key,
                     const Json& value,
                     const std::string& path,
                     ColumnSource& source) {
  if (key == "column") return ReadValues(value, path, source.columns);
  if (key == "like") return ReadValues(value, path, source.like);
  if (key == "hash_of") return ReadValues(value, path, source.hash_of);
  if (key == "words") return ReadWords(value, path, source);
  if (key == "scale") return ReadScale(value, path, source.scale);
  if (key == "unit") return ReadUnit(value, path, source.unit);
  if (key == "rounded") return ReadBool(value, path, source.rounded);
  ASSIGN_OR_RETURN(std::string text, ReadValue(value, path));
  (key == "value" ? source.constant : source.fallback) = std::move(text);
  return absl::OkStatus();
}

// The source of a field: an object, or the name of a column alone.
absl::StatusOr<ColumnSource> ReadSource(const Json& json,
                                        const std::string& field,
                                        const std::string& path) {
  static const std::vector<std::string> kKeys = {
      "column", "like", "value", "default", "words", "scale", "unit", "rounded", "hash_of"};
  ColumnSource source;
  if (json.is_string()) {
    source.columns.push_back(json.get<std::string>());
    return source;
  }
  if (!json.is_object()) {
    return Wrong(path, "must be the name of a column, or an object such as {\"column\": \"...\"}");
  }
  for (const auto& [key, value] : json.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      return Unknown(path, "key", key, kKeys);
    }
    RETURN_IF_ERROR(ReadKey(key, value, fmt::format("{}.{}", path, key), source));
  }
  const bool reads_column =
      !source.columns.empty() || !source.like.empty() || !source.hash_of.empty();
  if (reads_column == source.constant.has_value()) {
    return Wrong(path, "needs either a column or a value");
  }
  if (source.unit != LossScale::kNats && field.compare(0, 4, "loss") != 0) {
    return Wrong(path + ".unit", "is for losses");
  }
  if (source.unit == LossScale::kPerplexity && field == "loss_stderr_nats") {
    return Wrong(path + ".unit", "a standard error has no perplexity");
  }
  if (!source.hash_of.empty() && field != "replicate") {
    return Wrong(path + ".hash_of", "is for replicate");
  }
  return source;
}

absl::Status ReadFields(const Json& json, const std::string& path, ColumnMap& map) {
  if (!json.is_object()) return Wrong(path, "must be an object: our fields, their columns");
  for (const auto& [field, value] : json.items()) {
    const std::vector<std::string> known = FieldNames();
    if (std::find(known.begin(), known.end(), field) == known.end()) {
      return Unknown(path, "field", field, known);
    }
    map.fields.erase(field);
    if (value.is_null()) continue;
    ASSIGN_OR_RETURN(map.fields[field],
                     ReadSource(value, field, fmt::format("{}.{}", path, field)));
  }
  return absl::OkStatus();
}

absl::Status ReadCondition(const Json& json, const std::string& path, RowCondition& condition) {
  if (!json.is_object()) return ReadValues(json, path, condition.values);
  for (const auto& [key, value] : json.items()) {
    const std::string key_path = fmt::format("{}.{}", path, key);
    if (key == "values") {
      RETURN_IF_ERROR(ReadValues(value, key_path, condition.values));
    } else if (key == "optional") {
      RETURN_IF_ERROR(ReadBool(value, key_path, condition.optional));
    } else {
      return Unknown(path, "key", key, {"values", "optional"});
    }
  }
  return condition.values.empty() ? Wrong(path, "needs values") : absl::OkStatus();
}

// Conditions stand beside those of the preset; one on the same column replaces its own.
absl::Status ReadWhere(const Json& json, const std::string& path, ColumnMap& map) {
  if (!json.is_object()) return Wrong(path, "must be an object: columns, values of rows to take");
  for (const auto& [column, value] : json.items()) {
    std::erase_if(map.where, [&, &name = column](const auto& w) { return w.column == name; });
    if (value.is_null()) continue;
    RowCondition condition{.column = column};
    RETURN_IF_ERROR(ReadCondition(value, fmt::format("{}.{}", path, column), condition));
    map.where.push_back(std::move(condition));
  }
  return absl::OkStatus();
}

absl::StatusOr<Json> ParseJson(std::string_view text, const std::string& name) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    return Wrong(name, fmt::format("no JSON: {}", ToUtf8(error.what())));
  }
}

}  // namespace

std::vector<std::string> ColumnPresets() {
  std::vector<std::string> names;
  for (const ColumnPreset& preset : AllColumnPresets()) names.emplace_back(preset.name);
  return names;
}

absl::StatusOr<ColumnMap> ParseColumnMap(std::string_view text, const std::string& name) {
  ASSIGN_OR_RETURN(const Json json, ParseJson(text, name));
  if (!json.is_object()) return Wrong(name, "must be an object with \"fields\"");
  ColumnMap map;
  if (const auto base = json.find("extends"); base != json.end()) {
    const std::string preset = base->is_string() ? base->get<std::string>() : base->dump();
    if (!FindColumnPreset(preset)) {
      return Unknown(name + ": extends", "preset", preset, ColumnPresets());
    }
    ASSIGN_OR_RETURN(map, ParseColumnMap(*FindColumnPreset(preset), preset));
    map.preset = preset;
  }
  map.name = name;
  for (const auto& [key, value] : json.items()) {
    if (key == "fields") {
      RETURN_IF_ERROR(ReadFields(value, name + ": fields", map));
    } else if (key == "where") {
      RETURN_IF_ERROR(ReadWhere(value, name + ": where", map));
    } else if (key != "extends") {
      return Unknown(name, "key", key, {"extends", "fields", "where"});
    }
  }
  return map;
}

absl::StatusOr<ColumnMap> LoadColumnMap(const std::string& preset_or_file) {
  if (const auto preset = FindColumnPreset(preset_or_file)) {
    ASSIGN_OR_RETURN(ColumnMap map, ParseColumnMap(*preset, preset_or_file));
    map.preset = preset_or_file;
    return map;
  }
  std::ifstream file(preset_or_file, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file || text.bad()) {
    return absl::NotFoundError(fmt::format("cannot read the column map {} (presets: {})",
                                           preset_or_file,
                                           fmt::join(ColumnPresets(), ", ")));
  }
  return ParseColumnMap(text.str(), preset_or_file);
}

}  // namespace bitbudget::cli
