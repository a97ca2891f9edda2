// StudyService of the contract as plain functions. Thread-safe.

#ifndef BITBUDGET_SERVER_STUDY_SERVICE_H_
#define BITBUDGET_SERVER_STUDY_SERVICE_H_

#include "absl/status/statusor.h"
#include "bitbudget/v1/study.pb.h"
#include "server/call_context.h"
#include "server/refit_scheduler.h"

namespace bitbudget::server {

// Fills in of a study what the database does not know.
void SetFitStatus(const SnapshotRegistry& registry, v1::Study& study);

class StudyService {
 public:
  // Everything is borrowed.
  StudyService(const FitParts& parts, RefitScheduler& refits) : parts_(parts), refits_(refits) {}

  // Errors and repeats as study.proto says.
  absl::StatusOr<v1::Study> CreateStudy(const CallContext& call,
                                        const v1::CreateStudyRequest& request);
  absl::StatusOr<v1::Study> GetStudy(const CallContext& call, const v1::GetStudyRequest& request);
  absl::StatusOr<v1::ListStudiesResponse> ListStudies(const CallContext& call,
                                                      const v1::ListStudiesRequest& request);
  absl::StatusOr<v1::Study> UpdateStudy(const CallContext& call,
                                        const v1::UpdateStudyRequest& request);
  absl::StatusOr<v1::DeleteStudyResponse> DeleteStudy(const CallContext& call,
                                                      const v1::DeleteStudyRequest& request);
  absl::StatusOr<v1::BackupResponse> Backup(const CallContext& call,
                                            const v1::BackupRequest& request);

 private:
  // The change that `request` makes to `current`.
  absl::StatusOr<db::Store::StudyUpdate> MakeUpdate(const v1::UpdateStudyRequest& request,
                                                    const v1::Study& current);
  // FAILED_PRECONDITION unless every run in use says how many parameters its
  // embeddings have.
  absl::Status CheckEmbeddingsKnown(const CallContext& call, const std::string& study);

  const FitParts parts_;
  RefitScheduler& refits_;
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_STUDY_SERVICE_H_
