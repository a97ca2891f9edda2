#include "db/names.h"

#include <fmt/format.h>

#include <charconv>

namespace bitbudget::db {
namespace {

constexpr std::string_view kStudies = "studies/";
constexpr int64_t kMicrosecondsPerSecond = 1'000'000;

}  // namespace

std::string StudyName(std::string_view study_id) { return fmt::format("{}{}", kStudies, study_id); }

std::optional<std::string> ParseStudyName(std::string_view name) {
  if (!name.starts_with(kStudies)) return std::nullopt;
  name.remove_prefix(kStudies.size());
  if (name.empty() || name.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(name);
}

std::optional<ChildName> ParseChildName(std::string_view name, std::string_view collection) {
  const size_t end_of_study = name.find('/', kStudies.size());
  if (end_of_study == std::string_view::npos) return std::nullopt;
  const std::string_view study = name.substr(0, end_of_study);
  const std::string_view rest = name.substr(end_of_study + 1);
  if (!ParseStudyName(study).has_value() || !rest.starts_with(collection)) return std::nullopt;
  const std::string_view id = rest.substr(collection.size());
  if (!id.starts_with('/')) return std::nullopt;
  return ChildName{std::string(study), std::string(id.substr(1))};
}

std::optional<int64_t> ParseNumber(std::string_view id) {
  if (id.empty() || id.front() < '1' || id.front() > '9') return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size()) return std::nullopt;
  return number;
}

int64_t ToMicroseconds(absl::Time time) { return absl::ToUnixMicros(time); }

void SetTimestamp(int64_t microseconds, google::protobuf::Timestamp* timestamp) {
  timestamp->set_seconds(microseconds / kMicrosecondsPerSecond);
  timestamp->set_nanos(static_cast<int32_t>(microseconds % kMicrosecondsPerSecond) * 1000);
}

}  // namespace bitbudget::db
