// Comparisons of laws, as they are stored: immutable, with a hash of their content
// that is checked whenever one is read. Errors as in store.h.

#ifndef BITBUDGET_DB_LAW_COMPARISONS_H_
#define BITBUDGET_DB_LAW_COMPARISONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "db/connection.h"
#include "db/store.h"
#include "db/writer.h"

namespace bitbudget::db {

absl::StatusOr<v1::LawComparison> InsertLawComparison(WriteContext& context,
                                                      const std::string& study,
                                                      const v1::LawComparison& comparison,
                                                      const RequestKey& request);
absl::StatusOr<v1::LawComparison> GetLawComparison(Connection& connection, const std::string& name);
absl::StatusOr<LawComparisonPage> ListLawComparisons(Connection& connection,
                                                     const std::string& study,
                                                     const PageRequest& page);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_LAW_COMPARISONS_H_
