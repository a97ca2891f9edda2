// LawService of the contract as plain functions: the catalogue of laws. Pure,
// thread-safe.

#ifndef BITBUDGET_SERVER_LAW_SERVICE_H_
#define BITBUDGET_SERVER_LAW_SERVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "bitbudget/v1/law.pb.h"
#include "server/answer_question.h"
#include "server/call_context.h"

namespace bitbudget::server {

class LawService {
 public:
  // Errors as law.proto says.
  absl::StatusOr<v1::ListLawsResponse> ListLaws(const CallContext& call,
                                                const v1::ListLawsRequest& request);
  absl::StatusOr<v1::Law> GetLaw(const CallContext& call, const v1::GetLawRequest& request);
};

// What a published law, "laws/{law}", answers questions with. NOT_FOUND if there is
// none; a law that can answer nothing has a view without laws.
absl::StatusOr<LawView> PublishedView(const std::string& name);

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_LAW_SERVICE_H_
