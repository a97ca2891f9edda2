#include "client/cli/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/cli/quantity.h"

namespace bitbudget::cli {

std::string LastPart(std::string_view name) {
  return std::string(name.substr(name.rfind('/') + 1));
}

std::string LowerCase(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string Words(std::string_view enum_name) {
  std::string words = LowerCase(enum_name);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "";
  return absl::FormatTime(
      "%Y-%m-%d %H:%M:%S UTC", absl::FromUnixSeconds(time.seconds()), absl::UTCTimeZone());
}

std::string Counted(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string Percent(double share) { return fmt::format("{:.3g} %", 100 * share); }

std::string ShareText(double fraction) {
  constexpr double kEdge = 1e-3;
  if (fraction < kEdge) return "below " + Percent(kEdge);
  if (fraction > 1 - kEdge) return "above " + Percent(1 - kEdge);
  return Percent(fraction);
}

std::string IntervalText(const v1::Estimate& estimate, std::string (*format)(double)) {
  if (!estimate.has_lower() || !estimate.has_upper()) return "";
  return fmt::format("{} to {}", format(estimate.lower()), format(estimate.upper()));
}

std::string WithInterval(const v1::Estimate& estimate, std::string (*format)(double)) {
  const std::string interval = IntervalText(estimate, format);
  if (interval.empty()) return format(estimate.value());
  return fmt::format("{} ({})", format(estimate.value()), interval);
}

std::string LossText(double loss_nats) { return fmt::format("{:.4f}", loss_nats); }

std::string BitsText(double weight_bits) { return fmt::to_string(weight_bits); }

std::string ExtrapolationText(const std::string& heading, const v1::Extrapolation& extrapolation) {
  std::string text;
  for (const v1::Extrapolation::Axis& axis : extrapolation.axes()) {
    const bool above = axis.value() > axis.data_range().upper();
    text += fmt::format("{}: {} {} is {} times {} (measured: {} to {}).\n",
                        heading,
                        Words(axis.axis()),
                        FormatQuantity(axis.value()),
                        FormatQuantity(axis.factor()),
                        above ? "above the largest" : "below the smallest",
                        FormatQuantity(axis.data_range().lower()),
                        FormatQuantity(axis.data_range().upper()));
  }
  return text;
}

std::string ProvenanceText(const v1::Provenance& provenance) {
  std::string text = provenance.published_law().empty()
                         ? fmt::format("From {} ({}), fit {}, revision {}.\n",
                                       provenance.law(),
                                       provenance.variant(),
                                       provenance.fit(),
                                       provenance.revision())
                         : fmt::format("From {}, a published law, without intervals.\n",
                                       provenance.published_law());
  text += ExtrapolationText("Outside the data", provenance.extrapolation());
  for (const std::string& warning : provenance.warnings()) {
    text += fmt::format("Warning: {}\n", warning);
  }
  return text;
}

}  // namespace bitbudget::cli
