// FitService of the contract as plain functions. Thread-safe.

#ifndef BITBUDGET_SERVER_FIT_SERVICE_H_
#define BITBUDGET_SERVER_FIT_SERVICE_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "bitbudget/v1/fit.pb.h"
#include "server/admission.h"
#include "server/call_context.h"
#include "server/refit_scheduler.h"
#include "server/watch_source.h"

namespace bitbudget::server {

class FitService {
 public:
  // Everything is borrowed.
  explicit FitService(const FitParts& parts) : parts_(parts) {}

  // Errors and repeats as fit.proto says.
  absl::StatusOr<v1::Fit> RunFit(const CallContext& call, const v1::RunFitRequest& request);
  absl::StatusOr<v1::Fit> GetFit(const CallContext& call, const v1::GetFitRequest& request);
  absl::StatusOr<v1::ListFitsResponse> ListFits(const CallContext& call,
                                                const v1::ListFitsRequest& request);
  absl::StatusOr<v1::ReplayFitResponse> ReplayFit(const CallContext& call,
                                                  const v1::ReplayFitRequest& request);
  // `wake` is called on a thread that must not be blocked.
  absl::StatusOr<std::unique_ptr<WatchSource<v1::WatchFitsResponse>>> WatchFits(
      const v1::WatchFitsRequest& request, std::function<void()> wake);

  // In fit_analysis.cc.
  absl::StatusOr<v1::LawComparison> CompareLaws(const CallContext& call,
                                                const v1::CompareLawsRequest& request);
  absl::StatusOr<v1::LawComparison> GetLawComparison(const CallContext& call,
                                                     const v1::GetLawComparisonRequest& request);
  absl::StatusOr<v1::ListLawComparisonsResponse> ListLawComparisons(
      const CallContext& call, const v1::ListLawComparisonsRequest& request);
  absl::StatusOr<v1::ExplainFitResponse> ExplainFit(const CallContext& call,
                                                    const v1::ExplainFitRequest& request);

 private:
  // The rows that a stored fit was computed from; DATA_LOSS if they are others now.
  absl::StatusOr<FittingRows> ReadRowsOf(const v1::Fit& fit);

  // The stored fit; for "latest" of a study that has none, NOT_FOUND saying why.
  absl::StatusOr<v1::Fit> ReadFit(const std::string& name) const;

  const FitParts parts_;
  // Beside the refit thread; each keeps a core busy for about a second.
  Admission computing_{2, "fits"};
};

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_FIT_SERVICE_H_
