// Random identifiers.

#ifndef BITBUDGET_UTIL_IDS_H_
#define BITBUDGET_UTIL_IDS_H_

#include <string>

namespace bitbudget {

// A random (version 4) UUID in lower-case hexadecimal with dashes. Thread-safe.
std::string RandomUuid();

}  // namespace bitbudget

#endif  // BITBUDGET_UTIL_IDS_H_
