// Names of resources: "studies/{study}" and what lives below it. The one place
// that takes them apart and puts them together. Pure, thread-safe.

#ifndef BITBUDGET_SERVER_RESOURCE_NAMES_H_
#define BITBUDGET_SERVER_RESOURCE_NAMES_H_

#include <optional>
#include <string>
#include <string_view>

namespace bitbudget::server {

// Id of a fit that stands for the current one.
inline constexpr std::string_view kLatestFitId = "latest";

// A resource inside a study.
struct ChildName {
  std::string study;  // "studies/{study}"
  std::string id;     // last part

  bool operator==(const ChildName&) const = default;
};

// True if `id` is 1 to 63 characters of a-z, 0-9 and "-", first a letter, last
// no "-".
bool IsStudyId(std::string_view id);

// True for "studies/{study}" with a valid study id.
bool IsStudyName(std::string_view name);

// The parts of "studies/{study}/experiments/{experiment}"; nullopt if `name` is
// not of that form.
std::optional<ChildName> ParseExperimentName(std::string_view name);

// The parts of "studies/{study}/fits/{fit}"; nullopt if `name` is not of that
// form.
std::optional<ChildName> ParseFitName(std::string_view name);

// The same for "studies/{study}/comparisons/{comparison}".
std::optional<ChildName> ParseComparisonName(std::string_view name);

// The same for "studies/{study}/jobs/{job}" and
// "studies/{study}/campaigns/{campaign}".
std::optional<ChildName> ParseJobName(std::string_view name);
std::optional<ChildName> ParseCampaignName(std::string_view name);

// The inverse of the above. Ids are taken as they are.
std::string FormatStudyName(std::string_view study_id);
std::string FormatExperimentName(const ChildName& name);
std::string FormatFitName(const ChildName& name);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_RESOURCE_NAMES_H_
