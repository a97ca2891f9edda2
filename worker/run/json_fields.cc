#include "worker/run/json_fields.h"

#include <cmath>
#include <limits>
#include <optional>

#include "util/error.h"

namespace bitbudget::worker {
namespace {

const nlohmann::json& EmptyObject() {
  static const auto* const object = new nlohmann::json(nlohmann::json::object());
  return *object;
}

// The value if it is whole and has 64 bits; 1e6 is as whole as 1000000.
std::optional<int64_t> WholeNumber(const nlohmann::json& value) {
  constexpr double kTooLarge = 0x1p63;
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > std::numeric_limits<int64_t>::max()) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (std::trunc(number) != number || std::abs(number) >= kTooLarge) return std::nullopt;
  return static_cast<int64_t>(number);
}

}  // namespace

JsonFields::JsonFields(const nlohmann::json& object, std::string path)
    : object_(object.is_object() ? object : EmptyObject()), path_(std::move(path)) {
  if (!object.is_object()) error_ = InvalidField(path_.empty() ? "config" : path_, "no object");
}

std::string JsonFields::PathOf(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

void JsonFields::Fail(const char* name, const std::string& why) {
  if (error_.ok()) error_ = InvalidField(PathOf(name), why);
}

const nlohmann::json* JsonFields::Find(const char* name) {
  known_.insert(name);
  const auto found = object_.find(name);
  return error_.ok() && found != object_.end() ? &*found : nullptr;
}

void JsonFields::Require(const char* name) {
  if (!object_.contains(name)) Fail(name, "is required");
}

void JsonFields::Read(const char* name, std::string& target) {
  const auto* const value = Find(name);
  if (value == nullptr) return;
  if (!value->is_string()) return Fail(name, value->dump() + " is no string");
  target = value->get<std::string>();
}

void JsonFields::Read(const char* name, double& target) {
  const auto* const value = Find(name);
  if (value == nullptr) return;
  if (!value->is_number()) return Fail(name, value->dump() + " is no number");
  target = value->get<double>();
}

void JsonFields::Read(const char* name, bool& target) {
  const auto* const value = Find(name);
  if (value == nullptr) return;
  if (!value->is_boolean()) return Fail(name, value->dump() + " is neither true nor false");
  target = value->get<bool>();
}

void JsonFields::Read(const char* name, int64_t& target) {
  const auto* const value = Find(name);
  if (value == nullptr) return;
  const std::optional<int64_t> number = WholeNumber(*value);
  if (!number) return Fail(name, value->dump() + " is no whole number of 64 bits");
  target = *number;
}

void JsonFields::Read(const char* name, int& target) {
  int64_t wide = target;
  Read(name, wide);
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    return Fail(name, std::to_string(wide) + " is too large");
  }
  target = static_cast<int>(wide);
}

void JsonFields::Read(const char* name, std::vector<int64_t>& target) {
  const auto* const value = Find(name);
  if (value == nullptr) return;
  if (!value->is_array()) return Fail(name, value->dump() + " is no list");
  target.clear();
  for (const nlohmann::json& element : *value) {
    const std::optional<int64_t> number = WholeNumber(element);
    if (!number) return Fail(name, element.dump() + " in it is no whole number of 64 bits");
    target.push_back(*number);
  }
}

JsonFields JsonFields::Inner(const char* name) {
  const auto* const value = Find(name);
  return {value == nullptr ? EmptyObject() : *value, PathOf(name)};
}

absl::Status JsonFields::Finish() const {
  if (!error_.ok()) return error_;
  for (const auto& [name, value] : object_.items()) {
    if (!known_.contains(name)) return InvalidField(PathOf(name), "there is no such field");
  }
  return absl::OkStatus();
}

}  // namespace bitbudget::worker
