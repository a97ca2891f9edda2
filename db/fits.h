// Fits in their table. See store.h for the contracts of the calls.

#ifndef BITBUDGET_DB_FITS_H_
#define BITBUDGET_DB_FITS_H_

#include <string>

#include "absl/status/statusor.h"
#include "bitbudget/v1/fit.pb.h"
#include "db/connection.h"
#include "db/store.h"
#include "db/writer.h"

namespace bitbudget::db {

absl::StatusOr<v1::Fit> InsertFit(WriteContext& context,
                                  const std::string& study,
                                  const v1::Fit& fit,
                                  const RequestKey& request);
absl::StatusOr<v1::Fit> GetFit(Connection& connection, const std::string& name);
absl::StatusOr<FitPage> ListFits(Connection& connection,
                                 const std::string& study,
                                 const PageRequest& page);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_FITS_H_
