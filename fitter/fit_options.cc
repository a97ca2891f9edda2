#include "fitter/fit_options.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "util/error.h"

namespace bitbudget::fitter {

absl::Status CheckFitOptions(const FitOptions& options) {
  std::vector<FieldViolation> violations;
  const auto require = [&](bool holds, const char* field, std::string description) {
    if (!holds)
      violations.push_back({fmt::format("fit_options.{}", field), std::move(description)});
  };
  if (options.huber_delta) {
    const double delta = *options.huber_delta;
    require(delta > 0 && delta <= kMaxHuberDelta,
            "huber_delta",
            fmt::format("is {}; must be above 0 and at most {}", delta, kMaxHuberDelta));
  }
  require(options.start_count >= 1 && options.start_count <= kMaxStartCount,
          "start_count",
          fmt::format("is {}; must be 1 to {}", options.start_count, kMaxStartCount));
  require(options.polish_count >= 1 && options.polish_count <= options.start_count,
          "polish_count",
          fmt::format(
              "is {}; must be 1 to start_count, {}", options.polish_count, options.start_count));
  require(options.full_precision_weight >= 0 &&
              options.full_precision_weight <= kMaxFullPrecisionWeight,
          "full_precision_weight",
          fmt::format(
              "is {}; must be 0 to {}", options.full_precision_weight, kMaxFullPrecisionWeight));
  require(options.min_fp_tokens >= 0 && std::isfinite(options.min_fp_tokens),
          "min_fp_tokens",
          fmt::format("is {}; must be finite and at least 0", options.min_fp_tokens));
  return violations.empty() ? absl::OkStatus() : InvalidFields(std::move(violations));
}

absl::Status CheckBootstrapOptions(const BootstrapOptions& options) {
  if (options.draw_count >= kMinBootstrapDraws && options.draw_count <= kMaxBootstrapDraws) {
    return absl::OkStatus();
  }
  return InvalidField(
      "bootstrap.draw_count",
      fmt::format(
          "is {}; must be {} to {}", options.draw_count, kMinBootstrapDraws, kMaxBootstrapDraws));
}

}  // namespace bitbudget::fitter
