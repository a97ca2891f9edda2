// Reading stored experiments: one, a page, or all that match a filter. See
// store.h for the contracts of the calls.

#ifndef BITBUDGET_DB_EXPERIMENTS_H_
#define BITBUDGET_DB_EXPERIMENTS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "db/connection.h"
#include "db/store.h"
#include "db/studies.h"

namespace bitbudget::db {

// The row with this number. NOT_FOUND if the study has none.
absl::StatusOr<v1::Experiment> LoadExperiment(Connection& connection,
                                              const StudyHandle& study,
                                              int64_t row_number);

absl::StatusOr<v1::Experiment> GetExperiment(Connection& connection, const std::string& name);
absl::StatusOr<ExperimentPage> ListExperiments(Connection& connection,
                                               const v1::ListExperimentsRequest& query,
                                               const PageRequest& page);
absl::StatusOr<int64_t> ExportExperiments(Connection& connection,
                                          const std::string& study,
                                          const v1::ExperimentFilter& filter,
                                          const ExperimentVisitor& visit,
                                          const std::function<bool()>& cancelled);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_EXPERIMENTS_H_
