#include "client/cli/run_mapper.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "client/cli/field.h"
#include "client/cli/quantity.h"
#include "google/protobuf/descriptor.h"
#include "util/status_macros.h"

namespace bitbudget::cli {
namespace {

constexpr double kFlopsPerParameterAndToken = 6;
constexpr double kFullPrecisionBits = 16;
// What scaling may leave of a whole number, relative: the rounding of doubles, not data.
constexpr double kWholeTolerance = 1e-14;
constexpr const char* kNeeded[] = {
    "parameters", "fp_tokens", "qat_tokens", "weight_bits", "loss_nats"};

bool IsDerivedFrom(const std::string& field) {
  return std::find(std::begin(kDerivedFrom), std::end(kDerivedFrom), field) !=
         std::end(kDerivedFrom);
}

Unit UnitFor(const std::string& field) {
  if (field == "qat_fraction") return Unit::kShare;
  if (field == "compute_flops") return Unit::kFlops;
  if (field == "total_tokens") return Unit::kTokens;
  return UnitOf(FieldOf(v1::Experiment::default_instance(), field));
}

double InNats(double loss, LossScale unit) {
  switch (unit) {
    case LossScale::kBits:
      return loss * std::numbers::ln2;
    case LossScale::kPerplexity:
      return std::log(loss);
    case LossScale::kNats:
      break;
  }
  return loss;
}

// A number as exact text, whole if it is one.
std::string NumberText(double value) {
  const double whole = std::round(value);
  if (std::abs(value - whole) <= kWholeTolerance * std::abs(value)) value = whole;
  return value == whole ? fmt::format("{:.0f}", value) : fmt::to_string(value);
}

// The text of a cell as the field takes it.
absl::StatusOr<std::string> Converted(const ColumnSource& source, Unit unit, std::string text) {
  const auto word = source.words.find(text);
  if (word != source.words.end()) return word->second;
  if (source.scale == 1 && source.unit == LossScale::kNats && !source.rounded) return text;
  ASSIGN_OR_RETURN(double value, ParseReal(text, unit));
  value = InNats(value * source.scale, source.unit);
  if (!std::isfinite(value)) {
    return absl::InvalidArgumentError(fmt::format("'{}' is no perplexity", text));
  }
  return NumberText(source.rounded ? std::round(value) : value);
}

std::string Conversion(const ColumnSource& source) {
  std::string text;
  if (source.scale != 1) text += fmt::format(" x {:g}", source.scale);
  if (source.unit == LossScale::kBits) text += " in bits";
  if (source.unit == LossScale::kPerplexity) text += " as perplexity";
  return text;
}

}  // namespace

// One row as it is read.
struct RunMapper::Reading {
  const TableRow& row;
  v1::Experiment experiment;
  std::map<std::string, std::string> origins;  // by field, of those that are given
  std::map<std::string, double> numbers;       // by field, of those that count something
  std::vector<RejectedRow> problems;

  void Reject(const std::string& field, std::string description) {
    problems.push_back({0, row.line, field, std::move(description)});
  }

  bool Has(const std::string& field) const { return numbers.contains(field); }
  double Of(const std::string& field) const { return numbers.at(field); }

  absl::Status Set(const std::string& field, const std::string& text) {
    if (!IsDerivedFrom(field)) {
      RETURN_IF_ERROR(SetField(experiment, FieldOf(experiment, field), text));
    }
    const Unit unit = UnitFor(field);
    if (unit == Unit::kNone && field != "weight_bits") return absl::OkStatus();
    ASSIGN_OR_RETURN(numbers[field], ParseReal(text, unit));
    return absl::OkStatus();
  }

  // Sets a count to what it is derived to be.
  void Derive(const std::string& field, double value, const std::string& how) {
    origins[field] = how;
    const absl::Status set = Set(field, fmt::format("{:.0f}", value));
    if (!set.ok()) Reject(field, fmt::format("{}: {}", how, std::string(set.message())));
  }

  // Each from what is given, or derived before it.
  void DeriveCounts() {
    if (!Has("parameters") && Has("compute_flops") && Has("total_tokens")) {
      Derive("parameters",
             Of("compute_flops") / (kFlopsPerParameterAndToken * Of("total_tokens")),
             "compute_flops / (6 total_tokens)");
    }
    const bool is_split = Has("fp_tokens") && Has("qat_tokens");
    if (!is_split && !Has("total_tokens") && Has("compute_flops") && Has("parameters")) {
      Derive("total_tokens",
             Of("compute_flops") / (kFlopsPerParameterAndToken * Of("parameters")),
             "compute_flops / (6 parameters)");
    }
    if (!Has("qat_tokens")) DeriveQatTokens();
    if (!Has("fp_tokens") && Has("total_tokens") && Has("qat_tokens")) {
      Derive("fp_tokens", Of("total_tokens") - Of("qat_tokens"), "total_tokens - qat_tokens");
    }
  }

  void DeriveQatTokens() {
    if (Has("total_tokens") && Has("fp_tokens")) {
      Derive("qat_tokens", Of("total_tokens") - Of("fp_tokens"), "total_tokens - fp_tokens");
    } else if (Has("total_tokens") && Has("qat_fraction")) {
      Derive("qat_tokens", Of("total_tokens") * Of("qat_fraction"), "total_tokens x qat_fraction");
    } else if (Has("weight_bits") && Of("weight_bits") == kFullPrecisionBits) {
      Derive("qat_tokens", 0, "0 at 16 bits");
    }
  }
};

RunMapper::RunMapper(ColumnMap map) : map_(std::move(map)), lookup_(map_) {}

void RunMapper::BeginTable(std::string name) { table_ = std::move(name); }

void RunMapper::AddRow(const std::vector<std::string>& columns, const TableRow& row) {
  lookup_.SetColumns(columns);
  Reading reading{.row = row};
  if (!row.problem.empty()) {
    reading.Reject("", row.problem);
    return Keep(std::move(reading));
  }
  if (const std::optional<std::string> why = lookup_.LeftOutBecause(row)) {
    ++use_.left_out[*why];
    return;
  }
  for (const auto& [field, source] : map_.fields) ReadField(field, source, reading);
  if (reading.problems.empty()) {
    reading.DeriveCounts();
    for (const char* field : kNeeded) Require(field, reading);
  }
  Keep(std::move(reading));
}

void RunMapper::ReadField(const std::string& field,
                          const ColumnSource& source,
                          Reading& reading) const {
  std::optional<ColumnLookup::Found> found = lookup_.Find(field, reading.row);
  if (!found) return;
  const auto set = [&] {
    if (!found->is_converted) return reading.Set(field, found->text);
    ASSIGN_OR_RETURN(const std::string text, Converted(source, UnitFor(field), found->text));
    return reading.Set(field, text);
  };
  if (const absl::Status status = set(); !status.ok()) {
    reading.Reject(field,
                   fmt::format("column '{}': {}", found->origin, std::string(status.message())));
  }
  reading.origins[field] = found->origin + (found->is_converted ? Conversion(source) : "");
}

void RunMapper::Require(const std::string& field, Reading& reading) const {
  if (reading.origins.contains(field)) return;
  const std::vector<std::string> names = lookup_.ColumnsOf(field);
  reading.Reject(field,
                 names.empty() ? "is not given, nor is what it derives from"
                               : fmt::format("column '{}' is empty", fmt::join(names, "', '")));
}

// Lines of one file tell a place by themselves; all others are written out.
void RunMapper::Keep(Reading reading) {
  const bool is_told = table_.empty() && reading.row.line > 0;
  const std::string place =
      table_.empty() ? reading.row.place : fmt::format("{}, {}", table_, reading.row.place);
  if (!is_told) {
    for (RejectedRow& problem : reading.problems) {
      problem.line = 0;
      problem.description = fmt::format("{}: {}", place, problem.description);
    }
  }
  if (reading.problems.empty()) {
    for (const auto& [field, origin] : reading.origins) ++use_.sources[field][origin];
    file_.places.push_back(is_told ? "" : place);
  }
  cli::AddRow(std::move(reading.experiment), std::move(reading.problems), reading.row.line, file_);
}

absl::Status RunMapper::EndTable(const std::vector<std::string>& columns) {
  lookup_.SetColumns(columns);
  RETURN_IF_ERROR(lookup_.Check());
  for (std::string& column : lookup_.UnreadColumns()) {
    const bool is_known =
        std::find(use_.unread.begin(), use_.unread.end(), column) != use_.unread.end();
    if (!is_known) use_.unread.push_back(std::move(column));
  }
  return absl::OkStatus();
}

}  // namespace bitbudget::cli
