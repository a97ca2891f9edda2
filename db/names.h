// Resource names, and times as they are stored.

#ifndef BITBUDGET_DB_NAMES_H_
#define BITBUDGET_DB_NAMES_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace bitbudget::db {

// "studies/{study}".
std::string StudyName(std::string_view study_id);
// The last part of "studies/{study}"; nullopt if `name` is no such name.
std::optional<std::string> ParseStudyName(std::string_view name);

// "studies/{study}/{collection}/{id}", for experiments and fits.
struct ChildName {
  std::string study;  // "studies/{study}"
  std::string id;
};
std::optional<ChildName> ParseChildName(std::string_view name, std::string_view collection);

// "17" without sign, leading zeros or anything else; at least 1.
std::optional<int64_t> ParseNumber(std::string_view id);

int64_t ToMicroseconds(absl::Time time);
void SetTimestamp(int64_t microseconds, google::protobuf::Timestamp* timestamp);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_NAMES_H_
