// Files that are there whole or not at all.

#ifndef BITBUDGET_WORKER_DATA_ATOMIC_FILE_H_
#define BITBUDGET_WORKER_DATA_ATOMIC_FILE_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace bitbudget::worker {

// Replaces the file at `path` by `parts`, one after another, durably: written
// beside it as PATH.partial, flushed, renamed, and the directory flushed. After
// an error or a crash the old file is untouched.
//
// Errors:
// - RESOURCE_EXHAUSTED: the disk or the quota is full, or the file too large.
// - NOT_FOUND: its directory does not exist.
// - INTERNAL: anything else, with the system's message.
absl::Status WriteFileAtomically(const std::string& path,
                                 std::initializer_list<std::string_view> parts);

}  // namespace bitbudget::worker

#endif  // BITBUDGET_WORKER_DATA_ATOMIC_FILE_H_
