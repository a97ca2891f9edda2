// Outside data for checks, read from the folder `shared` beside the repository.
//
// The folder is no part of the project: every reader returns nullopt where its
// file is absent, and a test then skips with kSharedDataAbsent. A file that is
// present and broken ends the program with a message.

#ifndef BITBUDGET_TESTS_SUPPORT_SHARED_DATA_H_
#define BITBUDGET_TESTS_SUPPORT_SHARED_DATA_H_

#include <optional>
#include <string>
#include <vector>

#include "fitter/observation.h"
#include "tests/support/truth.h"

namespace bitbudget::test_support {

inline constexpr char kSharedDataAbsent[] =
    "outside data are absent: no folder `shared/data` beside the repository";

// Path of a file in shared/data; nullopt if there is none.
std::optional<std::string> FindSharedFile(const std::string& name);

// truths.json: known coefficients with figures to check.
std::optional<std::vector<Truth>> ReadSharedTruths();

// chinchilla_epoch.csv: full-precision runs digitised from a published figure, in
// the order of the file.
std::optional<fitter::Dataset> ReadSharedChinchillaRuns();

}  // namespace bitbudget::test_support

#endif  // BITBUDGET_TESTS_SUPPORT_SHARED_DATA_H_
