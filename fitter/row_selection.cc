#include "fitter/row_selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fitter/laws/compute_optimal_qat.h"
#include "fitter/laws/optimizer_rescaled.h"
#include "util/error.h"
#include "util/status_macros.h"
#include "util/width_text.h"

namespace bitbudget::fitter {
namespace {

// Rows still taken, and the count of the others.
class Sieve {
 public:
  explicit Sieve(const Dataset& data) : data_(data) {
    for (int i = 0; i < static_cast<int>(data.rows.size()); ++i) rows_.push_back(i);
  }

  template <typename Predicate>
  void LeaveOut(LeaveOutReason reason, Predicate applies) {
    const std::size_t count =
        std::erase_if(rows_, [&](int row) { return applies(data_.rows[row]); });
    Count(reason, count);
  }

  // For laws that say the reason themselves.
  void LeaveOutOfDomain(const Law& law) {
    std::erase_if(rows_, [&](int row) {
      const std::optional<LeaveOutReason> reason = OutsideDomain(law, data_.rows[row]);
      if (reason) Count(*reason, 1);
      return reason.has_value();
    });
  }

  const std::vector<int>& rows() const { return rows_; }
  const std::map<LeaveOutReason, int64_t>& left_out() const { return left_out_; }

 private:
  void Count(LeaveOutReason reason, std::size_t count) {
    if (count > 0) left_out_[reason] += static_cast<int64_t>(count);
  }

  const Dataset& data_;
  std::vector<int> rows_;
  std::map<LeaveOutReason, int64_t> left_out_;
};

// A column of labels that one law must not mix.
struct LabelColumn {
  std::string name;    // of the option
  std::string plural;  // in messages
  int Observation::*label;
  LeaveOutReason reason;
  bool qat_rows_only;
};

const std::vector<LabelColumn>& LabelColumns() {
  static const std::vector<LabelColumn> columns = {{"schedule",
                                                    "schedules",
                                                    &Observation::schedule,
                                                    LeaveOutReason::kOtherSchedule,
                                                    /*qat_rows_only=*/true},
                                                   {"recipe",
                                                    "recipes",
                                                    &Observation::recipe,
                                                    LeaveOutReason::kOtherRecipe,
                                                    /*qat_rows_only=*/true},
                                                   {"optimizer",
                                                    "optimizers",
                                                    &Observation::optimizer,
                                                    LeaveOutReason::kOtherOptimizer,
                                                    /*qat_rows_only=*/false}};
  return columns;
}

// Applies one label option; sets it if it was unset and the rows agree.
absl::Status ApplyLabel(const Dataset& data,
                        const LabelColumn& column,
                        std::optional<std::string>* option,
                        Sieve* sieve) {
  const auto concerns = [&](const Observation& row) {
    return !column.qat_rows_only || row.role != RunRole::kFullPrecision;
  };
  std::set<std::string> found;
  for (const int i : sieve->rows()) {
    const Observation& row = data.rows[i];
    if (concerns(row)) found.insert(data.labels[row.*column.label]);
  }
  if (found.empty()) return absl::OkStatus();
  const std::string values = fmt::format("\"{}\"", fmt::join(found, "\", \""));
  if (!option->has_value()) {
    if (found.size() > 1) {
      return DataCannotAnswer({},
                              fmt::format("One law must not mix {}: the rows hold {}. Set "
                                          "fit_options.{} to one of them.",
                                          column.plural,
                                          values,
                                          column.name));
    }
    *option = *found.begin();
  }
  if (!found.contains(**option)) {
    return DataCannotAnswer(
        {}, fmt::format("No row has {} \"{}\"; the rows hold {}.", column.name, **option, values));
  }
  sieve->LeaveOut(column.reason, [&](const Observation& row) {
    return concerns(row) && data.labels[row.*column.label] != **option;
  });
  return absl::OkStatus();
}

// Laws of QAT from scratch know a precision by the width of the weights alone, and
// group sizes either of all quantized rows or of none.
absl::Status CheckPrecisions(const Dataset& data, const std::vector<int>& rows) {
  std::map<double, double> activations;  // by width of the weights
  std::set<bool> has_group_size;
  for (const int i : rows) {
    const Observation& row = data.rows[i];
    if (row.role == RunRole::kFullPrecision) continue;
    const auto [known, is_new] =
        activations.try_emplace(row.point.weight_bits, row.activation_bits);
    if (known->second != row.activation_bits) {
      return DataCannotAnswer(
          {},
          fmt::format("One law must not mix precisions of activations: the rows of {} have "
                      "activations of {:g} and {:g} bits. Exclude one of them, or keep it in a "
                      "study of its own.",
                      WidthText(row.point.weight_bits),
                      known->second,
                      row.activation_bits));
    }
    has_group_size.insert(row.group_size > 0);
  }
  if (has_group_size.size() < 2) return absl::OkStatus();
  return DataCannotAnswer({},
                          "Some quantized rows state a group_size and others do not; state it for "
                          "all (the input width of a layer, where a channel has one scale).");
}

// "12 excluded": what `count` rows that are left out are.
std::string LeftOutText(LeaveOutReason reason, int64_t count) {
  switch (reason) {
    case LeaveOutReason::kExcluded:
      return fmt::format("{} excluded", count);
    case LeaveOutReason::kRoleControl:
      return fmt::format("{} of the role CONTROL", count);
    case LeaveOutReason::kRoleQatFromScratch:
      return fmt::format("{} of the role QAT_FROM_SCRATCH, which the law does not describe", count);
    case LeaveOutReason::kRolePostTraining:
      return fmt::format("{} of the role POST_TRAINING, which the law does not describe", count);
    case LeaveOutReason::kRoleFpThenQat:
      return fmt::format("{} of the role FP_THEN_QAT, which the law does not describe", count);
    case LeaveOutReason::kQuantizedActivations:
      return fmt::format("{} with quantized activations", count);
    case LeaveOutReason::kOtherSchedule:
      return fmt::format("{} of another schedule", count);
    case LeaveOutReason::kOtherRecipe:
      return fmt::format("{} of another recipe", count);
    case LeaveOutReason::kOtherOptimizer:
      return fmt::format("{} of another optimizer", count);
    case LeaveOutReason::kTooFewFpTokens:
      return fmt::format("{} with fewer than min_fp_tokens", count);
    case LeaveOutReason::kZeroWeight:
      return fmt::format("{} in full precision, of weight 0", count);
  }
  return fmt::format("{} for another reason", count);
}

}  // namespace

absl::Status NoRowLeft(const RowSelection& selection) {
  std::vector<std::string> reasons;
  for (const auto& [reason, count] : selection.left_out) {
    reasons.push_back(LeftOutText(reason, count));
  }
  return DataCannotAnswer(
      {{.axis = "experiments", .needed_level_count = 1}},
      fmt::format("No run is left to fit; left out are: {}.", fmt::join(reasons, ", ")));
}

absl::StatusOr<RowSelection> SelectRows(const Dataset& data,
                                        const Law& law,
                                        const FitOptions& options) {
  RowSelection selection{.options = options};
  Sieve sieve(data);
  sieve.LeaveOut(LeaveOutReason::kExcluded, [](const Observation& row) { return row.excluded; });
  sieve.LeaveOutOfDomain(law);
  std::optional<std::string>* const label_options[] = {
      &selection.options.schedule, &selection.options.recipe, &selection.options.optimizer};
  for (std::size_t i = 0; i < LabelColumns().size(); ++i) {
    const bool may_mix = LabelColumns()[i].label == &Observation::optimizer &&
                         law.family == kOptimizerRescaled && !options.optimizer;
    if (may_mix) continue;
    RETURN_IF_ERROR(ApplyLabel(data, LabelColumns()[i], label_options[i], &sieve));
  }
  sieve.LeaveOut(LeaveOutReason::kTooFewFpTokens, [&](const Observation& row) {
    return row.point.fp_tokens < options.min_fp_tokens;
  });
  if (law.family == kComputeOptimalQat && options.full_precision_weight == 0) {
    sieve.LeaveOut(LeaveOutReason::kZeroWeight,
                   [](const Observation& row) { return row.role == RunRole::kFullPrecision; });
  }
  if (DescribesQatFromScratch(law.family)) RETURN_IF_ERROR(CheckPrecisions(data, sieve.rows()));
  selection.rows = sieve.rows();
  selection.left_out = sieve.left_out();
  return selection;
}

}  // namespace bitbudget::fitter
