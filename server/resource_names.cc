#include "server/resource_names.h"

#include <algorithm>

namespace bitbudget::server {
namespace {

constexpr std::string_view kStudies = "studies/";
constexpr std::string_view kExperiments = "/experiments/";
constexpr std::string_view kComparisons = "/comparisons/";
constexpr std::string_view kFits = "/fits/";
constexpr std::string_view kJobs = "/jobs/";
constexpr std::string_view kCampaigns = "/campaigns/";
constexpr size_t kLongestId = 63;

bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsChildId(std::string_view id) {
  return !id.empty() && id.size() <= kLongestId && std::all_of(id.begin(), id.end(), [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '-' || c == '_';
  });
}

std::optional<ChildName> ParseChildName(std::string_view name, std::string_view collection) {
  const size_t at = name.find(collection);
  if (at == std::string_view::npos || !IsStudyName(name.substr(0, at))) return std::nullopt;
  const std::string_view id = name.substr(at + collection.size());
  if (!IsChildId(id)) return std::nullopt;
  return ChildName{std::string(name.substr(0, at)), std::string(id)};
}

}  // namespace

bool IsStudyId(std::string_view id) {
  return !id.empty() && id.size() <= kLongestId && IsLetter(id.front()) && id.back() != '-' &&
         std::all_of(
             id.begin(), id.end(), [](char c) { return IsLetter(c) || IsDigit(c) || c == '-'; });
}

bool IsStudyName(std::string_view name) {
  return name.starts_with(kStudies) && IsStudyId(name.substr(kStudies.size()));
}

std::optional<ChildName> ParseExperimentName(std::string_view name) {
  return ParseChildName(name, kExperiments);
}

std::optional<ChildName> ParseFitName(std::string_view name) { return ParseChildName(name, kFits); }

std::optional<ChildName> ParseComparisonName(std::string_view name) {
  return ParseChildName(name, kComparisons);
}

std::optional<ChildName> ParseJobName(std::string_view name) { return ParseChildName(name, kJobs); }

std::optional<ChildName> ParseCampaignName(std::string_view name) {
  return ParseChildName(name, kCampaigns);
}

std::string FormatStudyName(std::string_view study_id) {
  return std::string(kStudies).append(study_id);
}

std::string FormatExperimentName(const ChildName& name) {
  return std::string(name.study).append(kExperiments).append(name.id);
}

std::string FormatFitName(const ChildName& name) {
  return std::string(name.study).append(kFits).append(name.id);
}

}  // namespace bitbudget::server
