// Files of the repository, and studies as files.

#ifndef BITBUDGET_TESTS_SUPPORT_FILES_H_
#define BITBUDGET_TESTS_SUPPORT_FILES_H_

#include <string>

#include "fitter/observation.h"

namespace bitbudget::test_support {

// Path of `name`, relative to the root of the source tree.
std::string SourcePath(const std::string& name);

// Writes rows as bench/reference_fit.py reads them, without loss of digits.
void WriteRowsCsv(const fitter::Dataset& data, const std::string& path);

}  // namespace bitbudget::test_support

#endif  // BITBUDGET_TESTS_SUPPORT_FILES_H_
