// Reads the fields of a JSON object, each at most once, and finds those that
// nobody asked for.

#ifndef BITBUDGET_WORKER_RUN_JSON_FIELDS_H_
#define BITBUDGET_WORKER_RUN_JSON_FIELDS_H_

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"

namespace bitbudget::worker {

// The first error is kept; reads after it do nothing. An absent field leaves its
// target as it is. Not thread-safe.
class JsonFields {
 public:
  // `path` is the object's own place, "schedule", and empty at the top. `object`
  // outlives this.
  JsonFields(const nlohmann::json& object, std::string path);

  void Read(const char* name, std::string& target);
  void Read(const char* name, double& target);
  void Read(const char* name, bool& target);
  void Read(const char* name, int64_t& target);
  void Read(const char* name, int& target);
  void Read(const char* name, std::vector<int64_t>& target);

  // One of a few words.
  template <class Enum>
  void Read(const char* name,
            Enum& target,
            std::initializer_list<std::pair<std::string_view, Enum>> words) {
    std::string word;
    Read(name, word);
    if (word.empty()) return;
    std::string known;
    for (const auto& [spelling, value] : words) {
      if (spelling == word) {
        target = value;
        return;
      }
      known += known.empty() ? "" : ", ";
      known += spelling;
    }
    Fail(name, "\"" + word + "\" is none of: " + known);
  }

  // An object inside this one; an empty one if absent. Its errors are its own.
  JsonFields Inner(const char* name);

  void Require(const char* name);
  void Fail(const char* name, const std::string& why);

  // The first error, or that a field is unknown.
  absl::Status Finish() const;

 private:
  const nlohmann::json* Find(const char* name);
  std::string PathOf(const std::string& name) const;

  const nlohmann::json& object_;
  std::string path_;
  std::set<std::string> known_;
  absl::Status error_;
};

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_RUN_JSON_FIELDS_H_
