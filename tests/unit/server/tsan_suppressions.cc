// What thread sanitizer cannot see: a status is shared by a reference count in
// Abseil's library, which is not instrumented, so that the end of its payload on one
// thread looks unordered with its use on another.

// The sanitizer looks for this name. NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race:absl::*::status_internal::Payload\n";
}
// NOLINTEND(bugprone-reserved-identifier)
