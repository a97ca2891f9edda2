// Studies in their table, and what other records need of the study they belong
// to. See store.h for the contracts of the calls.

#ifndef BITBUDGET_DB_STUDIES_H_
#define BITBUDGET_DB_STUDIES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "bitbudget/v1/study.pb.h"
#include "db/connection.h"
#include "db/store.h"
#include "db/writer.h"

namespace bitbudget::db {

// What the other tables need of a study.
struct StudyHandle {
  int64_t key = 0;
  std::string name;
  int64_t revision = 0;
  int64_t experiment_count = 0;
  int64_t excluded_experiment_count = 0;
  int64_t last_row_number = 0;
  int64_t last_fit_number = 0;
};

// NOT_FOUND if there is no such study, or none any more.
absl::StatusOr<StudyHandle> FindStudy(Connection& connection, const std::string& name);

// Stores revision, counts and last numbers of `study`.
void SaveStudyState(const WriteContext& context, const StudyHandle& study);

absl::StatusOr<v1::Study> CreateStudy(WriteContext& context,
                                      const std::string& study_id,
                                      const v1::Study& study,
                                      const RequestKey& request);
absl::StatusOr<v1::Study> GetStudy(Connection& connection, const std::string& name);
absl::StatusOr<StudyPage> ListStudies(Connection& connection, const PageRequest& page);
absl::StatusOr<v1::Study> UpdateStudy(WriteContext& context, const Store::StudyUpdate& update);
absl::Status DeleteStudy(WriteContext& context,
                         const std::string& name,
                         bool force,
                         const RequestKey& request);

}  // namespace bitbudget::db

#endif  // BITBUDGET_DB_STUDIES_H_
